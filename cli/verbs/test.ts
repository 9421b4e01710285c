import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Check, cargoCounts, checksOf, reasonToSkip, type TestCounts, vitestCounts } from '../checks/checks.ts';
import { Failure } from '../failure.ts';
import { PURPOSE_GROUPS } from '../host/host-packages.ts';
import { runCommand } from '../host/process.ts';
import { defineVerb, type Session } from './verb.ts';

export const test = defineVerb({
  command: 'test [files..]',
  summary: 'Run every test of Coracle itself: what CI runs',
  details: `
Format, lint, types, dead code; format, lint and tests of the device programs; then unit, property and end-to-end tests,
which boot guests under QEMU. Installs what the host lacks first, as \`coracle doctor --fix\` does. \`--no-boot\` leaves the
boots out (\`npm run check\` does). File filters run only those tests: \`coracle test cli/kconfig\`. What Rust's own
rustfmt and clippy check is skipped where they are not installed.
`,
  positionals: { files: { type: 'string', array: true, describe: 'Only tests whose path holds one of these' } },
  options: { boot: { type: 'boolean', default: true, describe: 'Boot guests too; --no-boot leaves them out' } },
  run: async (args, session) => {
    const { ensureHostPackages } = await import('../host/doctor-install.ts');
    await ensureHostPackages(PURPOSE_GROUPS.all, session);
    const reportFile = join(session.installation, 'dist', 'vitest-report.json');
    await rm(reportFile, { force: true });
    const checks = checksOf(session.installation, {
      boots: args.boot !== false,
      only: (args['files'] as string[] | undefined) ?? [],
      reportFile,
    });
    const total = { passed: 0, failed: 0, skipped: 0 };
    const failed: string[] = [];
    for (const check of checks) {
      const outcome = await runCheck(check, session, reportFile);
      total.passed += outcome.counts.passed;
      total.failed += outcome.counts.failed;
      total.skipped += outcome.counts.skipped;
      if (!outcome.good) failed.push(check.name);
    }
    if (failed.length > 0) session.report({ kind: 'note', text: `failed: ${failed.join(', ')}` });
    session.report({
      kind: 'result',
      value: { ...total, failedChecks: failed },
      text: `${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`,
    });
    return failed.length === 0 ? 0 : 1;
  },
});

async function runCheck(check: Check, session: Session, reportFile: string) {
  const cwd = join(session.installation, check.directory ?? '.');
  const env = { ...inherited(session), ...check.env };
  const reason = await reasonToSkip(check, cwd, env);
  if (reason !== undefined) {
    // As the runner of the tests says it.
    session.report({ kind: 'note', text: `skipped: ${check.directory}: ${check.title}: ${reason}` });
    return { good: true, counts: { passed: 0, failed: 0, skipped: 1 } };
  }
  const begin = performance.now();
  const lines: string[] = [];
  session.report({ kind: 'step-started', step: check.name, title: check.title });
  let good = true;
  try {
    await runCommand({
      argv: check.argv,
      cwd,
      env,
      onLine: (line) => {
        lines.push(line);
        session.report({ kind: 'note', text: line });
      },
      signal: session.signal,
    });
  } catch (error) {
    if (!(error instanceof Failure) || error.parts.code === 'stopped') throw error;
    if (error.parts.code !== 'command-failed') throw error;
    good = false;
  }
  const ms = Math.round(performance.now() - begin);
  session.report({ kind: 'step-ended', step: check.name, outcome: good ? 'done' : 'failed', ms });
  return { good, counts: await countsOf(check, lines, reportFile) };
}

/** Tests see the caller's settings (mirrors, caches, trees to test on); the pinned Node comes first in their PATH. */
function inherited(session: Session): Record<string, string> {
  const known = Object.entries(session.environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const bin = join(session.installation, 'node_modules', '.bin');
  return { ...Object.fromEntries(known), PATH: `${bin}:${session.environment['PATH'] ?? ''}` };
}

async function countsOf(check: Check, lines: readonly string[], reportFile: string): Promise<TestCounts> {
  if (check.counts === 'cargo') return cargoCounts(lines);
  if (check.counts === 'vitest') return vitestCounts(reportFile).catch(() => ({ passed: 0, failed: 1, skipped: 0 }));
  return { passed: 0, failed: 0, skipped: 0 };
}
