/**
 * The `conf` of a real Buildroot tree, built outside of it, and the environment that the tree's Makefile gives it
 * (COMMON_CONFIG_ENV, and what support/scripts/br2-external writes where there are no external trees).
 */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type DotConfig, readDotConfig } from '../../cli/kconfig/dotconfig.ts';
import type { KconfigSource } from '../../cli/kconfig/language/read-kconfig.ts';

export interface BuildrootConf {
  /** What {@link readKconfig} needs for the files as this `conf` sees them. */
  readonly source: KconfigSource;
  /** @param before what is in the `.config` at first, if anything @param more for the environment */
  run(mode: string, before?: string, more?: Readonly<Record<string, string>>): Promise<DotConfig>;
}

const start = promisify(execFile);
/** conf says a line for each symbol that it asks about. */
const QUITE_SOME_OUTPUT = 64 << 20;

/** @param scratch an empty directory */
export async function buildConf(tree: string, scratch: string): Promise<BuildrootConf> {
  const objects = join(scratch, 'conf');
  mkdirSync(objects);
  const kconfig = join(tree, 'support/kconfig');
  const make = ['-s', '-C', kconfig, '-f', 'Makefile.br', 'CC=gcc', 'HOSTCC=gcc', `obj=${objects}`, 'conf'];
  await start('make', make);
  await start(join(tree, 'support/scripts/br2-external'), ['-d', scratch], { cwd: tree });
  const variables = {
    BASE_DIR: scratch,
    BR2_DEFCONFIG: '',
    BR2_VERSION_FULL: 'test',
    HOSTARCH: 'x86_64',
    HOST_GCC_VERSION: '12',
    SKIP_LEGACY: '',
  };
  const config = join(scratch, '.config');
  return {
    source: { tree, file: 'Config.in', dialect: 'symbols', prefix: '', variables },
    async run(mode, before, more = {}) {
      rmSync(config, { force: true });
      if (before !== undefined) writeFileSync(config, before);
      const env = { PATH: process.env['PATH'] ?? '', ...variables, BR2_CONFIG: config, ...more };
      await start(join(objects, 'conf'), [mode, 'Config.in'], { cwd: tree, env, maxBuffer: QUITE_SOME_OUTPUT });
      return readDotConfig(config, 'conf');
    },
  };
}
