import { parentPath } from '../../../rootfs/path.ts';
import { cleanPath } from '../configured-root.ts';
import { isKnown, UNKNOWN } from '../shell/unknown.ts';
import { FAILED, has, type Model, type Models, optionValue, readArguments } from './model.ts';

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
  if (isCanonical) return { status: 0, output: `${root.resolve(path)?.path ?? root.path(path)}\n` };
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
  if (!isKnown(path) || root.isOutside(path)) return { status: undefined, output: UNKNOWN };
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

export const LOOKING: Models = {
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
