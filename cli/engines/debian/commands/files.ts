/** Commands that make, move and remove files. */
import type { Entry } from '../../../rootfs/entry.ts';
import { joinPath, lastName } from '../../../rootfs/path.ts';
import type { ConfiguredRoot } from '../configured-root.ts';
import type { Call, Outcome } from '../shell/host.ts';
import { isKnown } from '../shell/unknown.ts';
import { newMode } from './access.ts';
import { act, DONE, FAILED, has, type Model, type Models, optionValue, problem, readArguments } from './model.ts';

const mkdir: Model = (call, { root, origin }) => {
  const args = readArguments(call.argv.slice(1), ['m', 'mode', 'context']);
  const missing = args.operands.filter((path) => root.kind(path) !== 'directory' && !root.isVolatile(path));
  if (missing.length === 0)
    return has(args, 'p', 'parents') ? DONE : { status: args.operands.some((path) => !root.isVolatile(path)) ? 1 : 0 };
  const mode = optionValue(args, 'm', 'mode') ?? '755';
  return act(call, [...args.operands, mode], () => {
    for (const path of missing) {
      root.tree.addDirectory(root.path(path), {
        origin,
        mode: newMode(mode, { mode: 0o755, type: 'directory' }) ?? 0o755,
      });
    }
  });
};

const remove: Model = (call, { root }) => {
  const args = readArguments(call.argv.slice(1));
  const there = args.operands.flatMap((path) => (isKnown(path) ? (root.entry(path) ?? []) : []));
  const unknown = args.operands.filter((path) => !isKnown(path) && !root.isVolatile(path));
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
  const path = isDirectory ? joinPath(root.path(written), lastName(target)) : written;
  const there = isDirectory ? root.entry(path) : at;
  if (there?.type === 'symlink' && there.target === target) return DONE;
  if (root.isVolatile(path)) return DONE;
  if (there !== undefined && !has(args, 'f', 'force')) return FAILED;
  return act(call, [target, path], () => {
    root.tree.addLink(root.path(path), target, { origin });
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
      root.tree.put({ ...target, type: 'hardlink', target: target.path, path: root.path(to), origin });
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
  return sources.map((source) => [source, inside ? `${target}/${lastName(root.path(source))}` : target]);
}

const copy: Model = (call, { root, origin }) => {
  const args = readArguments(call.argv.slice(1), ['t', 'target-directory', 'S', 'suffix']);
  const keepsLinks = has(args, 'd', 'a', 'P', 'no-dereference', 'archive');
  const pairs = destinations(root, args.operands, optionValue(args, 't', 'target-directory'));
  if (!args.operands.every(isKnown)) return problem('a value in it is not known before it runs');
  for (const [source] of pairs) {
    if (source === '/dev/null') continue;
    if (root.isOutside(source)) return problem(`it copies ${source}, which is not part of the root`);
    if (root.kind(source) === 'none' && root.entry(source) === undefined) return FAILED;
  }
  const todo = pairs.filter(([, to]) => !(has(args, 'n', 'no-clobber') && root.entry(to) !== undefined));
  return act(call, args.operands, () => {
    for (const [source, to] of todo) {
      const from = keepsLinks ? root.entry(source) : root.resolve(source);
      if (source === '/dev/null') root.writeFile(to, '', { origin });
      else if (from !== undefined) place(root, from, root.resolve(to)?.path ?? root.path(to), origin);
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
      root.tree.put({ ...entry, path: root.path(to), origin });
    }
  });
};

const touch: Model = (call, { root, origin }) => {
  const args = readArguments(call.argv.slice(1), ['r', 'reference', 't', 'd', 'date']);
  const missing = args.operands.filter(
    (path) => !root.isVolatile(path) && (!isKnown(path) || root.entry(path) === undefined),
  );
  if (missing.length === 0) return DONE;
  return act(call, missing, () => {
    for (const path of missing) root.writeFile(path, '', { origin, umask: call.umask });
  });
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
    const paths = args.operands.filter((path) => !root.isVolatile(path));
    const unchanged = paths.every((path) => isKnown(path) && sameDirectory(root.resolve(path), permissions, owner));
    if (unchanged) return DONE;
    return act(call, paths, () => {
      for (const path of paths) root.tree.addDirectory(root.path(path), { origin, mode: permissions, ...owner });
    });
  }
  const pairs = destinations(root, args.operands, optionValue(args, 't', 'target-directory'));
  return act(call, args.operands, () => {
    for (const [source, to] of pairs) {
      const file = source === '/dev/null' ? undefined : root.tree.file(root.resolve(source)?.path ?? '/');
      const path = root.path(to);
      if (file === undefined) root.tree.addFile(path, '', { origin, mode: permissions, ...owner });
      else root.tree.put({ ...file, path, mode: permissions, origin, ...owner });
    }
  });
};

function sameDirectory(entry: Entry | undefined, mode: number, owner: { uid?: number; gid?: number }): boolean {
  if (entry?.type !== 'directory') return false;
  return entry.mode === mode && entry.uid === (owner.uid ?? entry.uid) && entry.gid === (owner.gid ?? entry.gid);
}

export const FILES: Models = { mkdir, rm: remove, unlink: remove, rmdir, ln: link, cp: copy, mv: move, touch, install };
