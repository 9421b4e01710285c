/**
 * Files and directories that layers name by symbols of Buildroot: overlays, scripts, tables, configurations of packages. Looked
 * for before anything is built, because make would miss them late, or never say so, and does not know who named them. Only what
 * layers ask for is looked at: Buildroot's own defaults may name what is not there.
 */
import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { Failure } from '../../../failure.ts';
import { lookAt } from '../../../host/look-at.ts';
import type { Assignment } from '../../../kconfig/assignment.ts';
import type { BuildPlaces } from '../build-places.ts';
import type { ExternalTree } from '../tree/external-trees.ts';
import { placeInLayer } from './symbols-of-coracle.ts';

type Kind = 'file' | 'directory' | 'script' | 'file or directory';

/** Symbols whose value is a list of paths (Buildroot's Config.in files, releases 2022.11 to 2026.02). */
const KINDS: readonly (readonly [RegExp, Kind])[] = [
  [/^BR2_(?:ROOTFS_OVERLAY|GLOBAL_PATCH_DIR)$/, 'directory'],
  [/^BR2_ROOTFS_(?:PRE_BUILD|POST_BUILD|POST_FAKEROOT|POST_IMAGE)_SCRIPT$/, 'script'],
  [/^BR2_ROOTFS_(?:USERS_TABLES|DEVICE_TABLE|STATIC_DEVICE_TABLE)$/, 'file'],
  [/^BR2_\w+_(?:CUSTOM_CONFIG_FILE|CONFIG_FRAGMENT_FILES)$/, 'file'],
  [/^BR2_(?:PACKAGE_BUSYBOX_CONFIG|UCLIBC_CONFIG|PACKAGE_OVERRIDE_FILE)$/, 'file'],
  [/^BR2_(?:LINUX_KERNEL|TARGET_UBOOT)_PATCH$/, 'file or directory'],
  [/^BR2_LINUX_KERNEL_CUSTOM_DTS_(?:PATH|DIR)$/, 'file or directory'],
];

export interface NamedPathPlaces {
  /** Directory of the Buildroot tree, where relative names start. */
  readonly tree: string;
  readonly externals: readonly ExternalTree[];
  readonly places: BuildPlaces;
}

/** @returns a failure for each path: `named-path-missing`, `named-script-not-executable` */
export function namedPathFailures(asked: readonly Assignment[], places: NamedPathPlaces): readonly SymbolFailure[] {
  return asked.flatMap((one) => {
    const kind = KINDS.find(([pattern]) => pattern.test(one.symbol))?.[1];
    if (kind === undefined || one.value.kind !== 'string') return [];
    return one.value.value.split(/\s+/).flatMap((word) => {
      const failure = word === '' ? undefined : wordFailure(word, kind, one, places);
      return failure === undefined ? [] : [{ symbol: one.symbol, failure }];
    });
  });
}

export interface SymbolFailure {
  readonly symbol: string;
  readonly failure: Failure;
}

function wordFailure(word: string, kind: Kind, asked: Assignment, places: NamedPathPlaces): Failure | undefined {
  const name = expandVariables(word, places);
  if (!isPath(name, kind)) return undefined;
  const path = resolve(places.tree, name);
  // What a build makes need not be there before it.
  if (path.startsWith(`${places.places.directory}/`)) return undefined;
  const found = lookAt(path);
  const { symbol, origin } = asked;
  const failure = (code: string, message: string, cause: string | undefined, hint: string): Failure =>
    new Failure({
      ...{ code, message: `${symbol} names ${word}, ${message}`, cause, hint, layer: origin.layer },
      place: { file: origin.file, line: origin.line },
    });
  const where = path === word ? undefined : `it stands for ${path}`;
  if (found === undefined) {
    const hints = [`correct the path: ${path === word ? ABSOLUTE : RELATIVE}`, placeInLayer(symbol)];
    const hint = hints.filter((one) => one !== undefined).join('\n');
    return failure('named-path-missing', 'which is not there', where, hint);
  }
  if (kind === 'directory' && !found.isDirectory()) {
    return failure('named-path-missing', 'which is no directory', where, 'name the directory that it is in');
  }
  if ((kind === 'file' || kind === 'script') && !found.isFile()) {
    return failure('named-path-missing', 'which is no file', where, 'name a file in it');
  }
  if (kind !== 'script' || isExecutable(path)) return undefined;
  const hint = 'chmod +x it, and in a git repository: git update-index --chmod=+x';
  return failure('named-script-not-executable', 'which is not executable', where, hint);
}

const ABSOLUTE = 'a relative one starts at the tree of Buildroot';
const RELATIVE = `${ABSOLUTE}, and $(BR2_EXTERNAL_<NAME>_PATH) is the BR2_EXTERNAL tree of that name`;

/** What is a pattern, is fetched, or has variables that only make knows cannot be looked for. */
function isPath(name: string, kind: Kind): boolean {
  if (/[$*?[]|:\/\//.test(name)) return false;
  // A program without a directory is looked for in PATH.
  return kind !== 'script' || name.includes('/');
}

/** `$(NAME)` and `${NAME}`, as far as they are known before make runs. */
function expandVariables(text: string, { tree, externals, places }: NamedPathPlaces): string {
  const known = new Map([
    ['TOPDIR', tree],
    ['BASE_DIR', places.output],
    ...externals.map(({ name, directory }) => [`BR2_EXTERNAL_${name}_PATH`, directory] as const),
  ]);
  return text.replaceAll(/\$(?:\((\w+)\)|\{(\w+)\})/g, (all, round?: string, curly?: string) => {
    return known.get(round ?? curly ?? '') ?? all;
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
