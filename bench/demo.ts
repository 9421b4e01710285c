/**
 * `coracle demo` from a clean clone: npm packages, bundle, Rust compilation, packages, image, two boots. What was
 * downloaded once is there (npm's cache, .deb files and package lists, crates); nothing that was made of it is. What this
 * machine lacks is installed before, by a run that is not counted if need be: `coracle doctor --fix`.
 *
 *     node bench/demo.ts
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDirectory } from '../cli/workspace/cache-directory.ts';
import { INSTALLATION } from './bench-project.ts';
import { runCommand } from './measure.ts';
import { costs, duration, goal, line } from './print.ts';
import { readEvents, stepTimes } from './step-times.ts';

const scratch = mkdtempSync(join(tmpdir(), 'coracle-bench-'));
try {
  const clone = join(scratch, 'coracle');
  const cache = join(scratch, 'cache');
  const downloads = cacheDirectory(process.env);
  mkdirSync(cache);
  for (const name of ['downloads', 'apt']) {
    mkdirSync(join(downloads, name), { recursive: true });
    symlinkSync(join(downloads, name), join(cache, name));
  }
  const env = { CORACLE_CACHE: cache };
  const cloned = await runCommand(['git', 'clone', '--quiet', INSTALLATION, clone], { cwd: scratch });
  const installed = await runCommand([join(clone, 'coracle'), '--version'], { cwd: clone, env });
  const demo = await runCommand([join(clone, 'coracle'), 'demo', '--yes', '--json'], { cwd: clone, env });
  line('coracle demo from a clean clone of what is committed, downloads warm, one run');
  costs([
    { what: 'git clone', cost: cloned },
    { what: 'npm packages, bundle', cost: installed },
    { what: 'coracle demo', cost: demo },
  ]);
  for (const { step, ms } of stepTimes(demo.stdout)) line(`    ${step.padEnd(16)} ${duration(ms)}`);
  const result = readEvents(demo.stdout).findLast((event) => event.kind === 'result');
  const rows = (result?.value as { rows?: [string, string, string?][] } | undefined)?.rows ?? [];
  for (const row of rows) line(`    | ${row.join('  ')}`);
  goal('demo from a clean clone', cloned.wallMs + installed.wallMs + demo.wallMs, 150_000, duration);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
