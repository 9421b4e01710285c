/**
 * A Buildroot tree: where it is, which release it is, and what of it a build depends on. A tree is taken as it lies there,
 * with or without git's metadata; nothing in it is ever changed.
 */
import { type Dirent, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../../failure.ts';
import { sha256 } from '../../../host/files.ts';
import { lookAt } from '../../../host/look-at.ts';
import type { BuildrootSettings } from '../../../workspace/resolved.ts';
import type { HashPart } from './part-hashes.ts';
import { checkPathForMake } from './path-for-make.ts';

export interface BuildrootTree {
  /** Absolute, links followed: Buildroot itself works with that name. */
  readonly directory: string;
  /** `2026.02.3`, or `2026.05-git` for a commit between releases. */
  readonly version: string;
  /** The newest major version of gcc that this tree knows as a compiler of the host's (HOSTCC_MAX_VERSION). */
  readonly newestHostGcc: number;
}

/** The oldest release whose build interface is the one that is driven here. */
const OLDEST = '2022.11';

/** @throws Failure `no-buildroot`, `not-buildroot`, `buildroot-too-old`, `path-not-for-make` */
export function readBuildrootTree({ tree, treeFrom }: BuildrootSettings): BuildrootTree {
  const makefile = readMakefile(tree, treeFrom);
  const version = /^export BR2_VERSION := (\S+)$/m.exec(makefile)?.[1];
  if (version === undefined || lookAt(join(tree, 'support/kconfig'))?.isDirectory() !== true) {
    throw new Failure({
      code: 'not-buildroot',
      message: `${tree} is not a Buildroot tree`,
      place: { file: join(tree, 'Makefile') },
      cause:
        version === undefined
          ? `its Makefile does not say BR2_VERSION; ${treeFrom} names it`
          : `it has no support/kconfig; ${treeFrom} names it`,
      hint: 'name the top directory of a release that was unpacked, or of a clone',
    });
  }
  if (version < OLDEST) {
    throw new Failure({
      code: 'buildroot-too-old',
      message: `Buildroot ${version} is too old: ${OLDEST} is the oldest that works`,
      place: { file: join(tree, 'Makefile') },
    });
  }
  const directory = realpathSync(tree);
  checkPathForMake(directory, 'the Buildroot tree');
  const newestHostGcc = Number(/^HOSTCC_MAX_VERSION := (\d+)$/m.exec(makefile)?.[1] ?? Number.MAX_SAFE_INTEGER);
  return { directory, version, newestHostGcc };
}

function readMakefile(tree: string, treeFrom: string): string {
  try {
    return readFileSync(join(tree, 'Makefile'), 'utf8');
  } catch (error) {
    const isSubmodule = treeFrom.includes('submodule');
    throw new Failure({
      code: 'no-buildroot',
      message: 'there is no Buildroot tree',
      place: { file: tree },
      cause: `${treeFrom} is to have one: ${(error as Error).message}`,
      hint: isSubmodule
        ? 'git submodule update --init buildroot, in the directory of Coracle, gets it; or let CORACLE_BUILDROOT, or ' +
          'buildroot: in coracle.yaml, name another tree'
        : 'a path in coracle.yaml is relative to that file, one in the environment to the current directory',
    });
  }
}

/** What a build never reads: documents, boards' examples, tests. */
const UNREAD = new Set(['.git', '.gitlab', 'board', 'configs', 'docs', 'utils', 'CHANGES', 'DEVELOPERS']);

/** Directories whose subdirectories are a package each. */
const PACKAGE_DIRECTORIES = ['package', 'boot', 'linux'] as const;

/**
 * The tree by content, as parts that can change for themselves: `package/<name>` for the directory of each package, and
 * `infrastructure` for all the rest.
 */
export type TreeParts = ReadonlyMap<string, string>;

/** Names in a tree that a build may read. */
export function readNames(directory: string): readonly string[] {
  return entriesOf(directory).flatMap(({ name }) => (UNREAD.has(name) ? [] : [name]));
}

export function treeParts(directory: string, hash: HashPart): TreeParts {
  const parts = new Map<string, string>();
  const rest: string[] = [];
  for (const name of readNames(directory)) {
    if (!PACKAGE_DIRECTORIES.some((one) => one === name)) {
      rest.push(name);
      continue;
    }
    for (const child of entriesOf(join(directory, name))) {
      const part = `${name}/${child.name}`;
      // package/pkg-*.mk and the lists of packages are for all of them.
      if (name === 'linux' || !child.isDirectory()) rest.push(part);
      else parts.set(part, hash(part, [part]));
    }
  }
  parts.set('infrastructure', hash('infrastructure', rest));
  return parts;
}

/** One hash for all of it. */
export function treeHash(parts: TreeParts): string {
  return sha256([...parts].map(([name, hash]) => `${name} ${hash}`).join('\n'));
}

function entriesOf(directory: string): Dirent[] {
  return readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
}
