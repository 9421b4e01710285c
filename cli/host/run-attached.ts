/**
 * Runs a program that talks to the user itself: it has this program's terminal, standard streams and process group, so it
 * may ask questions, and Ctrl-C reaches it and what it started directly.
 */
import { spawn } from 'node:child_process';
import { Failure } from '../failure.ts';

interface AttachedProgram {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  /** All of it; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends the program too, where the signal came to this one only. */
  readonly signal?: AbortSignal;
}

export type AttachedEnd =
  | { readonly kind: 'ended'; readonly exitCode: number }
  | { readonly kind: 'killed'; readonly signal: NodeJS.Signals };

/** @throws Failure `command-missing`, `command-failed` if it cannot be started */
export function runAttached({ argv, cwd, env, signal }: AttachedProgram): Promise<AttachedEnd> {
  const [program, ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...env }, stdio: 'inherit' });
    const stop = (): void => void child.kill('SIGTERM');
    signal?.addEventListener('abort', stop, { once: true });
    child.on('error', (error: NodeJS.ErrnoException) => {
      signal?.removeEventListener('abort', stop);
      reject(cannotStart(program, error));
    });
    child.on('close', (exitCode, killedBy) => {
      signal?.removeEventListener('abort', stop);
      resolve(killedBy === null ? { kind: 'ended', exitCode: exitCode ?? 0 } : { kind: 'killed', signal: killedBy });
    });
  });
}

function cannotStart(program: string, error: NodeJS.ErrnoException): Failure {
  if (error.code === 'ENOENT') {
    return new Failure({
      code: 'command-missing',
      message: `${program} cannot be started`,
      cause: 'it is not on this machine, or the interpreter that its first line names is not',
    });
  }
  return new Failure({ code: 'command-failed', message: `${program} cannot be started`, cause: error.message });
}
