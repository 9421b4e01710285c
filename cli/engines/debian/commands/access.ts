/** chmod, chown and chgrp, and modes as they are written for them. */
import type { Entry } from '../../../rootfs/entry.ts';
import type { ConfiguredRoot } from '../configured-root.ts';
import type { Call, Outcome } from '../shell/host.ts';
import { isKnown } from '../shell/unknown.ts';
import {
  act,
  type CommandContext,
  DONE,
  FAILED,
  has,
  type Model,
  type Models,
  problem,
  readArguments,
} from './model.ts';

/** Octal, or symbolic changes of what is there. */
export function newMode(spec: string, entry: Pick<Entry, 'mode' | 'type'>): number | undefined {
  if (/^[0-7]{3,5}$/.test(spec)) return Number.parseInt(spec, 8);
  let mode = entry.mode;
  for (const clause of spec.split(',')) {
    const match = /^([ugoa]*)([-+=])([rwxXst]*)$/.exec(clause);
    if (match === null) return undefined;
    const [, who = '', operator, what = ''] = match;
    let bits = 0;
    for (const letter of who === '' ? 'ugo' : who.replace('a', 'ugo')) {
      const shift = { u: 6, g: 3, o: 0 }[letter] ?? 0;
      const executable =
        what.includes('x') || (what.includes('X') && (entry.type === 'directory' || (mode & 0o111) !== 0));
      bits |= ((what.includes('r') ? 4 : 0) | (what.includes('w') ? 2 : 0) | (executable ? 1 : 0)) << shift;
      if (what.includes('s') && letter === 'u') bits |= 0o4000;
      if (what.includes('s') && letter === 'g') bits |= 0o2000;
    }
    if (what.includes('t')) bits |= 0o1000;
    const mask =
      who === '' ? 0o777 : [...who.replace('a', 'ugo')].reduce((m, l) => m | (7 << ({ u: 6, g: 3, o: 0 }[l] ?? 0)), 0);
    mode = operator === '+' ? mode | bits : operator === '-' ? mode & ~bits : (mode & ~mask) | bits;
  }
  return mode;
}

/** The entry itself and, when asked, all below. */
function selected(root: ConfiguredRoot, path: string, recursive: boolean, followLink: boolean): Entry[] {
  const entry = followLink ? root.resolve(path) : root.entry(path);
  if (entry === undefined) return [];
  if (!recursive || entry.type !== 'directory') return [entry];
  return [entry, ...root.tree.children(entry.path).flatMap((child) => selected(root, child.path, true, false))];
}

const chmod: Model = (call, { root }) => {
  const [first = '', ...rest] = call.argv.slice(1);
  // A mode like -x looks like an option.
  const args =
    /^-[rwxst]+$/.test(first) && first !== '-R'
      ? { options: new Map(), operands: [first, ...rest] }
      : readArguments(call.argv.slice(1), ['reference']);
  const [mode = '', ...paths] = args.operands;
  if (has(args, 'reference')) return problem('chmod --reference is not modelled');
  const entries = paths.filter(isKnown).flatMap((path) => selected(root, path, has(args, 'R', 'recursive'), true));
  const changes = entries.flatMap((entry) => {
    const wanted = newMode(mode, entry);
    return entry.type !== 'symlink' && wanted !== entry.mode ? [{ entry, wanted }] : [];
  });
  const unknown = paths.filter((path) => !isKnown(path) && !root.isVolatile(path));
  if (changes.length === 0 && unknown.length === 0)
    return entries.length === 0 && paths.every((path) => !root.isVolatile(path)) ? FAILED : DONE;
  if (changes.some((change) => change.wanted === undefined)) return problem(`the mode ${mode} is not known`);
  return act(call, [mode, ...unknown], () => {
    for (const { entry, wanted } of changes) root.tree.setMetadata(entry.path, { mode: wanted ?? entry.mode });
  });
};

function changeOwner(
  spec: string,
  paths: readonly string[],
  recursive: boolean,
  link: boolean,
  call: Call,
  context: CommandContext,
): Outcome {
  const { root } = context;
  const relevant = paths.filter((path) => !root.isVolatile(path));
  if (!isKnown(spec)) return relevant.length === 0 ? DONE : problem('the owner is not known before it runs');
  const owner = root.accounts.owner(spec);
  if (owner === undefined) return relevant.length === 0 ? DONE : problem(`there is no user or group of ${spec}`);
  const entries = relevant.filter(isKnown).flatMap((path) => selected(root, path, recursive, !link));
  const changes = entries.filter(
    (entry) => (owner.uid ?? entry.uid) !== entry.uid || (owner.gid ?? entry.gid) !== entry.gid,
  );
  const unknown = relevant.filter((path) => !isKnown(path));
  if (changes.length === 0 && unknown.length === 0) return DONE;
  return act(call, unknown, () => {
    for (const entry of changes) root.tree.setMetadata(entry.path, owner);
  });
}

const chown: Model = (call, context) => {
  const args = readArguments(call.argv.slice(1), ['reference', 'from']);
  const [spec = '', ...paths] = args.operands;
  const group = call.argv[0]?.endsWith('chgrp') ? `:${spec}` : spec;
  if (has(args, 'reference')) return problem('chown --reference is not modelled');
  return changeOwner(group, paths, has(args, 'R', 'recursive'), has(args, 'h', 'no-dereference'), call, context);
};

export const ACCESS: Models = { chmod, chown, chgrp: chown };
