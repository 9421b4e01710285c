/** ls and find: what is in the root, by name and kind. */
import type { Entry } from '../../../rootfs/entry.ts';
import { lastName } from '../../../rootfs/path.ts';
import type { ConfiguredRoot } from '../configured-root.ts';
import type { Outcome } from '../shell/host.ts';
import { patternSource } from '../shell/pattern.ts';
import { isKnown, UNKNOWN } from '../shell/unknown.ts';
import { act, DONE, has, type Model, type Models, problem, readArguments, UNSURE } from './model.ts';

const LOST: Outcome = { ...UNSURE, output: UNKNOWN };

const ls: Model = (call, { root }) => {
  const args = readArguments(call.argv.slice(1));
  const paths = args.operands;
  if (paths.length === 0 || paths.some((path) => !isKnown(path) || !path.startsWith('/') || root.isOutside(path)))
    return LOST;
  const there = paths.filter((path) => root.entry(path) !== undefined);
  if (there.length === 0) return { status: 2, output: '' };
  if ([...args.options.keys()].some((option) => !'1ALad'.includes(option))) return LOST;
  const lines = there.flatMap((path) => {
    if (has(args, 'd') || root.kind(path) !== 'directory') return [path];
    return root.list(path).filter((name) => has(args, 'A', 'a') || !name.startsWith('.'));
  });
  return { status: there.length === paths.length ? 0 : 2, output: lines.map((line) => `${line}\n`).join('') };
};

type Test = (entry: Entry, root: ConfiguredRoot) => boolean;

/** Of the expressions of find, those that are joined by `and`. */
interface Search {
  readonly starts: readonly string[];
  readonly tests: readonly Test[];
  readonly least: number;
  readonly most: number;
  readonly deletes: boolean;
}

const TYPES: Readonly<Record<string, readonly Entry['type'][]>> = {
  f: ['file', 'hardlink'],
  d: ['directory'],
  l: ['symlink'],
};

function readSearch(args: readonly string[]): Search | undefined {
  const end = args.findIndex((arg) => arg.startsWith('-'));
  const starts = end < 0 ? args : args.slice(0, end);
  const tests: Test[] = [];
  let [least, most, deletes] = [0, Number.POSITIVE_INFINITY, false];
  const rest = end < 0 ? [] : args.slice(end);
  for (let i = 0; i < rest.length; i += 1) {
    const value = rest[i + 1] ?? '';
    switch (rest[i]) {
      case '-print':
        continue;
      case '-delete':
        deletes = true;
        continue;
      case '-empty':
        tests.push((entry, root) =>
          entry.type === 'directory' ? root.list(entry.path).length === 0 : root.size(entry.path) === 0,
        );
        continue;
      case '-maxdepth':
        most = Number(value);
        break;
      case '-mindepth':
        least = Number(value);
        break;
      case '-type': {
        const types = TYPES[value];
        if (types === undefined) return undefined;
        tests.push((entry) => types.includes(entry.type));
        break;
      }
      case '-name': {
        const name = new RegExp(`^${patternSource(value)}$`, 'u');
        tests.push((entry) => name.test(lastName(entry.path)));
        break;
      }
      default:
        return undefined;
    }
    i += 1;
  }
  return { starts, tests, least, most, deletes };
}

const find: Model = (call, { root }) => {
  const args = call.argv.slice(1).filter((arg) => !/^-[HLP]$/.test(arg));
  const changes = args.some((arg) => /^-(?:delete|exec|execdir|ok|okdir|fprint|fls)/.test(arg));
  const lost = changes ? problem('what it would find and change is not modelled') : LOST;
  if (!args.every(isKnown)) return lost;
  const paths = args.slice(0, args.findIndex((arg) => arg.startsWith('-')) >>> 0);
  if (paths.every((path) => root.entry(path) === undefined && path.startsWith('/') && !root.isOutside(path))) {
    return { status: 1, output: '' };
  }
  const search = readSearch(args);
  if (
    search === undefined ||
    search.starts.length === 0 ||
    search.starts.some((path) => !path.startsWith('/') || root.isOutside(path))
  )
    return lost;
  const found = search.starts.flatMap((start) => {
    const top = root.entry(start);
    if (top === undefined) return [];
    const depth = (entry: Entry): number => entry.path.slice(top.path.length).split('/').length - 1;
    return root.tree
      .below(top.path)
      .filter(
        (entry) =>
          depth(entry) >= search.least &&
          depth(entry) <= search.most &&
          search.tests.every((test) => test(entry, root)),
      )
      .map((entry) => ({ entry, path: `${root.path(start)}${entry.path.slice(top.path.length)}` }));
  });
  if (!search.deletes) return { status: 0, output: found.map(({ path }) => `${path}\n`).join('') };
  if (found.length === 0) return DONE;
  return act(call, [], () => {
    for (const { entry } of found.toReversed()) root.tree.remove(entry.path);
  });
};

export const LISTING: Models = { ls, find };
