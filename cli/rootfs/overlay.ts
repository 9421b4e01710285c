/**
 * Overlays: a layer's `root_overlay/` copied onto the root tree. What decides is what git keeps: names, links and the
 * executable bit. Everything belongs to root, is 0644 or (executables, directories) 0755; a directory that the root has
 * already keeps its owner and mode. A name ending in `.hbs` is a template and loses that ending. Of modes that say more,
 * the caller is told.
 *
 * docs/overlays.md is the page for users.
 */
import { existsSync, type Stats } from 'node:fs';
import { lstat, open, readdir, readFile, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { Failure, Failures, throwAny } from '../failure.ts';
import { notUtf8 } from '../host/file-names.ts';
import { accountMistakes } from './account-lines.ts';
import type { Content, Entry } from './entry.ts';
import { type LostMode, lostBits } from './overlay-modes.ts';
import { joinPath, lastName, parentPath, pathParts, sortByBytes } from './path.ts';
import { decodeTemplate, renderTemplate, type TemplateValues } from './template.ts';
import type { RootTree } from './tree.ts';
import { emptiedLink } from './tree-failures.ts';

export interface OverlayContext {
  /** Layer name, for messages. */
  readonly layer: string;
  /** What templates may use. */
  readonly values: TemplateValues;
  /** Mode of what the layer is known by, to tell what it means from its reader's umask; see overlay-modes.ts. */
  readonly layerMode?: number;
  /** Directories of this machine that no link may lead into, such as the layer's and the project's. */
  readonly ownDirectories?: readonly string[];
}

/** What Buildroot leaves out of overlays too, and git's way of keeping an empty directory. */
const SKIPPED = /^(?:\.git|\.svn|\.hg|\.bzr|CVS|\.empty|\.gitkeep|.*~)$/;

/** Files up to this size are read at once, so that an edit during the build cannot tear them. */
const INLINE = 1024 * 1024;

const TEMPLATE = '.hbs';

/**
 * Copies `directory` onto the root of `tree`.
 *
 * @returns files whose mode says more than the tree has now
 * @throws Failure `overlay-escape`, `overlay-unsupported`, `overlay-unreadable`, `overlay-twice`, `path-conflict`,
 * `path-escape`, `bad-template`, `unknown-variable`, `bad-accounts`; each with the file and the layer
 */
export async function addOverlay(
  tree: RootTree,
  directory: string,
  context: OverlayContext,
): Promise<readonly LostMode[]> {
  const lost: LostMode[] = [];
  await copyDirectory({ ...context, tree, directory, origin: `layer ${context.layer}`, lost }, directory, '/');
  return lost;
}

interface Copy extends OverlayContext {
  readonly tree: RootTree;
  readonly directory: string;
  readonly origin: string;
  readonly lost: LostMode[];
}

async function copyDirectory(copy: Copy, source: string, path: string): Promise<void> {
  const names = await reading(copy, source, () => readdir(source));
  const wanted = sortByBytes(names.filter((name) => !SKIPPED.test(name)));
  for (const name of wanted) {
    const from = join(source, name);
    if (name.endsWith(TEMPLATE) && wanted.includes(name.slice(0, -TEMPLATE.length))) throw twice(copy, from);
    const stats = await reading(copy, from, () => lstat(from));
    const to = joinPath(path, name);
    if (stats.isDirectory()) {
      await blaming(copy, from, () => makeDirectory(copy, to));
      await copyDirectory(copy, from, to);
    } else if (stats.isSymbolicLink()) {
      await copyLink(copy, from, to);
    } else if (stats.isFile()) {
      await copyFile(copy, from, to, stats);
    } else {
      throw unsupported(copy, from, stats);
    }
  }
}

function makeDirectory({ tree, origin }: Copy, path: string): void {
  if (tree.resolve(path)?.type !== 'directory') tree.addDirectory(path, { origin });
}

async function copyLink(copy: Copy, source: string, path: string): Promise<void> {
  const target = await reading(copy, source, () => readlink(source));
  await blaming(copy, source, () => keepTopLink(copy, path, target));
  const landed = await blaming(copy, source, () => copy.tree.addLink(path, target, { origin: copy.origin }));
  if (climbsAboveRoot(target, landed.path)) {
    throw escaping(copy, source, `its target ${target} climbs above / from ${landed.path}`);
  }
  if (leadsIntoMachine(copy, target)) {
    throw escaping(copy, source, `its target ${target} is a path of this machine; the image has no such path`);
  }
}

/** What a machine's directories have in common with an image's, so that a target in them says nothing. */
const EVERYWHERE = ['/', '/etc', '/home', '/media', '/mnt', '/opt', '/root', '/run', '/srv', '/tmp', '/usr', '/var'];

/** Into the overlay itself, or to what there is in the layer, the project or Coracle. */
function leadsIntoMachine({ directory, ownDirectories = [] }: Copy, target: string): boolean {
  if (!target.startsWith('/')) return false;
  const clean = posix.normalize(target);
  const isBelow = (own: string): boolean => clean === own || clean.startsWith(`${own}/`);
  if (isBelow(directory)) return true;
  const own = ownDirectories.filter((each) => !EVERYWHERE.includes(each));
  // Whoever builds in /app may have an /app in the image too; the same file in both is hardly an accident.
  return own.some(isBelow) && existsSync(clean);
}

/** A link at the top, such as /lib of the merged /usr, must go on meaning the same directory. */
function keepTopLink({ tree, origin }: Copy, path: string, target: string): void {
  const there = linkToContent(tree, path);
  if (there === undefined || parentPath(path) !== '/') return;
  if (tree.resolve(posix.resolve('/', target))?.path !== there.directory.path) {
    throw emptiedLink(`${origin} puts a link to ${target}`, there.link, there.directory);
  }
}

/** A file would hide all of the directory behind a link. */
function keepLink({ tree, origin }: Copy, path: string): void {
  const there = linkToContent(tree, path);
  if (there !== undefined) throw emptiedLink(`${origin} puts a file`, there.link, there.directory);
}

/** The link at a path with the directory that it means, if that holds anything. */
function linkToContent(tree: RootTree, path: string): { readonly link: Entry; readonly directory: Entry } | undefined {
  const parent = tree.resolve(parentPath(path));
  const link = parent === undefined ? undefined : tree.get(joinPath(parent.path, lastName(path)));
  if (link?.type !== 'symlink') return undefined;
  const directory = tree.resolve(link.path);
  return directory?.type === 'directory' && tree.children(directory.path).length > 0 ? { link, directory } : undefined;
}

function climbsAboveRoot(target: string, from: string): boolean {
  let depth = target.startsWith('/') ? 0 : pathParts(parentPath(from)).length;
  for (const part of target.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}

async function copyFile(copy: Copy, source: string, path: string, stats: Stats): Promise<void> {
  const mode = (stats.mode & 0o100) === 0 ? 0o644 : 0o755;
  const isTemplate = path.endsWith(TEMPLATE);
  const content = isTemplate ? await render(copy, source) : await contentOf(copy, source, stats);
  const to = isTemplate ? path.slice(0, -TEMPLATE.length) : path;
  const entry = { path: to, type: 'file', mode, uid: 0, gid: 0, origin: copy.origin, content } as const;
  await blaming(copy, source, () => {
    if (content.kind === 'bytes') throwAny(accountMistakes(to, content.data, source));
    keepLink(copy, to);
    const landed = copy.tree.put(entry);
    const lost = lostBits(stats.mode, copy.layerMode ?? 0);
    if (lost === undefined) return;
    copy.lost.push({ source, path: landed.path, mode: stats.mode & 0o7777, layer: copy.layer, ...lost });
  });
}

async function contentOf(copy: Copy, source: string, stats: Stats): Promise<Content> {
  if (stats.size <= INLINE) return { kind: 'bytes', data: await reading(copy, source, () => readFile(source)) };
  // To find out now, with the layer at hand, whether it can be read.
  await reading(copy, source, async () => (await open(source)).close());
  return { kind: 'slice', file: source, offset: 0, size: stats.size };
}

async function render(copy: Copy, source: string): Promise<Content> {
  const bytes = await reading(copy, source, () => readFile(source));
  const rendered = await blaming(copy, source, () =>
    renderTemplate(decodeTemplate(bytes, source), source, copy.values),
  );
  return { kind: 'bytes', data: Buffer.from(rendered) };
}

/** Says which layer and, unless the failure knows better, which file it was. */
async function blaming<T>(copy: Copy, source: string, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    const about = { layer: copy.layer, place: { file: source } };
    if (error instanceof Failures) throwAny(error.all.map((failure) => failure.with(about)));
    throw error instanceof Failure ? error.with(about) : error;
  }
}

async function reading<T>(copy: Copy, source: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw new Failure({
      code: 'overlay-unreadable',
      message: `cannot read ${source} of the overlay of ${copy.layer}`,
      cause: (error as Error).message,
      place: { file: source },
      layer: copy.layer,
      ...notUtf8(source),
    });
  }
}

function escaping(copy: Copy, source: string, cause: string): Failure {
  return new Failure({
    code: 'overlay-escape',
    message: `the overlay of ${copy.layer} has a link that leaves the root file system`,
    cause,
    place: { file: source },
    layer: copy.layer,
    hint: 'write the target as the image will see it',
  });
}

function twice(copy: Copy, source: string): Failure {
  return new Failure({
    code: 'overlay-twice',
    message: `the overlay of ${copy.layer} has ${source.slice(0, -TEMPLATE.length)} both as a file and as a template`,
    place: { file: source },
    layer: copy.layer,
    hint: 'remove one of the two',
  });
}

function unsupported(copy: Copy, source: string, stats: Stats): Failure {
  const kind = stats.isFIFO() ? 'a FIFO' : stats.isSocket() ? 'a socket' : 'a device';
  return new Failure({
    code: 'overlay-unsupported',
    message: `the overlay of ${copy.layer} has ${kind}, which an overlay cannot hold`,
    place: { file: source },
    layer: copy.layer,
    hint: 'make it at boot, with systemd-tmpfiles for instance',
  });
}
