/**
 * Resolving and merging layers, beside what shell-based builders do with the same files: a loop over Buildroot's and the
 * kernel's own merge_config.sh, one call a fragment, and one call with all of them. Coracle reads every layer.yaml, orders
 * and checks the layers as well; the shell only merges. Both must come to the same result. Then how the cost grows with
 * the layers.
 *
 *     BUILDROOT_MERGE_CONFIG=…/support/kconfig/merge_config.sh \
 *     KERNEL_MERGE_CONFIG=…/scripts/kconfig/merge_config.sh node bench/merge.ts
 *
 * The scripts come with the sources of Buildroot and of the kernel. With one of them only, that one merges both kinds;
 * without, only Coracle is measured.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDotConfig } from '../cli/kconfig/dotconfig.ts';
import { mergeFragments, winner } from '../cli/kconfig/merge.ts';
import { sameValue } from '../cli/kconfig/value.ts';
import { loadProject } from '../cli/workspace/project.ts';
import { resolveWorkspace } from '../cli/workspace/resolve-workspace.ts';
import { INSTALLATION } from './bench-project.ts';
import { type Cost, medianCost, runCommand, runHere, takeTurns } from './measure.ts';
import { type BenchLayer, writeLayers } from './merge-fixture.ts';
import { costs, goal, line, times } from './print.ts';

const FRAGMENTS = 50;
const GROWTH = [10, 30, 100, 300, 1000];
const KINDS = ['buildroot', 'kernel'] as const;
const ROUNDS = 3;

if (process.argv[2] === '--once') {
  await resolveAll(process.argv[3] ?? '');
} else {
  const scratch = mkdtempSync(join(tmpdir(), 'coracle-bench-'));
  try {
    await compare(scratch);
    await grow(scratch);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

async function compare(scratch: string): Promise<void> {
  const project = join(scratch, 'fifty');
  const layers = writeLayers(project, FRAGMENTS);
  const ours = {
    'coracle, merging only': () => runHere(() => mergeAll(layers)),
    'coracle, resolve and merge': () => runHere(() => resolveAll(project)),
    "the same with node's start-up": () =>
      runCommand([process.execPath, import.meta.filename, '--once', project], {
        cwd: scratch,
        env: { NODE_COMPILE_CACHE: join(scratch, 'compiled') },
      }),
  };
  await takeTurns(5, ours);
  const scripts = findScripts();
  const shell: Record<string, () => Promise<Cost>> =
    scripts === undefined
      ? {}
      : {
          'shell, a call for each fragment': () => mergeByShell(layers, scripts, 'loop', scratch),
          'shell, one call for all': () => mergeByShell(layers, scripts, 'one call', scratch),
        };
  const runs = await takeTurns<Record<string, Cost>>(ROUNDS, { ...ours, ...shell });
  const medians = new Map(Object.entries(runs).map(([what, all]) => [what, medianCost(all)]));
  line(`${FRAGMENTS} layers, a Buildroot and a kernel fragment each; medians of ${ROUNDS}`);
  costs([...medians].map(([what, cost]) => ({ what, cost })));
  const [coracle, loop] = [medians.get('coracle, resolve and merge'), medians.get('shell, a call for each fragment')];
  if (coracle === undefined) return;
  if (loop === undefined) line('  to compare: set BUILDROOT_MERGE_CONFIG, KERNEL_MERGE_CONFIG or both');
  else {
    goal('times as fast as the shell by processor time', loop.cpuMs / coracle.cpuMs, 20, times, 'large');
    const whole = medians.get("the same with node's start-up");
    if (whole !== undefined) line(`  with node's start-up ${times(loop.cpuMs / whole.cpuMs)}`);
  }
}

async function grow(scratch: string): Promise<void> {
  const fixtures = GROWTH.map((count) => {
    const directory = join(scratch, `growth-${count}`);
    return { count, directory, layers: writeLayers(directory, count) };
  });
  const subjects = fixtures.flatMap(({ count, directory, layers }) => [
    [`${count} merge`, () => runHere(() => mergeAll(layers))] as const,
    [`${count} all`, () => runHere(() => resolveAll(directory))] as const,
  ]);
  const runs = await takeTurns<Record<string, Cost>>(7, Object.fromEntries(subjects));
  line('how resolving and merging grow with the layers');
  const perLayer = (key: string, count: number): number => (medianCost(runs[key] ?? []).cpuMs / count) * 1000;
  costs(
    fixtures.map(({ count }) => {
      const [all, merging] = [perLayer(`${count} all`, count), perLayer(`${count} merge`, count)];
      const remark = `${all.toFixed(0)} µs a layer, of it merging ${merging.toFixed(0)} µs`;
      return { what: `${String(count).padStart(5)} layers`, cost: medianCost(runs[`${count} all`] ?? []), remark };
    }),
  );
  const growth = perLayer('1000 all', 1000) / perLayer('100 all', 100);
  goal('cost of a layer, with 1,000 against 100 of them', growth, 1.5, times);
}

async function mergeAll(layers: readonly BenchLayer[]): Promise<void> {
  for (const kind of KINDS) {
    const sources = layers.map(({ name, files }) => ({ layer: name, files: [files[kind]] }));
    await mergeFragments(sources, { namespace: kind });
  }
}

async function resolveAll(project: string): Promise<void> {
  const loaded = await loadProject(project, {}, project);
  const { symbols } = await resolveWorkspace(loaded, 'all', { engine: 'debian', arch: 'x86_64' });
  if (symbols.kernel.size === 0) throw new Error('nothing was merged');
}

type Scripts = Readonly<Record<(typeof KINDS)[number], string>>;

function findScripts(): Scripts | undefined {
  const inTree = join(INSTALLATION, 'buildroot/support/kconfig/merge_config.sh');
  const buildroot = process.env['BUILDROOT_MERGE_CONFIG'] ?? (existsSync(inTree) ? inTree : undefined);
  const kernel = process.env['KERNEL_MERGE_CONFIG'];
  const [one] = [buildroot, kernel].filter((script) => script !== undefined);
  return one === undefined ? undefined : { buildroot: buildroot ?? one, kernel: kernel ?? one };
}

async function mergeByShell(
  layers: readonly BenchLayer[],
  scripts: Scripts,
  how: 'loop' | 'one call',
  scratch: string,
): Promise<Cost> {
  let total: Cost = { wallMs: 0, cpuMs: 0 };
  for (const kind of KINDS) {
    const files = layers.map((layer) => layer.files[kind]);
    const out = mkdtempSync(join(scratch, 'shell-'));
    const config = join(out, '.config');
    const env = { CONFIG_: kind === 'buildroot' ? 'BR2_' : 'CONFIG_', KCONFIG_CONFIG: config };
    const call = async (...args: readonly string[]): Promise<void> => {
      const { wallMs, cpuMs } = await runCommand(['sh', scripts[kind], '-m', '-O', out, ...args], { cwd: out, env });
      total = { wallMs: total.wallMs + wallMs, cpuMs: total.cpuMs + cpuMs };
    };
    if (how === 'loop') {
      writeFileSync(config, '');
      for (const file of files) {
        const base = join(out, 'base');
        copyFileSync(config, base);
        await call(base, file);
      }
    } else await call(...files);
    await checkSameResult(layers, kind, config);
  }
  return total;
}

async function checkSameResult(layers: readonly BenchLayer[], kind: (typeof KINDS)[number], file: string) {
  const theirs = readDotConfig(file, 'merge_config.sh');
  const merged = await mergeFragments(layers.map(({ name, files }) => ({ layer: name, files: [files[kind]] })));
  const differing = [...merged.values()].filter(
    (chain) => !sameValue(winner(chain).value, theirs.get(chain.symbol)) || !theirs.has(chain.symbol),
  );
  if (differing.length > 0) throw new Error(`merge_config.sh disagrees about ${differing[0]?.symbol}`);
}
