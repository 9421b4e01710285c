/**
 * What the finished images are like: how large root.squashfs is, and how long QEMU takes from its start to a login by ssh.
 * The images take turns. Each runs on a disk of its own that the first boot, which is not counted, has grown.
 *
 *     node bench/boot.ts
 */
import { readFileSync } from 'node:fs';
import type { Manifest } from '../cli/image/manifest.ts';
import type { Milestones } from '../cli/run/boot-report.ts';
import { BenchProject } from './bench-project.ts';
import { median, takeTurns } from './measure.ts';
import { duration, goal, line, megabytes } from './print.ts';
import { readEvents } from './step-times.ts';

const ROUNDS = 3;

interface Wanted {
  readonly layers: readonly string[];
  readonly rootBytes: number;
  readonly loginMs: number;
}

/** Only what the goals name: what a shipped workspace preloads as well would count for the base. */
const IMAGES: Readonly<Record<string, Wanted>> = {
  'mini-crun': { layers: ['base/mini', 'virt/qemu', 'core/crun'], rootBytes: 21e6, loginMs: 5000 },
  'systemd-podman': { layers: ['virt/qemu', 'core/podman'], rootBytes: 62e6, loginMs: 13_000 },
};

using project = new BenchProject((yaml) => {
  for (const [name, { layers }] of Object.entries(IMAGES)) {
    yaml.setIn(['workspaces', name], { layers, arch: 'x86_64' });
  }
});
const names = Object.keys(IMAGES);
await project.coracle('build', ...names);
for (const name of names) await boot(name);
const boots = await takeTurns(ROUNDS, Object.fromEntries(names.map((name) => [name, () => boot(name)])));
line(`images and boots, medians of ${ROUNDS} boots; times are from QEMU's start, by the host's clock`);
for (const [name, { layers, rootBytes, loginMs }] of Object.entries(IMAGES)) {
  const runs = boots[name] ?? [];
  const [first] = runs;
  line(`  ${name}: ${layers.join(', ')} (${first?.accelerator})`);
  for (const milestone of Object.keys(first?.milestones ?? {}) as (keyof Milestones)[]) {
    const seen = runs.flatMap(({ milestones }) => milestones[milestone] ?? []);
    if (seen.length > 0) line(`    ${milestone.padEnd(12)} ${duration(median(seen))}`);
  }
  goal('root.squashfs', rootSize(name), rootBytes, megabytes);
  goal(
    "QEMU's start to login by ssh",
    median(runs.flatMap(({ milestones }) => milestones.login ?? [])),
    loginMs,
    duration,
  );
}

interface Booted {
  readonly accelerator: string;
  readonly milestones: Milestones;
}

async function boot(name: string): Promise<Booted> {
  const { stdout } = await project.coracle('run', name, '--check', '--json');
  const result = readEvents(stdout).findLast((event) => event.kind === 'result');
  if (result === undefined) throw new Error(`coracle run ${name} gave no result`);
  return result.value as Booted;
}

function rootSize(name: string): number {
  const manifest = JSON.parse(readFileSync(project.inWorkspace(name, 'stages/slot/manifest.json'), 'utf8')) as Manifest;
  return manifest.files.find(({ path }) => path === 'root.squashfs')?.size ?? Number.NaN;
}
