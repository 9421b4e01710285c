/** Runs the real program on a pseudo terminal, with a user who waits for what is drawn and then types. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What is waited for, and the keys that are typed then. */
export type Step = readonly [expected: string, keys: string];

export interface OnTerminal {
  readonly exitCode: number;
  /** All that was drawn, one thing after the other, without control sequences. */
  readonly screen: string;
  /** What was waited for in vain. */
  readonly missing: string | null;
}

const LAUNCHER = fileURLToPath(new URL('../../coracle', import.meta.url));
const TERMINAL = fileURLToPath(new URL('terminal.py', import.meta.url));
const SECONDS = 60;

export function coracleOnTerminal(
  cwd: string,
  args: readonly string[],
  steps: readonly Step[],
  environment: Readonly<Record<string, string>> = {},
): Promise<OnTerminal> {
  const env = { PATH: process.env['PATH'], HOME: cwd, TERM: 'xterm', ...environment };
  const child = spawn('python3', [TERMINAL], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify({ argv: [LAUNCHER, ...args], cwd, env, steps, seconds: SECONDS }));
  const said: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => {
      if (exitCode === 0) resolve(JSON.parse(Buffer.concat(said).toString('utf8')) as OnTerminal);
      else reject(new Error(`the terminal ended with exit code ${exitCode}`));
    });
  });
}
