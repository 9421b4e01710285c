/**
 * Composing the root of systemd and podman from its packages, beside the usual way: mmdebstrap, which runs the maintainer
 * scripts in a chroot, and mksquashfs. Both start from the same .deb files and end in a squashfs with the same block size,
 * compressor and level; nobody touches the network. Coracle's side also adds kernel modules and the layers' overlays, checks
 * the libraries and writes the dm-verity tree; the kernel itself, which the other side does not have, is unpacked before.
 *
 * mmdebstrap waits for the disk a lot, because dpkg syncs what it writes. With TMPDIR on a tmpfs nobody does, and what is
 * left is work:
 *
 *     node bench/compose.ts        as root, with mmdebstrap and mksquashfs
 *     TMPDIR=/dev/shm node bench/compose.ts
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeLocalArchive } from '../cli/engines/debian/run-scripts/local-archive.ts';
import { unpackedPath } from '../cli/engines/debian/unpacked.ts';
import { type BuildPlan, planBuild, stagesOf } from '../cli/farm/plan.ts';
import { JobBudget } from '../cli/host/job-budget.ts';
import { runStages } from '../cli/stages/run-stages.ts';
import { cacheDirectory } from '../cli/workspace/cache-directory.ts';
import type { LockedPackage } from '../cli/workspace/lock-schema.ts';
import { loadProject } from '../cli/workspace/project.ts';
import { resolveWorkspace } from '../cli/workspace/resolve-workspace.ts';
import { BenchProject, INSTALLATION } from './bench-project.ts';
import { type Cost, medianCost, runCommand, takeTurns } from './measure.ts';
import { costs, goal, line, megabytes, times } from './print.ts';

const ROUNDS = 3;
const LAYERS = ['virt/qemu', 'core/podman'];
/** As the image stage has it. */
const [LEVEL, BLOCK_SIZE] = [9, 256 * 1024];

if (process.argv[2] === '--stage') {
  const [, , , directory = '', workspace = '', stage = ''] = process.argv;
  await runUntil(await planOf(directory, workspace), stage);
} else if (process.getuid?.() !== 0 || !existsSync('/usr/bin/mmdebstrap') || !existsSync('/usr/bin/mksquashfs')) {
  line('composing a root: skipped, because mmdebstrap has to run as root, with squashfs-tools installed');
} else {
  await compare();
}

async function compare(): Promise<void> {
  using project = new BenchProject((yaml) => {
    yaml.setIn(['workspaces', 'composed'], { layers: LAYERS, arch: 'x86_64' });
    yaml.setIn(['workspaces', 'scripted'], { layers: LAYERS, arch: 'x86_64', scripts: 'run' });
  });
  const downloads = cacheDirectory(process.env);
  const scratch = mkdtempSync(join(tmpdir(), 'coracle-bench-'));
  try {
    const packages = await packagesOf(project, 'composed');
    const scripted = await packagesOf(project, 'scripted');
    const archive = join(scratch, 'archive');
    await makeLocalArchive(scripted, downloads, archive);
    const cache = cacheWithDownloads(join(scratch, 'cache'), downloads);
    await composeRoot(project, cache);
    const runs = await takeTurns(ROUNDS, {
      cold: async () => {
        for (const { sha256 } of packages) rmSync(unpackedPath(cache, sha256), { recursive: true, force: true });
        return composeRoot(project, cache);
      },
      warm: () => composeRoot(project, cache),
      scripts: () => runScripts(scripted, archive, scratch),
    });
    const [cold, warm] = [medianCost(runs.cold), medianCost(runs.warm)];
    const bootstrap = medianCost(runs.scripts.map((run) => run.mmdebstrap));
    const squash = medianCost(runs.scripts.map((run) => run.mksquashfs));
    const usual = medianCost(runs.scripts.map(({ mmdebstrap, mksquashfs }) => sum(mmdebstrap, mksquashfs)));
    line(`a root of ${LAYERS.join(' and ')} as a squashfs, medians of ${ROUNDS}`);
    const ours = project.inWorkspace('composed', 'stages/squashfs/root.squashfs');
    costs([
      {
        what: 'coracle, from .deb files',
        cost: cold,
        remark: `${packages.length} packages, ${megabytes(statSync(ours).size)}`,
      },
      { what: 'coracle, packages unpacked before', cost: warm },
      { what: 'mmdebstrap with scripts', cost: bootstrap, remark: `${scripted.length} packages: scripts need tools` },
      { what: 'mksquashfs', cost: squash, remark: megabytes(statSync(join(scratch, 'usual.squashfs')).size) },
      { what: 'both', cost: usual },
    ]);
    goal('times as fast by the clock', usual.wallMs / cold.wallMs, 6, times, 'large');
    goal('times as fast, packages unpacked before', usual.wallMs / warm.wallMs, 6, times, 'large');
    line(`  by processor time ${times(usual.cpuMs / cold.cpuMs)}, unpacked before ${times(usual.cpuMs / warm.cpuMs)}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The packages of the root, resolved and fetched: everything that may need the network. */
async function packagesOf(project: BenchProject, workspace: string): Promise<readonly LockedPackage[]> {
  await runUntil(await planOf(project.directory, workspace), 'packages');
  const list = project.inWorkspace(workspace, 'stages/packages/packages.json');
  return (JSON.parse(readFileSync(list, 'utf8')) as LockedPackage[]).filter((one) => one.beside !== true);
}

/** A cache of its own, that has what was downloaded and nothing that was made of it. */
function cacheWithDownloads(cache: string, from: string): string {
  mkdirSync(cache);
  for (const name of ['downloads', 'apt']) symlinkSync(join(from, name), join(cache, name));
  return cache;
}

/** In a process of its own, so that its children's processor time is counted. */
async function composeRoot(project: BenchProject, cache: string): Promise<Cost> {
  for (const stage of ['packages', 'root', 'squashfs']) {
    rmSync(project.inWorkspace('composed', 'stages', stage), { recursive: true, force: true });
  }
  const argv = [process.execPath, import.meta.filename, '--stage', project.directory, 'composed', 'squashfs'];
  return runCommand(argv, {
    cwd: project.directory,
    env: { CORACLE_CACHE: cache, NODE_COMPILE_CACHE: join(cache, 'compiled') },
  });
}

async function runScripts(packages: readonly LockedPackage[], archive: string, scratch: string) {
  const [tar, squashfs] = [join(scratch, 'usual.tar'), join(scratch, 'usual.squashfs')];
  rmSync(squashfs, { force: true });
  const mmdebstrap = await runCommand(
    [
      ...['mmdebstrap', '--quiet', '--variant=essential', '--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr'],
      `--include=${packages.map(({ name }) => name).join(',')}`,
      ...['', tar, `deb [trusted=yes] copy:${archive} ./`],
    ],
    { cwd: scratch, env: { DEBIAN_FRONTEND: 'noninteractive' } },
  );
  const pack = ['mksquashfs', '-', squashfs, '-tar', '-quiet', '-no-progress', '-comp', 'zstd'];
  const options = ['-Xcompression-level', String(LEVEL), '-b', String(BLOCK_SIZE)];
  const mksquashfs = await runCommand([...pack, ...options], { cwd: scratch, stdin: tar });
  return { mmdebstrap, mksquashfs };
}

async function planOf(directory: string, workspace: string): Promise<BuildPlan> {
  const config = await resolveWorkspace(await loadProject(directory, {}, INSTALLATION), workspace);
  return planBuild(config, {
    installation: INSTALLATION,
    project: directory,
    variables: process.env,
    offline: false,
  });
}

/** The stage and all that it needs. */
async function runUntil(plan: BuildPlan, name: string): Promise<void> {
  const stage = stagesOf(plan).find((one) => one.name === name);
  if (stage === undefined) throw new Error(`there is no stage ${name}`);
  await runStages([stage], {
    workspace: plan.directory,
    name: plan.config.workspace,
    report: () => {},
    signal: new AbortController().signal,
    jobs: new JobBudget(2),
  });
}

function sum(a: Cost, b: Cost): Cost {
  return { wallMs: a.wallMs + b.wallMs, cpuMs: a.cpuMs + b.cpuMs };
}
