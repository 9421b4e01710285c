/**
 * Merging fragments, beside what shell-based builders do with the same files: a loop over Buildroot's and the kernel's own
 * merge_config.sh, one call a fragment, and one call with all of them. Then how the cost grows with the layers.
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
import { readDotConfig } from '../cli/kconfig/dotconfig.ts';
import { mergeFragments, winner } from '../cli/kconfig/merge.ts';
import { sameValue } from '../cli/kconfig/value.ts';
import { type BenchLayer, writeLayers } from './merge-fixture.ts';

const FRAGMENTS = 50;
const GROWTH = [10, 30, 100, 300, 1000];
const KINDS = ['buildroot', 'kernel'] as const;
const scratch = mkdtempSync(join(tmpdir(), 'coracle-bench-'));

try {
  const layers = writeLayers(join(scratch, 'fifty'), FRAGMENTS);
  const ours = await medianMs(15, () => mergeAll(layers));
  const program = await medianMs(3, async () => runOurProgram(layers));
  line(`${FRAGMENTS} layers, a Buildroot and a kernel fragment each`);
  line(`  coracle, in the process      ${ms(ours)}`);
  line(`  coracle, a process of its own ${ms(program)}`);
  for (const kind of KINDS) {
    if (scriptFor(kind) === undefined) line(`  shell: set ${kind.toUpperCase()}_MERGE_CONFIG to compare`);
  }
  for (const shell of ['loop', 'one call'] as const) {
    const took = await shellMs(layers, shell);
    if (took === undefined) continue;
    line(
      `  shell, ${shell.padEnd(22)}${ms(took)}   ${ratio(took / ours)} ours, ${ratio(took / program)} with start-up`,
    );
  }
  line('growth');
  for (const count of GROWTH) {
    const many = writeLayers(join(scratch, `growth-${count}`), count);
    const took = await medianMs(9, () => mergeAll(many));
    line(`  ${String(count).padStart(5)} layers ${ms(took)}   ${((took / count) * 1000).toFixed(0)} µs a layer`);
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

function runOurProgram(layers: readonly BenchLayer[]): void {
  const module = join(import.meta.dirname, '../cli/kconfig/merge.ts');
  const sources = KINDS.map((kind) => layers.map(({ name, files }) => ({ layer: name, files: [files[kind]] })));
  const list = join(scratch, 'sources.json');
  writeFileSync(list, JSON.stringify(sources));
  const code = `
    import { readFileSync } from 'node:fs';
    import { mergeFragments } from ${JSON.stringify(module)};
    for (const sources of JSON.parse(readFileSync(${JSON.stringify(list)}, 'utf8'))) await mergeFragments(sources);`;
  execFileSync(process.execPath, ['--input-type=module-typescript', '--eval', code], { stdio: 'inherit' });
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

function ratio(value: number): string {
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} times`;
}

function line(text: string): void {
  process.stdout.write(`${text}\n`);
}
