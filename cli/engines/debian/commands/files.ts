/** Commands that make, move and remove files, and those that look at names. */
import type { Entry } from '../../../rootfs/entry.ts';
import { joinPath, lastName, parentPath } from '../../../rootfs/path.ts';
import { type ConfiguredRoot, cleanPath, isOutside, isVolatile } from '../configured-root.ts';
import type { Call, Outcome } from '../shell/host.ts';
import { isKnown, UNKNOWN } from '../shell/unknown.ts';
import {
  act,
  type CommandContext,
  DONE,
  FAILED,
  has,
  type Model,
  type Models,
  optionValue,
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

const mkdir: Model = (call, { root, origin }) => {
  const args = readArguments(call.argv.slice(1), ['m', 'mode', 'context']);
  const missing = args.operands.filter((path) => root.kind(path) !== 'directory' && !isVolatile(path));
  if (missing.length === 0)
    return has(args, 'p', 'parents') ? DONE : { status: args.operands.some((path) => !isVolatile(path)) ? 1 : 0 };
  const mode = optionValue(args, 'm', 'mode') ?? '755';
  return act(call, [...args.operands, mode], () => {
    for (const path of missing) {
      root.tree.addDirectory(cleanPath(path), {
        origin,
        mode: newMode(mode, { mode: 0o755, type: 'directory' }) ?? 0o755,
      });
    }
  });
};

const remove: Model = (call, { root }) => {
  const args = readArguments(call.argv.slice(1));
  const there = args.operands.flatMap((path) => (isKnown(path) ? (root.entry(path) ?? []) : []));
  const unknown = args.operands.filter((path) => !isKnown(path) && !isVolatile(path));
  if (there.length === 0 && unknown.length === 0) return { status: has(args, 'f', 'force') ? 0 : 1 };
  return act(call, unknown, () => {
    for (const entry of there) {
      if (entry.type !== 'directory' || has(args, 'r', 'R', 'recursive')) root.tree.remove(entry.path);
    }
  });
};

const rmdir: Model = (call, { root }) => {
  const args = readArguments(call.argv.slice(1));
  const empty = args.operands.flatMap((path) => {
    const entry = root.entry(path);
    return entry?.type === 'directory' && root.tree.children(entry.path).length === 0 ? [entry] : [];
  });
  if (empty.length === 0) return { status: has(args, 'ignore-fail-on-non-empty') ? 0 : 1 };
  return act(call, args.operands, () => {
    for (const entry of empty) root.tree.remove(entry.path);
  });
};

const link: Model = (call, { root, origin }) => {
  const args = readArguments(call.argv.slice(1), ['t', 'target-directory', 'S']);
  if (!has(args, 's', 'symbolic')) return hardLink(call, args.operands, root, origin);
  if (has(args, 'r', 'relative')) return problem('ln --relative is not modelled');
  const [target = '', written = ''] = args.operands;
  if (args.operands.length !== 2) return problem('this form of ln is not modelled');
  const at = root.entry(written);
  const isDirectory =
    !has(args, 'n', 'T', 'no-dereference', 'no-target-directory') && root.kind(written) === 'directory';
  const path = isDirectory ? joinPath(cleanPath(written), lastName(target)) : written;
  const there = isDirectory ? root.entry(path) : at;
  if (there?.type === 'symlink' && there.target === target) return DONE;
  if (isVolatile(path)) return DONE;
  if (there !== undefined && !has(args, 'f', 'force')) return FAILED;
  return act(call, [target, path], () => {
    root.tree.addLink(cleanPath(path), target, { origin });
  });
};

function hardLink(call: Call, operands: readonly string[], root: ConfiguredRoot, origin: string): Outcome {
  const [pair, ...more] = destinations(root, operands.length === 1 ? [...operands, '/'] : operands);
  if (pair === undefined || more.length > 0) return problem('this form of ln is not modelled');
  const [source, to] = pair;
  const target = isKnown(source) ? root.entry(source) : undefined;
  if (isKnown(source) && target === undefined) return FAILED;
  return act(call, operands, () => {
    if (target !== undefined)
      root.tree.put({ ...target, type: 'hardlink', target: target.path, path: cleanPath(to), origin });
  });
}

/** Puts what `from` is at `to`; bytes are shared with the source. */
function place(root: ConfiguredRoot, from: Entry, to: string, origin: string): void {
  const file = root.tree.file(from.path);
  if (from.type === 'symlink') root.tree.addLink(to, from.target, { origin });
  else if (file !== undefined) root.tree.put({ ...file, path: to, origin });
  else if (from.type === 'directory') {
    root.tree.put({ ...from, path: to, origin });
    for (const child of root.tree.children(from.path)) place(root, child, joinPath(to, lastName(child.path)), origin);
  }
}

/** Sources and where each lands. */
function destinations(root: ConfiguredRoot, operands: readonly string[], into?: string): [string, string][] {
  const target = into ?? operands.at(-1) ?? '';
  const sources = into === undefined ? operands.slice(0, -1) : operands;
  const inside = into !== undefined || root.kind(target) === 'directory';
  return sources.map((source) => [source, inside ? `${target}/${lastName(cleanPath(source))}` : target]);
}

const copy: Model = (call, { root, origin }) => {
  const args = readArguments(call.argv.slice(1), ['t', 'target-directory', 'S', 'suffix']);
  const keepsLinks = has(args, 'd', 'a', 'P', 'no-dereference', 'archive');
  const pairs = destinations(root, args.operands, optionValue(args, 't', 'target-directory'));
  if (!args.operands.every(isKnown)) return problem('a value in it is not known before it runs');
  for (const [source] of pairs) {
    if (source === '/dev/null') continue;
    if (isOutside(source)) return problem(`it copies ${source}, which is not part of the root`);
    if (root.kind(source) === 'none' && root.entry(source) === undefined) return FAILED;
  }
  const todo = pairs.filter(([, to]) => !(has(args, 'n', 'no-clobber') && root.entry(to) !== undefined));
  return act(call, args.operands, () => {
    for (const [source, to] of todo) {
      const from = keepsLinks ? root.entry(source) : root.resolve(source);
      if (source === '/dev/null') root.writeFile(to, '', { origin });
      else if (from !== undefined) place(root, from, root.resolve(to)?.path ?? cleanPath(to), origin);
    }
  });
};

const move: Model = (call, { root, origin }) => {
  const args = readArguments(call.argv.slice(1), ['t', 'target-directory', 'S', 'suffix']);
  const pairs = destinations(root, args.operands, optionValue(args, 't', 'target-directory'));
  if (args.operands.every(isKnown) && pairs.every(([source]) => root.entry(source) === undefined)) return FAILED;
  return act(call, args.operands, () => {
    for (const [source, to] of pairs) {
      const from = root.entry(source);
      if (from === undefined) continue;
      const content = root.tree.file(from.path);
      root.tree.remove(from.path);
      if (from.type === 'directory') continue;
      const entry: Entry = from.type === 'hardlink' && content !== undefined ? content : from;
      root.tree.put({ ...entry, path: cleanPath(to), origin });
    }
  });
};

const touch: Model = (call, { root, origin }) => {
  const args = readArguments(call.argv.slice(1), ['r', 'reference', 't', 'd', 'date']);
  const missing = args.operands.filter(
    (path) => !isVolatile(path) && (!isKnown(path) || root.entry(path) === undefined),
  );
  if (missing.length === 0) return DONE;
  return act(call, missing, () => {
    for (const path of missing) root.writeFile(path, '', { origin, umask: call.umask });
  });
};

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
  const unknown = paths.filter((path) => !isKnown(path) && !isVolatile(path));
  if (changes.length === 0 && unknown.length === 0)
    return entries.length === 0 && paths.every((path) => !isVolatile(path)) ? FAILED : DONE;
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
  const relevant = paths.filter((path) => !isVolatile(path));
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

const install: Model = (call, context) => {
  const { root, origin } = context;
  const args = readArguments(call.argv.slice(1), ['m', 'mode', 'o', 'owner', 'g', 'group', 't', 'target-directory']);
  const mode = optionValue(args, 'm', 'mode') ?? '755';
  const owner = root.accounts.owner(
    `${optionValue(args, 'o', 'owner') ?? ''}:${optionValue(args, 'g', 'group') ?? 'root'}`,
  );
  if (owner === undefined) return problem('its owner is not there');
  const permissions = newMode(mode, { mode: 0o755, type: 'file' }) ?? 0o755;
  if (has(args, 'd', 'directory')) {
    const paths = args.operands.filter((path) => !isVolatile(path));
    const unchanged = paths.every((path) => isKnown(path) && sameDirectory(root.resolve(path), permissions, owner));
    if (unchanged) return DONE;
    return act(call, paths, () => {
      for (const path of paths) root.tree.addDirectory(cleanPath(path), { origin, mode: permissions, ...owner });
    });
  }
  const pairs = destinations(root, args.operands, optionValue(args, 't', 'target-directory'));
  return act(call, args.operands, () => {
    for (const [source, to] of pairs) {
      const file = source === '/dev/null' ? undefined : root.tree.file(root.resolve(source)?.path ?? '/');
      const path = cleanPath(to);
      if (file === undefined) root.tree.addFile(path, '', { origin, mode: permissions, ...owner });
      else root.tree.put({ ...file, path, mode: permissions, origin, ...owner });
    }
  });
};

function sameDirectory(entry: Entry | undefined, mode: number, owner: { uid?: number; gid?: number }): boolean {
  if (entry?.type !== 'directory') return false;
  return entry.mode === mode && entry.uid === (owner.uid ?? entry.uid) && entry.gid === (owner.gid ?? entry.gid);
}

const cat: Model = (call, { root }) => {
  const files = call.argv.slice(1).filter((arg) => arg === '-' || !arg.startsWith('-'));
  const texts =
    files.length === 0
      ? [call.stdin ?? UNKNOWN]
      : files.map((file) => (file === '-' ? (call.stdin ?? UNKNOWN) : root.readFile(file)));
  if (texts.includes(undefined)) return FAILED;
  return { status: 0, output: texts.join('') };
};

const basename: Model = (call) => {
  const [, path = '', suffix = ''] = call.argv;
  if (!isKnown(path)) return { status: 0, output: UNKNOWN };
  const name = path.replace(/\/+$/, '').replace(/^.*\//, '');
  return { status: 0, output: `${suffix !== '' && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name}\n` };
};

const dirname: Model = (call) => {
  const path = call.argv.at(-1) ?? '';
  return { status: 0, output: isKnown(path) && path.startsWith('/') ? `${parentPath(cleanPath(path))}\n` : UNKNOWN };
};

const readlink: Model = (call, { root }) => {
  const args = readArguments(call.argv.slice(1));
  const path = args.operands[0] ?? '';
  if (!isKnown(path)) return { status: undefined, output: UNKNOWN };
  const isCanonical = has(args, 'f', 'e', 'm', 'canonicalize') || call.argv[0]?.endsWith('realpath');
  if (isCanonical) return { status: 0, output: `${root.resolve(path)?.path ?? cleanPath(path)}\n` };
  const entry = root.entry(path);
  return entry?.type === 'symlink' ? { status: 0, output: `${entry.target}\n` } : FAILED;
};

const mktemp: Model = (call, { root, origin }) => {
  const path = root.temporaryName();
  if (has(readArguments(call.argv.slice(1)), 'd')) root.tree.addDirectory(path, { origin });
  else root.tree.addFile(path, '', { origin, mode: 0o600 });
  return { status: 0, output: `${path}\n` };
};

const compare: Model = (call, { root }) => {
  const [one = '', other = ''] = readArguments(call.argv.slice(1)).operands;
  const [a, b] = [root.readFile(one), root.readFile(other)];
  if (a === undefined || b === undefined) return FAILED;
  return isKnown(a) && isKnown(b) ? { status: a === b ? 0 : 1 } : { status: undefined, output: UNKNOWN };
};

const stat: Model = (call, { root }) => {
  const args = readArguments(call.argv.slice(1), ['c', 'format', 'printf']);
  const format = optionValue(args, 'c', 'format') ?? '';
  const path = args.operands[0] ?? '';
  if (!isKnown(path) || isOutside(path)) return { status: undefined, output: UNKNOWN };
  const entry = has(args, 'L', 'dereference') ? root.resolve(path) : root.entry(path);
  if (entry === undefined) return FAILED;
  const values: Readonly<Record<string, string>> = {
    '%a': entry.mode.toString(8),
    '%u': String(entry.uid),
    '%g': String(entry.gid),
    '%n': path,
  };
  const output = format.replace(/%./g, (code) => values[code] ?? UNKNOWN);
  return { status: 0, output: `${output}\n` };
};

export const FILES: Models = {
  mkdir,
  rm: remove,
  unlink: remove,
  rmdir,
  ln: link,
  cp: copy,
  mv: move,
  touch,
  chmod,
  chown,
  chgrp: chown,
  install,
  cat,
  basename,
  dirname,
  readlink,
  realpath: readlink,
  'dpkg-realpath': readlink,
  stat,
  mktemp,
  tempfile: mktemp,
  cmp: compare,
  diff: compare,
};
