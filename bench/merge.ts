/**
 * Resolving and merging layers, beside what shell-based builders do with the same files: a loop over Buildroot's and the kernel's own
 * merge_config.sh, one call a fragment, and one
 * call with all of them. Coracle reads every layer.yaml, orders and checks the layers as well; the shell only merges. Then how
 * the cost grows with the layers.
 *
 *     BUILDROOT_MERGE_CONFIG=…/support/kconfig/merge_config.sh \
 *     KERNEL_MERGE_CONFIG=…/scripts/kconfig/merge_config.sh node bench/merge.ts
 *
 * The scripts come with the sources of Buildroot and of the kernel. Without the variables only Coracle is measured. Ratios
 * hold within one run only.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readDotConfig } from '../cli/kconfig/dotconfig.ts';
import { mergeFragments, winner } from '../cli/kconfig/merge.ts';
import { sameValue } from '../cli/kconfig/value.ts';
import { loadProject } from '../cli/workspace/project.ts';
import { resolveWorkspace } from '../cli/workspace/resolve-workspace.ts';
import { type BenchLayer, writeLayers } from './merge-fixture.ts';

const FRAGMENTS = 50;
const GROWTH = [10, 30, 100, 300, 1000];
const KINDS = ['buildroot', 'kernel'] as const;
if (process.argv[2] === '--once') {
  await resolveAll(process.argv[3] ?? '');
  process.exit(0);
}

const scratch = mkdtempSync(join(tmpdir(), 'coracle-bench-'));
try {
  const project = join(scratch, 'fifty');
  const layers = writeLayers(project, FRAGMENTS);
  const mergeOnly = await medianMs(15, () => mergeAll(layers));
  const ours = await medianMs(15, () => resolveAll(project));
  const program = await medianMs(5, async () => runOurProgram(project));
  line(`${FRAGMENTS} layers, a Buildroot and a kernel fragment each`);
  line(`  coracle, merging only         ${ms(mergeOnly)}`);
  line(`  coracle, resolve and merge    ${ms(ours)}`);
  line(`  the same with node's start-up ${ms(program)}`);
  for (const kind of KINDS) {
    if (scriptFor(kind) === undefined) line(`  shell: set ${kind.toUpperCase()}_MERGE_CONFIG to compare`);
  }
  for (const shell of ['loop', 'one call'] as const) {
    const took = await shellMs(layers, shell);
    if (took === undefined) continue;
    line(
      `  shell, ${shell.padEnd(23)}${ms(took)}   ${ratio(took / ours)} as long, ${ratio(took / program)} with node's start-up`,
    );
  }
  line('growth');
  for (const count of GROWTH) {
    const directory = join(scratch, `growth-${count}`);
    const many = writeLayers(directory, count);
    const merging = await medianMs(9, () => mergeAll(many));
    const took = await medianMs(9, () => resolveAll(directory));
    line(
      `  ${String(count).padStart(5)} layers ${ms(took)}   ${each(took, count)}, of it merging ${each(merging, count)}`,
    );
  }
} finally {
  rmSync(scratch, { recursive: true });
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

function runOurProgram(project: string): void {
  const call = [fileURLToPath(import.meta.url), '--once', project];
  execFileSync(process.execPath, call, { stdio: 'inherit' });
}

/** Milliseconds of one run; undefined if a script is missing. */
async function shellMs(layers: readonly BenchLayer[], how: 'loop' | 'one call'): Promise<number | undefined> {
  let total = 0;
  for (const kind of KINDS) {
    const script = scriptFor(kind);
    if (script === undefined) return undefined;
    const files = layers.map((layer) => layer.files[kind]);
    const out = mkdtempSync(join(scratch, 'shell-'));
    const config = join(out, '.config');
    const env = { ...process.env, CONFIG_: kind === 'buildroot' ? 'BR2_' : 'CONFIG_', KCONFIG_CONFIG: config };
    const call = (...args: string[]): void => {
      execFileSync('sh', [script, '-m', '-O', out, ...args], { env, cwd: out, stdio: 'ignore' });
    };
    const start = performance.now();
    if (how === 'loop') {
      writeFileSync(config, '');
      for (const file of files) {
        const base = join(out, 'base');
        copyFileSync(config, base);
        call(base, file);
      }
    } else {
      call(...files);
    }
    total += performance.now() - start;
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

function scriptFor(kind: (typeof KINDS)[number]): string | undefined {
  return process.env[`${kind.toUpperCase()}_MERGE_CONFIG`];
}

async function medianMs(times: number, action: () => Promise<void>): Promise<number> {
  const taken: number[] = [];
  for (let round = 0; round < times; round++) {
    const start = performance.now();
    await action();
    taken.push(performance.now() - start);
  }
  return taken.sort((a, b) => a - b)[taken.length >> 1] ?? 0;
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`.padStart(10);
}

function each(took: number, count: number): string {
  return `${((took / count) * 1000).toFixed(0)} µs a layer`;
}

function ratio(value: number): string {
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} times`;
}

function line(text: string): void {
  process.stdout.write(`${text}\n`);
}
