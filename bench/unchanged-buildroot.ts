/**
 * `coracle build` of a workspace of the buildroot engine with nothing changed, beside Buildroot's own make in the same output
 * directory, which always makes the root images anew.
 *
 *     CORACLE_BUILDROOT=…/buildroot node bench/unchanged-buildroot.ts PROJECT WORKSPACE
 *
 * The workspace must have been built from that tree.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LAUNCHER } from './bench-project.ts';
import { medianCost, runCommand, takeTurns } from './measure.ts';
import { costs, goal, line, times } from './print.ts';

const ROUNDS = 5;

const tree = process.env['CORACLE_BUILDROOT'];
const [project, workspace] = process.argv.slice(2);
if (tree === undefined || project === undefined || workspace === undefined) {
  line('  skipped: CORACLE_BUILDROOT names no tree, or no project and workspace are named');
} else {
  const output = join(project, 'workspaces', workspace, 'buildroot/output');
  const externals = join(output, '.br2-external.mk');
  const external = existsSync(externals) ? /^BR2_EXTERNAL \?= (.*)$/m.exec(readFileSync(externals, 'utf8'))?.[1] : '';
  const runs = await takeTurns(ROUNDS, {
    make: () =>
      runCommand(['make', '-C', tree, `O=${output}`, `BR2_EXTERNAL=${(external ?? '').trim().replaceAll(' ', ':')}`], {
        cwd: project,
      }),
    'coracle build': () => runCommand([LAUNCHER, 'build', workspace], { cwd: project }),
  });
  line(`nothing changed, workspace ${workspace}, medians of ${ROUNDS}`);
  const [make, coracle] = [medianCost(runs.make), medianCost(runs['coracle build'])];
  costs([
    { what: 'make', cost: make },
    { what: 'coracle build', cost: coracle },
  ]);
  goal('times as fast as make', make.wallMs / coracle.wallMs, 20, times, 'large');
  line(`  by processor time ${times(make.cpuMs / coracle.cpuMs)}`);
}
