/** crun's own Python tests, out of Debian's source package, with our runtime in crun's place. */
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { runCommand } from '../../cli/host/process.ts';
import { differences } from './support/expectations.ts';
import { debianSource } from './support/sources.ts';
import { directoryOrSkip, withView } from './support/suite.ts';
import { readTap, type TapTest } from './support/tap.ts';
import type { CgroupVersion, View } from './support/view.ts';

const FILE_MS = 120_000;

describe("crun's Python tests", { timeout: 600_000 }, () => {
  for (const version of ['v1', 'v2'] as const) {
    it(`say what is expected in a ${version} view`, (context) => runSuite(context, version));
  }
});

async function runSuite(context: TestContext, version: CgroupVersion): Promise<void> {
  const source = directoryOrSkip(context, await debianSource('crun', '1.8.1'));
  await withView(context, version, async (view, runtime, scratch) => {
    cpSync(join(source, 'tests'), join(scratch, 'tests'), { recursive: true });
    // Their program inside of containers wants a configuration of its build, which for it says nothing.
    mkdirSync(join(scratch, 'include'));
    writeFileSync(join(scratch, 'include', 'config.h'), '');
    await runCommand({ argv: ['gcc', '-static', '-w', '-Iinclude', '-o', 'tests/init', 'tests/init.c'], cwd: scratch });
    const tests: TapTest[] = [];
    const env = { OCI_RUNTIME: runtime.path, INIT: join(scratch, 'tests', 'init') };
    for (const file of readdirSync(join(scratch, 'tests')).sort()) {
      if (/^test_\w+\.py$/.test(file)) tests.push(...(await runFile(view, scratch, env, file)));
    }
    expect(differences('crun', version, runtime, tests)).toEqual([]);
  });
}

async function runFile(view: View, cwd: string, env: Record<string, string>, file: string): Promise<TapTest[]> {
  const ran = await view.run(['python3', `tests/${file}`], { cwd, env, timeoutMs: FILE_MS });
  const name = (test: string): string => `${file.slice('test_'.length, -'.py'.length)}: ${test}`;
  const tests = readTap(ran.stdout).map((test) => ({ ...test, name: name(test.name) }));
  const planned = Number(/^1\.\.(\d+)$/m.exec(ran.stdout)?.[1] ?? 1);
  if (tests.length >= planned) return tests;
  const note = `the file ended after ${tests.length} of ${planned}: ${ran.stderr.trim().slice(-500)}`;
  return [...tests, { name: name('all of them'), outcome: 'failed', note }];
}
