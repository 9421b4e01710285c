/**
 * The gate over a finished root that asks whether it can boot at all: coracle-init ends by executing /sbin/init, and a root
 * without one (a hook that removed too much, a list of layers without a base) would otherwise only fail on the device.
 */
import { Failure } from '../failure.ts';
import type { Entry } from './entry.ts';
import { lastName, parentPath } from './path.ts';
import type { RootTree } from './tree.ts';

const INIT = '/sbin/init';

/** @throws Failure `no-init` unless /sbin/init leads, through links, to an executable file */
export function checkInit(tree: RootTree): void {
  const problem = problemOf(tree);
  if (problem === undefined) return;
  throw new Failure({
    code: 'no-init',
    message: `the root cannot boot: ${problem}`,
    cause: `${INIT} is the first program that runs on the root`,
    hint: 'base/systemd or base/mini bring one: list one of them, or see whether a hook, an overlay or an exclusion takes it away',
  });
}

function problemOf(tree: RootTree): string | undefined {
  const named = entryAt(tree, INIT);
  if (named === undefined) return `it has no ${INIT}`;
  const from = `${INIT} (${named.origin})`;
  const leads = named.type === 'symlink' ? `${from} is a link to ${named.target}, which` : from;
  const meant = followed(tree, INIT);
  if (meant === undefined) return `${leads} is not there`;
  const file = meant.type === 'hardlink' ? tree.get(meant.target) : meant;
  if (file?.type !== 'file') return `${leads} is a ${meant.type}, not a program`;
  return (file.mode & 0o111) === 0 ? `${leads} is not executable` : undefined;
}

/** The entry itself, the links of its directory followed. */
function entryAt(tree: RootTree, path: string): Entry | undefined {
  const directory = followed(tree, parentPath(path));
  return directory && tree.children(directory.path).find((child) => lastName(child.path) === lastName(path));
}

function followed(tree: RootTree, path: string): Entry | undefined {
  try {
    return tree.resolve(path);
  } catch (error) {
    // A loop or an escape on the way: the kernel would find nothing there either.
    if (error instanceof Failure) return undefined;
    throw error;
  }
}
