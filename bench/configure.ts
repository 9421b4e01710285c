/**
 * Configuring Buildroot from layers, beside SkiffOS's `make configure` of the same layers on the same Buildroot tree: from
 * nothing, and with nothing changed.
 *
 *     CORACLE_BUILDROOT=…/buildroot CORACLE_SKIFFOS=…/SkiffOS node bench/configure.ts
 *
 * Both are only read: SkiffOS works on a copy of its checkout, with the tree as its submodule.
 */
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LAUNCHER } from './bench-project.ts';
import { type Cost, medianCost, runCommand, takeTurns } from './measure.ts';
import { costs, goal, line, times } from './print.ts';

const LISTS = ['virt/qemu,skiff/core', 'pi/4,skiff/core'];
const ROUNDS = 5;

const tree = process.env['CORACLE_BUILDROOT'];
const skiffos = process.env['CORACLE_SKIFFOS'];
if (tree === undefined || skiffos === undefined) {
  line('  skipped: CORACLE_BUILDROOT and CORACLE_SKIFFOS name the two checkouts that this needs');
} else {
  const scratch = mkdtempSync(join(tmpdir(), 'coracle-bench-'));
  try {
    for (const list of LISTS) await compare(list, scratch, { tree, skiffos });
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

async function compare(list: string, scratch: string, checkouts: { tree: string; skiffos: string }): Promise<void> {
  const name = list.replaceAll(/[^a-z0-9]/g, '-');
  const [theirs, ours] = [join(scratch, `skiffos-${name}`), join(scratch, `coracle-${name}`)];
  cpSync(checkouts.skiffos, theirs, { recursive: true, verbatimSymlinks: true });
  rmSync(join(theirs, 'buildroot'), { recursive: true, force: true });
  symlinkSync(checkouts.tree, join(theirs, 'buildroot'));
  cpSync(join(theirs, 'configs'), join(ours, 'SkiffOS/configs'), { recursive: true });
  if (existsSync(join(theirs, 'configs-base'))) {
    cpSync(join(theirs, 'configs-base'), join(ours, 'SkiffOS/configs-base'), { recursive: true });
  }
  writeFileSync(
    join(ours, 'coracle.yaml'),
    [
      'layers: [{path: SkiffOS/configs}]',
      `buildroot: ${checkouts.tree}`,
      'workspaces:',
      `  w: {layers: [${list}], engine: buildroot}`,
      '',
    ].join('\n'),
  );
  const skiff = (): Promise<Cost> =>
    runCommand(['make', 'configure'], { cwd: theirs, env: { SKIFF_CONFIG: list, SKIFF_WORKSPACE: 'w' } });
  const coracle = (): Promise<Cost> => runCommand([LAUNCHER, 'configure', 'w'], { cwd: ours });
  const fresh = async (paths: readonly string[], work: () => Promise<Cost>): Promise<Cost> => {
    for (const path of paths) rmSync(path, { recursive: true, force: true });
    return work();
  };
  const theirsMade = [join(theirs, 'workspaces/w'), join(theirs, 'workspaces/.config_w')];
  const clean = await takeTurns(ROUNDS, {
    'SkiffOS, from nothing': () => fresh(theirsMade, skiff),
    'coracle, from nothing': () => fresh([join(ours, 'workspaces')], coracle),
  });
  const again = await takeTurns(ROUNDS, { 'SkiffOS, nothing changed': skiff, 'coracle, nothing changed': coracle });
  line(`configuring ${list}; medians of ${ROUNDS}`);
  const medians = new Map(
    [...Object.entries(clean), ...Object.entries(again)].map(([what, all]) => [what, medianCost(all)]),
  );
  costs([...medians].map(([what, cost]) => ({ what, cost })));
  const ratio = (state: string, by: 'wallMs' | 'cpuMs'): number =>
    (medians.get(`SkiffOS, ${state}`)?.[by] ?? 0) / (medians.get(`coracle, ${state}`)?.[by] ?? 1);
  goal('times as fast, from nothing', ratio('from nothing', 'wallMs'), 5, times, 'large');
  goal('times as fast, nothing changed', ratio('nothing changed', 'wallMs'), 10, times, 'large');
  line(`  by processor time ${times(ratio('from nothing', 'cpuMs'))} and ${times(ratio('nothing changed', 'cpuMs'))}`);
}
