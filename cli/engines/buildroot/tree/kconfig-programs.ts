/**
 * The Kconfig programs of a tree (`conf`, and the menus `mconf`, `nconf`, `qconf`), built from its support/kconfig and kept
 * in the cache by that directory's content: a release builds them once, however many workspaces use it. The tree's own
 * makefile would do the same, and read 3,300 package files each time before.
 */
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../../../failure.ts';
import { writingCache } from '../../../host/cache-writes.ts';
import { sha256, temporaryBeside } from '../../../host/files.ts';
import { takeLock } from '../../../host/lock.ts';
import { lookAt } from '../../../host/look-at.ts';
import { runCommand } from '../../../host/process.ts';
import { FileHashes } from '../../../stages/file-hashes.ts';
import type { BuildrootTree } from './buildroot-tree.ts';
import { checkPathForMake } from './path-for-make.ts';

export const KCONFIG_PROGRAMS = ['conf', 'mconf', 'nconf', 'qconf'] as const;
export type KconfigProgram = (typeof KCONFIG_PROGRAMS)[number];

export interface KconfigProgramOptions {
  readonly cache: string;
  readonly log?: string;
  readonly signal?: AbortSignal;
}

/** Where the program is. @throws Failure `kconfig-not-built`, `command-missing`, and those of a cache that refuses */
export async function kconfigProgram(
  program: KconfigProgram,
  tree: BuildrootTree,
  options: KconfigProgramOptions,
): Promise<string> {
  const source = join(tree.directory, 'support/kconfig');
  const content = new FileHashes().directory(source, '').map(({ name, hash }) => `${name} ${hash}`);
  const key = sha256([process.arch, ...content].join('\n')).slice(0, 32);
  const kept = join(options.cache, 'buildroot/kconfig', key, program);
  const found = join(kept, program);
  if (lookAt(found) !== undefined) return found;
  await writingCache(options.cache, async () => {
    await mkdir(dirname(kept), { recursive: true });
    await using _lock = await takeLock(`${kept}.lock`, { what: `Kconfig's ${program}`, purpose: 'building it' });
    if (lookAt(found) === undefined) await build(program, source, kept, options);
  });
  return found;
}

async function build(program: KconfigProgram, source: string, kept: string, options: KconfigProgramOptions) {
  const scratch = temporaryBeside(kept);
  checkPathForMake(scratch, 'the cache');
  try {
    await mkdir(join(scratch, 'lxdialog'), { recursive: true });
    await runCommand({
      argv: ['make', '-s', '-f', 'Makefile.br', 'CC=gcc', 'HOSTCC=gcc', `obj=${scratch}`, program],
      cwd: source,
      ...(options.log === undefined ? {} : { log: options.log }),
      signal: options.signal,
    });
    await rm(kept, { recursive: true, force: true });
    await rename(scratch, kept);
  } catch (error) {
    throw error instanceof Failure && error.parts.code === 'command-failed' ? notBuilt(program, error) : error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const LIBRARIES: Readonly<Record<KconfigProgram, string | undefined>> = {
  conf: undefined,
  mconf: 'libncurses-dev',
  nconf: 'libncurses-dev',
  qconf: 'qtbase5-dev',
};

function notBuilt(program: KconfigProgram, { parts }: Failure): Failure {
  const library = LIBRARIES[program];
  return new Failure({
    ...parts,
    code: 'kconfig-not-built',
    message: `Buildroot's ${program} cannot be built on this machine`,
    hint:
      library === undefined
        ? 'coracle doctor --for buildroot says what is missing'
        : `it is written with a library that is often missing: apt install ${library}`,
  });
}
