/**
 * Which packages' makefiles name a symbol: those it can have an effect on. Read from the files of the packages that a
 * configuration has, and from those that are for all packages.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PackageInfos } from '../build/package-info.ts';

export interface Mentions {
  /** Names of packages. */
  readonly packages: (symbol: string) => readonly string[];
  /** Whether makefiles that are for all packages name it. */
  readonly byAll: (symbol: string) => boolean;
}

/** Of the tree, relative to it; package/*.mk beside these. */
const FOR_ALL = [
  'Makefile',
  'package/Makefile.in',
  'fs/common.mk',
  'system/system.mk',
  'arch/arch.mk',
  'boot/common.mk',
];
const FOR_ALL_DIRECTORIES = ['package', 'toolchain', 'support/dependencies'];

/** @param tree directory of the tree, which package_dir is relative to, unless that is absolute */
export function readMentions(tree: string, infos: PackageInfos): Mentions {
  const texts = new Map<string, string>();
  const textOf = (directory: string): string => {
    const known = texts.get(directory);
    if (known !== undefined) return known;
    const text = makefilesIn(directory).map(readText).join('\n');
    texts.set(directory, text);
    return text;
  };
  const sources = [...infos].flatMap(([name, { package_dir: directory }]) => {
    if (directory === undefined) return [];
    const own = directory.startsWith('/') ? directory : join(tree, directory);
    // What gcc-initial and gcc-final have in common is in the directory above them.
    const above = dirname(own);
    const shared = above === join(tree, 'package') || above === tree || above.endsWith('/package') ? [] : [above];
    return [{ name, symbols: symbolsIn([own, ...shared].map(textOf).join('\n')) }];
  });
  const all = symbolsIn(
    [...FOR_ALL.map((file) => join(tree, file)), ...FOR_ALL_DIRECTORIES.flatMap((one) => makefilesIn(join(tree, one)))]
      .map(readText)
      .join('\n'),
  );
  return {
    packages: (symbol) => sources.filter(({ symbols }) => symbols.has(symbol)).map(({ name }) => name),
    byAll: (symbol) => all.has(symbol),
  };
}

function symbolsIn(text: string): ReadonlySet<string> {
  return new Set(text.match(/\bBR2_\w+/g));
}

function makefilesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.mk'))
      .sort()
      .map((name) => join(directory, name));
  } catch {
    return [];
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
