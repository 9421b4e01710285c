/**
 * How long a person waits for a short answer: `--version`, and `explain` on the largest shipped workspace. Everything is
 * warm: bundled, and Node's cache of compiled code is filled. Node alone is the floor.
 *
 *     node bench/start-up.ts
 */
import { loadProject } from '../cli/workspace/project.ts';
import { resolveWorkspace } from '../cli/workspace/resolve-workspace.ts';
import { INSTALLATION, LAUNCHER } from './bench-project.ts';
import { medianCost, runCommand, takeTurns } from './measure.ts';
import { costs, duration, goal, line } from './print.ts';

const ROUNDS = 15;

const { workspace, symbol, assignments, layers } = await largest();
const run = (...argv: string[]) => runCommand(argv, { cwd: INSTALLATION });
const subjects = {
  'node, doing nothing': () => run(process.execPath, '-e', '0'),
  'coracle --version': () => run(LAUNCHER, '--version'),
  'coracle explain': () => run(LAUNCHER, 'explain', symbol, workspace),
};
// The first run may bundle and fills the caches.
await takeTurns(2, subjects);
const runs = await takeTurns(ROUNDS, subjects);
line(`start-up, medians of ${ROUNDS}; explain ${symbol} in ${workspace}: ${layers} layers, ${assignments} assignments`);
costs(Object.entries(runs).map(([what, all]) => ({ what, cost: medianCost(all) })));
goal('coracle --version', medianCost(runs['coracle --version']).wallMs, 150, duration);
goal('explain', medianCost(runs['coracle explain']).wallMs, 300, duration);

/** The shipped workspace with the most assignments, and a symbol of it that most layers set. */
async function largest() {
  const project = await loadProject(INSTALLATION, {}, INSTALLATION);
  const all = await Promise.all(
    project.workspaceNames().map(async (workspace) => {
      const { symbols, layers } = await resolveWorkspace(project, workspace);
      const chains = Object.values(symbols)
        .flatMap((merged) => [...merged.values()])
        .sort((a, b) => b.chain.length - a.chain.length);
      const assignments = chains.reduce((sum, { chain }) => sum + chain.length, 0);
      return { workspace, assignments, layers: layers.length, symbol: chains[0]?.symbol ?? '' };
    }),
  );
  const [first] = all.sort((a, b) => b.assignments - a.assignments);
  if (first === undefined) throw new Error('there is no workspace');
  return first;
}
