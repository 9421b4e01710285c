/** Runs the real program, as a user would, with nothing of the developer's environment but the paths of programs. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

export function coracle(
  cwd: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const env = { PATH: process.env['PATH'], HOME: cwd, ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { cwd, env, encoding: 'utf8' }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 128;
      resolve({ exitCode, stdout, stderr });
    });
  });
}
