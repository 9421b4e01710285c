/**
 * Compiles a kernel from a linux-source package into a tar laid out like a linux-image package: image, configuration, modules
 * and the table of which symbol is which module.
 */
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../../failure.ts';
import { runCommand } from '../../../../host/process.ts';
import type { Content } from '../../../../rootfs/entry.ts';
import { readTarEntries } from '../../../../rootfs/tar-entries.ts';
import type { StageContext } from '../../../../stages/stage.ts';
import { formatSymbolModules } from '../kbuild-modules.ts';
import { type ConfiguredKernel, type ConfigureOptions, configureKernel } from './configure.ts';
import { KERNEL_ARCHITECTURES, KernelMake } from './make.ts';

export interface BuildOptions extends Omit<ConfigureOptions, 'make'> {
  /** Unpacked linux-source package: an uncompressed tar that holds the source in a compressed one. */
  readonly sourceTar: string;
  /** Absolute, in the order in which they are applied. */
  readonly patches: readonly KernelPatch[];
}

export interface KernelPatch {
  readonly layer: string;
  readonly file: string;
}

/** Writes the tar to `output`. @throws Failure `kernel-symbol`, `patch-failed`, `kernel-build-failed`, `path-not-for-make` */
export async function buildKernel(options: BuildOptions, output: string, context: StageContext): Promise<void> {
  checkDirectory(context.scratch);
  const source = join(context.scratch, 'linux');
  const say = (text: string): void => context.report({ kind: 'step-progress', step: context.step, text });
  say('unpacking the source');
  await unpackSource(options.sourceTar, source, context);
  for (const patch of options.patches) await applyPatch(patch, source, context);
  const make = new KernelMake({ ...context, source, arch: options.config.arch });
  say('configuring');
  const configured = await configureKernel({ ...options, make });
  await compile(make, configured, context);
  say('packing');
  await pack(make, configured, output, context);
  await rm(source, { recursive: true });
}

async function unpackSource(packageTar: string, directory: string, context: StageContext): Promise<void> {
  const archive = await sourceArchive(packageTar);
  await mkdir(directory, { recursive: true });
  await runCommand({
    argv: ['tar', '--extract', '--xz', '--no-same-owner', '--strip-components=1', '--file=-'],
    cwd: directory,
    stdin: createReadStream(archive.file, { start: archive.offset, end: archive.offset + archive.size - 1 }),
    log: context.log,
    signal: context.signal,
  });
}

async function sourceArchive(packageTar: string): Promise<Extract<Content, { kind: 'slice' }>> {
  for (const entry of await readTarEntries(packageTar, 'package linux-source')) {
    const fits = /^\/usr\/src\/linux-source-[^/]+\.tar\.xz$/.test(entry.path);
    if (fits && entry.type === 'file' && entry.content.kind === 'slice') return entry.content;
  }
  throw new Failure({
    code: 'no-kernel-source',
    message: 'the linux-source package holds no source',
    cause: `there is no /usr/src/linux-source-….tar.xz in ${packageTar}`,
  });
}

async function applyPatch({ layer, file }: KernelPatch, source: string, context: StageContext): Promise<void> {
  try {
    await runCommand({
      argv: ['patch', '--strip=1', '--forward', '--batch', '--no-backup-if-mismatch', `--input=${file}`],
      cwd: source,
      log: context.log,
      signal: context.signal,
    });
  } catch (error) {
    if (!(error instanceof Failure) || error.parts.code !== 'command-failed') throw error;
    throw new Failure({
      ...error.parts,
      code: 'patch-failed',
      message: 'the kernel patch does not apply',
      place: { file },
      layer,
      hint: 'it was made for another version of the kernel: make it anew, or leave it out',
    });
  }
}

/** A line of make for each file that is compiled; only every so many are worth telling. */
const REPORT_EVERY = 25;

async function compile(make: KernelMake, configured: ConfiguredKernel, context: StageContext): Promise<void> {
  const { imageTarget } = KERNEL_ARCHITECTURES[make.arch];
  let done = 0;
  const errors: string[] = [];
  const onLine = (line: string): void => {
    if (/(?:^|\s)(?:fatal )?error:|^make.*\*\*\*/i.test(line)) errors.push(line);
    if (!/^\s+(?:\[M\] )?(?:CC|AS|LD|HOSTCC|AR)\b/.test(line)) return;
    done++;
    if (done % REPORT_EVERY !== 0) return;
    context.report({ kind: 'step-progress', step: context.step, text: 'compiling', done, unit: 'files' });
  };
  try {
    await make.run([imageTarget, ...(hasModules(configured) ? ['modules'] : [])], onLine);
  } catch (error) {
    if (!(error instanceof Failure) || error.parts.code !== 'command-failed' || errors.length === 0) throw error;
    const cause = errors.slice(0, 8).join('\n');
    throw new Failure({ ...error.parts, code: 'kernel-build-failed', message: 'the kernel does not compile', cause });
  }
}

function hasModules({ dotConfig }: ConfiguredKernel): boolean {
  return dotConfig.get('CONFIG_MODULES')?.value === 'y';
}

async function pack(make: KernelMake, configured: ConfiguredKernel, output: string, context: StageContext) {
  const release = await make.release();
  const tree = join(context.scratch, 'tree');
  await mkdir(join(tree, 'boot'), { recursive: true });
  await copyFile(join(make.source, KERNEL_ARCHITECTURES[make.arch].image), join(tree, `boot/vmlinuz-${release}`));
  await writeFile(join(tree, `boot/config-${release}`), await readFile(join(make.source, '.config')));
  await writeFile(join(tree, `boot/symbol-modules-${release}`), formatSymbolModules(configured.symbolModules));
  if (hasModules(configured)) {
    // Lists of modules are made later, of those that an image has.
    await make.run(['modules_install', `INSTALL_MOD_PATH=${tree}`, 'INSTALL_MOD_STRIP=1', 'DEPMOD=true']);
  } else {
    await mkdir(join(tree, 'lib/modules', release), { recursive: true });
    for (const name of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo']) {
      const data = await readFile(join(make.source, name)).catch(() => '');
      await writeFile(join(tree, 'lib/modules', release, name), data);
    }
  }
  for (const link of ['build', 'source']) await rm(join(tree, 'lib/modules', release, link), { force: true });
  await runCommand({
    argv: [
      'tar',
      ...['--create', '--format=gnu', '--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'],
      ...['--mode=u+rw,go+r-w', `--file=${output}`, '.'],
    ],
    cwd: tree,
    log: context.log,
    signal: context.signal,
  });
}

/** The kernel's own build takes paths apart at blanks, and reads `$`; such a path cannot be given to it. */
function checkDirectory(path: string): void {
  if (/^[\w@%+=,./-]+$/.test(path)) return;
  throw new Failure({
    code: 'path-not-for-make',
    message: 'a kernel cannot be compiled in a directory with such a name',
    cause: `the kernel's own build does not work in ${path}`,
    hint: 'for kernel: source use a project directory without blanks, quotes and colons in its path',
  });
}
