/**
 * `scripts: run`: mmdebstrap installs the packages with their maintainer scripts, in a chroot of its own. The general way
 * for sets of packages that the model does not cover; slower, it needs root or user namespaces, and for another architecture
 * an emulator. Comes in: the locked packages; goes out: a tar of the root.
 */
import { existsSync } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../failure.ts';
import { sha256 } from '../../../host/files.ts';
import { runCommand } from '../../../host/process.ts';
import { thisHost } from '../../../host/this-host.ts';
import type { Architecture } from '../../../layers/layer.ts';
import type { Stage, StageContext } from '../../../stages/stage.ts';
import type { LockedPackage } from '../../../workspace/lock-schema.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../environment.ts';
import { debianArchitecture } from '../apt/private-apt.ts';
import { readPackages } from '../packages-stage.ts';
import { makeLocalArchive } from './local-archive.ts';

export const SCRIPTS_TAR = 'root.tar';

/** Raise it when the same packages give another root. */
const FORMAT = '1';
/** What mmdebstrap needs to set a chroot up on a merged /usr. */
const MERGED_USR = '/usr/share/mmdebstrap/hooks/merged-usr';

export function scriptsStage(config: ResolvedConfig, environment: BuildEnvironment, packages: Stage): Stage {
  return {
    name: 'scripts',
    title: 'install the packages with their scripts',
    needs: [packages],
    inputs: async () => [{ name: 'format', hash: FORMAT }],
    run: async (context) => {
      await checkMachine(config.arch);
      const locked = (await readPackages(context, packages)).filter((one) => one.beside !== true);
      await bootstrap(config, environment, locked, context);
      // Scripts are not held to giving the same result twice; what the root is made of is.
      return { digest: sha256(JSON.stringify([FORMAT, locked.map((one) => one.sha256)])) };
    },
  };
}

async function bootstrap(
  config: ResolvedConfig,
  environment: BuildEnvironment,
  packages: readonly LockedPackage[],
  context: StageContext,
): Promise<void> {
  const archive = join(context.scratch, 'archive');
  await makeLocalArchive(packages, environment.cache, archive);
  const architecture = debianArchitecture(config.arch);
  const output = join(context.output, SCRIPTS_TAR);
  let done = 0;
  try {
    await runCommand({
      argv: [
        'mmdebstrap',
        '--variant=essential',
        `--architectures=${architecture}`,
        `--include=${packages.map((one) => one.name).join(',')}`,
        `--hook-dir=${MERGED_USR}`,
        '--format=tar',
        // No suite: all there is comes from the one archive.
        '',
        '-',
        `deb [trusted=yes] ${encodeURI(`copy:${archive}`)} ./`,
      ],
      cwd: context.scratch,
      env: { DEBIAN_FRONTEND: 'noninteractive', SOURCE_DATE_EPOCH: '0' },
      stdout: { file: output },
      log: context.log,
      signal: context.signal,
      onLine: (line) => {
        if (!line.startsWith('I: ')) return;
        done += 1;
        context.report({ kind: 'step-progress', step: context.step, text: line.slice(3), done });
      },
    });
  } catch (error) {
    await rm(output, { force: true });
    throw explain(error, context);
  }
}

/** Said before anything is tried, because mmdebstrap says it late and in its own words. */
async function checkMachine(arch: Architecture): Promise<void> {
  if (!existsSync('/usr/share/mmdebstrap')) {
    throw new Failure({
      code: 'command-missing',
      message: '`scripts: run` needs mmdebstrap, which is not on this machine',
      hint: 'install the package mmdebstrap, or use `scripts: model`',
    });
  }
  if (thisHost().arch !== arch && !(await hasEmulator(arch))) {
    throw new Failure({
      code: 'foreign-scripts',
      message: `maintainer scripts for ${arch} cannot run on this machine (${thisHost().arch})`,
      cause: '`scripts: run` runs programs of the packages',
      hint: 'install qemu-user-static and binfmt-support, build on an arm64 machine, or use `scripts: model`, which runs nothing',
    });
  }
  if (process.getuid?.() !== 0 && !(await mayMakeNamespaces())) {
    throw new Failure({
      code: 'no-namespaces',
      message: '`scripts: run` needs root or user namespaces, and this machine gives you neither',
      hint: 'build as root, allow user namespaces (a line for you in /etc/subuid and the package uidmap), or use `scripts: model`',
    });
  }
}

async function hasEmulator(arch: Architecture): Promise<boolean> {
  const name = { x86_64: 'qemu-x86_64', arm64: 'qemu-aarch64' }[arch];
  const state = await readFile(`/proc/sys/fs/binfmt_misc/${name}`, 'utf8').catch(() => '');
  return state.startsWith('enabled');
}

async function mayMakeNamespaces(): Promise<boolean> {
  const limit = await readFile('/proc/sys/user/max_user_namespaces', 'utf8').catch(() => '0');
  return (
    Number(limit) > 0 &&
    (await stat('/etc/subuid').then(
      (found) => found.size > 0,
      () => false,
    ))
  );
}

/** The first telling line: dpkg's complaint about a package, or mmdebstrap's own. */
function explain(error: unknown, context: StageContext): unknown {
  if (!(error instanceof Failure) || error.parts.code !== 'command-failed') return error;
  const lines = (error.parts.cause ?? '').split('\n');
  const telling = lines.find((line) => /^dpkg: error|^E: |returned error exit status/.test(line));
  return new Failure({
    code: 'scripts-failed',
    message: 'mmdebstrap could not install the packages',
    cause: telling === undefined ? error.parts.cause : `${telling.slice(0, 500)}`,
    hint: 'the log has what the scripts said',
    log: context.log,
  });
}
