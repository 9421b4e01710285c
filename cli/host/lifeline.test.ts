import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isRunning } from '../../test/support/processes.ts';

const PROCESS = new URL('./process.ts', import.meta.url).href;

test('children of a killed program end with it; those that ended before are not signalled', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'lifeline '));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const program = `
    import { runCommand } from ${JSON.stringify(PROCESS)};
    const run = (script) => runCommand({ argv: ['sh', '-c', script], cwd: ${JSON.stringify(directory)} });
    await run('true');
    await Promise.all([run('sleep 1000 & echo $! >one; wait'), run('echo $$ >two; sleep 1000')]);
  `;
  const parent = execFile(process.execPath, ['--input-type=module', '--eval', program]);
  const pidIn = async (name: string): Promise<number> => {
    await expect.poll(() => existsSync(join(directory, name)), { timeout: 20_000 }).toBe(true);
    return Number(await readFile(join(directory, name), 'utf8'));
  };
  const pids = [await pidIn('one'), await pidIn('two')];
  expect(pids.map(isRunning)).toEqual([true, true]);
  parent.kill('SIGKILL');
  await expect.poll(() => pids.map(isRunning), { timeout: 10_000 }).toEqual([false, false]);
});
