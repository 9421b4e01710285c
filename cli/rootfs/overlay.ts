/**
 * Overlays: a layer's `root_overlay/` copied onto the root tree. What decides is what git keeps: names, links and the
 * executable bit. Everything belongs to root, is 0644 or (executables, directories) 0755; a directory that the root has
 * already keeps its owner and mode. A name ending in `.hbs` is a template and loses that ending.
 *
 * docs/overlays.md is the page for users.
 */
import type { Stats } from 'node:fs';
import { lstat, open, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure, Failures, throwAny } from '../failure.ts';
import type { Content } from './entry.ts';
import { joinPath, parentPath, pathParts, sortByBytes } from './path.ts';
import { decodeTemplate, renderTemplate, type TemplateValues } from './template.ts';
import type { RootTree } from './tree.ts';

export interface OverlayContext {
  /** Layer name, for messages. */
  readonly layer: string;
  /** What templates may use. */
  readonly values: TemplateValues;
}

/** What Buildroot leaves out of overlays too, and git's way of keeping an empty directory. */
const SKIPPED = /^(?:\.git|\.svn|\.hg|\.bzr|CVS|\.empty|\.gitkeep|.*~)$/;

/** Files up to this size are read at once, so that an edit during the build cannot tear them. */
const INLINE = 1024 * 1024;

const TEMPLATE = '.hbs';

/**
 * Copies `directory` onto the root of `tree`.
 *
 * @throws Failure `overlay-escape`, `overlay-unsupported`, `overlay-unreadable`, `overlay-twice`, `path-conflict`,
 * `path-escape`, `bad-template`, `unknown-variable`; each with the file and the layer
 */
export async function addOverlay(tree: RootTree, directory: string, context: OverlayContext): Promise<void> {
  await copyDirectory({ ...context, tree, directory, origin: `layer ${context.layer}` }, directory, '/');
}

interface Copy extends OverlayContext {
  readonly tree: RootTree;
  readonly directory: string;
  readonly origin: string;
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
  const landed = await blaming(copy, source, () => copy.tree.addLink(path, target, { origin: copy.origin }));
  if (climbsAboveRoot(target, landed.path)) {
    throw escaping(copy, source, `its target ${target} climbs above / from ${landed.path}`);
  }
  if (target === copy.directory || target.startsWith(`${copy.directory}/`)) {
    throw escaping(copy, source, `its target ${target} is a path of this machine; the image has no such path`);
  }
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
  await blaming(copy, source, () => copy.tree.put(entry));
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
      // Node reads a name that is not UTF-8 with this character in it, and then finds no such file.
      ...(source.includes('\ufffd') && { hint: 'a name is not UTF-8; rename the file' }),
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
