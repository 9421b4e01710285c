/**
 * What a layer's directory holds, by kind. In comes a directory, out come sorted lists of paths; file contents are not
 * looked at.
 *
 * Reading is synchronous on purpose: a layer is a dozen tiny directories, and a trip through the thread pool for each
 * would cost more than the reading, which counts when there are a thousand layers.
 */
import { type Dirent, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, type FailureParts, throwAny } from '../failure.ts';
import { lookAt } from '../host/look-at.ts';
import { NAMESPACES, type Namespace } from '../kconfig/assignment.ts';
import { didYouMean } from '../kconfig/nearest.ts';
import { HOOK_NAMES, type Layer, type LayerContents, PATCH_KINDS, type PatchKind } from './layer.ts';

/** Directories of which a layer consists. */
export const CONTENT_DIRECTORIES: readonly string[] = [
  ...NAMESPACES,
  ...PATCH_KINDS.map((kind) => `${kind}_patches`),
  'buildroot_ext',
  'cflags',
  'debian',
  'extensions',
  'hooks',
  'resources',
  'root_overlay',
  'scripts',
  'users',
];

export const LAYER_FILE = 'layer.yaml';
export const METADATA_DIRECTORY = 'metadata';

export interface FoundContents {
  readonly contents: LayerContents;
  readonly warnings: readonly FailureParts[];
}

/**
 * @param entries what `listDirectory` says of the layer's directory.
 * @throws Failure, all at once: `unknown-directory`, `not-a-directory`, `unknown-hook`, `dangling-link`,
 * `unexpected-directory`, `unreadable-file`
 */
export function readContents(
  layer: string,
  directory: string,
  form: Layer['form'],
  entries: ReadonlyMap<string, EntryKind>,
): FoundContents {
  const failures: Failure[] = [];
  const unread = [...unknownDirectories(layer, directory, entries), ...notDirectories(layer, directory, entries)];
  failures.push(...wrongNames(layer, directory, entries), ...(form === 'coracle' ? unread : []));
  const has = (name: string): boolean => entries.get(name) === 'directory';
  const files = (name: string): readonly string[] => (has(name) ? filesIn(layer, join(directory, name), failures) : []);
  const path = <K extends string>(key: K, name: string): Partial<Record<K, string>> =>
    has(name) ? ({ [key]: join(directory, name) } as Record<K, string>) : {};
  const contents: LayerContents = {
    fragments: Object.fromEntries(NAMESPACES.map((name) => [name, files(name)])) as Record<
      Namespace,
      readonly string[]
    >,
    patches: Object.fromEntries(
      PATCH_KINDS.map((kind) => [
        kind,
        has(`${kind}_patches`) ? filesBelow(layer, join(directory, `${kind}_patches`), failures) : [],
      ]),
    ) as Record<PatchKind, readonly string[]>,
    cflags: files('cflags'),
    users: files('users'),
    debianPackages: files('debian'),
    hooks: has('hooks') ? readHooks(layer, join(directory, 'hooks'), form, failures) : {},
    ...path('overlay', 'root_overlay'),
    ...path('buildrootExternal', 'buildroot_ext'),
    ...path('extensions', 'extensions'),
    ...path('resources', 'resources'),
    ...path('scripts', 'scripts'),
  };
  throwAny(failures);
  return { contents, warnings: form === 'coracle' ? [] : unread.map(({ parts }) => parts) };
}

export type EntryKind = 'file' | 'directory' | 'dangling' | 'other';

/** Visible entries of a directory, links followed, sorted by name as C strings. */
export function listDirectory(directory: string, layer?: string): ReadonlyMap<string, EntryKind> {
  let entries: Dirent[];
  try {
    entries = readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    const cause = (error as NodeJS.ErrnoException).code;
    throw new Failure({
      code: 'unreadable-file',
      message: `cannot list ${directory}`,
      place: { file: directory },
      cause,
      layer,
    });
  }
  // As in SkiffOS, names that start with a dot are for tools and people: .git, .gitkeep.
  const visible = entries.filter(({ name }) => !name.startsWith('.')).sort((a, b) => compareNames(a.name, b.name));
  return new Map(visible.map((entry) => [entry.name, kindOf(entry, directory)]));
}

/** As C strings, which is the order of `LC_ALL=C sort`; UTF-16 would put some characters elsewhere. */
export function compareNames(a: string, b: string): number {
  return ASCII.test(a) && ASCII.test(b) ? (a < b ? -1 : a > b ? 1 : 0) : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const ASCII = /^[\x01-\x7f]*$/;

function kindOf(entry: Dirent, directory: string): EntryKind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  if (!entry.isSymbolicLink()) return 'other';
  const found = lookAt(join(directory, entry.name));
  if (found === undefined) return 'dangling';
  return found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other';
}

/** Files of a directory that has no others below it. */
function filesIn(layer: string, directory: string, failures: Failure[]): readonly string[] {
  const files: string[] = [];
  for (const [name, kind] of listDirectory(directory, layer)) {
    const file = join(directory, name);
    if (kind === 'file') files.push(file);
    else failures.push(kind === 'dangling' ? dangling(layer, file) : unexpected(layer, file, kind));
  }
  return files;
}

/** Files of a whole tree, sorted by path. */
function filesBelow(layer: string, directory: string, failures: Failure[]): readonly string[] {
  const files: string[] = [];
  for (const [name, kind] of listDirectory(directory, layer)) {
    const file = join(directory, name);
    if (kind === 'file') files.push(file);
    else if (kind === 'directory') files.push(...filesBelow(layer, file, failures));
    else failures.push(kind === 'dangling' ? dangling(layer, file) : unexpected(layer, file, kind));
  }
  return files;
}

function readHooks(
  layer: string,
  directory: string,
  form: Layer['form'],
  failures: Failure[],
): Readonly<Record<string, string>> {
  const hooks: Record<string, string> = {};
  for (const [name, kind] of listDirectory(directory, layer)) {
    const file = join(directory, name);
    // SkiffOS runs these two and leaves all else to them.
    if (form === 'skiffos' && name !== 'pre.sh' && name !== 'post.sh') continue;
    if (kind === 'dangling') failures.push(dangling(layer, file));
    if (kind !== 'file') continue;
    const hook = name.replace(/\.[^.]*$/, '');
    if (!HOOK_NAMES.some((known) => known === hook)) failures.push(unknownHook(layer, file, hook));
    else if (hooks[hook] !== undefined) failures.push(twoHooks(layer, file, hook, hooks[hook]));
    else hooks[hook] = file;
  }
  return hooks;
}

/** What is wrong in either form. */
function wrongNames(layer: string, directory: string, entries: ReadonlyMap<string, EntryKind>): readonly Failure[] {
  return [...entries].flatMap(([name, kind]) => {
    const file = join(directory, name);
    if (kind === 'dangling') return [dangling(layer, file)];
    return kind === 'file' && MISNAMED.test(name) && name !== LAYER_FILE ? [misnamed(layer, file)] : [];
  });
}

/** What layer.yaml gets called by mistake. */
export const MISNAMED = /^layers?\.ya?ml$/i;

/** A layer of SkiffOS may have directories of its own. */
function unknownDirectories(
  layer: string,
  directory: string,
  entries: ReadonlyMap<string, EntryKind>,
): readonly Failure[] {
  const known = [...CONTENT_DIRECTORIES, METADATA_DIRECTORY, ...(layer === 'overrides' ? ['workspaces'] : [])];
  return [...entries].flatMap(([name, kind]) => {
    if (kind !== 'directory' || known.includes(name)) return [];
    const hint = [didYouMean(name, known), `directories of a layer: ${known.join(', ')}`];
    return [
      new Failure({
        code: 'unknown-directory',
        message: `a layer has no directory ${JSON.stringify(name)}`,
        place: { file: join(directory, name) },
        hint: hint.filter((part) => part !== undefined).join('\n'),
        layer,
      }),
    ];
  });
}

/** SkiffOS, too, reads these only if they are directories, and says nothing of others. */
function notDirectories(layer: string, directory: string, entries: ReadonlyMap<string, EntryKind>): readonly Failure[] {
  return [...CONTENT_DIRECTORIES, METADATA_DIRECTORY].flatMap((name) => {
    const kind = entries.get(name);
    if (kind !== 'file' && kind !== 'other') return [];
    return [
      new Failure({
        code: 'not-a-directory',
        message: `${name} is ${kind === 'file' ? 'a file' : 'a special file'}, but a layer has a directory of that name`,
        place: { file: join(directory, name) },
        cause: 'nothing reads it',
        hint: kind === 'file' ? `move it into a directory ${name}/, or give it another name` : 'remove it',
        layer,
      }),
    ];
  });
}

function misnamed(layer: string, file: string): Failure {
  const message = `the file of a layer is called ${LAYER_FILE}`;
  return new Failure({ code: 'unknown-file', message, place: { file }, hint: 'rename it', layer });
}

function dangling(layer: string, file: string): Failure {
  return new Failure({
    code: 'dangling-link',
    message: 'this link leads nowhere',
    place: { file },
    hint: 'mend the link or remove it',
    layer,
  });
}

function unexpected(layer: string, file: string, kind: EntryKind): Failure {
  return new Failure({
    code: 'unexpected-directory',
    message: `a ${kind === 'directory' ? 'directory' : 'special file'} where only files belong`,
    place: { file },
    hint: 'keep other things in resources/',
    layer,
  });
}

function unknownHook(layer: string, file: string, hook: string): Failure {
  const hint = [didYouMean(hook, HOOK_NAMES), `hooks: ${HOOK_NAMES.join(', ')}; put what they share into scripts/`];
  return new Failure({
    code: 'unknown-hook',
    message: `there is no hook ${JSON.stringify(hook)}`,
    place: { file },
    hint: hint.filter((part) => part !== undefined).join('\n'),
    layer,
  });
}

function twoHooks(layer: string, file: string, hook: string, other: string): Failure {
  const message = `the hook ${hook} is there twice`;
  return new Failure({ code: 'unknown-hook', message, place: { file }, cause: `the other is ${other}`, layer });
}
