/**
 * A program that has the user's terminal to itself: an editor, a menu. It stays in our process group, which is the one that
 * the terminal listens to, and so Ctrl-C is meant for it and not for us, as long as it runs.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { Failure } from '../failure.ts';
import { programEndingWithUs } from './lifeline.ts';
import { baseEnvironment, type Command } from './process.ts';

export type InteractiveCommand = Pick<Command, 'argv' | 'cwd' | 'env'> & { readonly signal: AbortSignal };

/** How the user's terminal or screen is found and drawn on. */
const OF_THE_USER = [
  'TERM',
  'TERMINFO',
  'TERMINFO_DIRS',
  'COLORTERM',
  'DISPLAY',
  'XAUTHORITY',
  'WAYLAND_DISPLAY',
  'XDG_RUNTIME_DIR',
  'MENUCONFIG_COLOR',
  'MENUCONFIG_MODE',
  'NCONFIG_MODE',
] as const;

const GRACE_MS = 3000;

/**
 * Runs it to its end, however it ends.
 *
 * @returns its exit code, 128 if a signal ended it
 * @throws Failure `command-missing`; `stopped` if the signal was aborted meanwhile
 */
export async function runInteractive({ argv, cwd, env, signal }: InteractiveCommand): Promise<number> {
  signal.throwIfAborted();
  const [program, ...args] = argv;
  const given = OF_THE_USER.flatMap((name) => (process.env[name] ? [[name, process.env[name]] as const] : []));
  using _interrupts = leaveInterrupts();
  const child = programEndingWithUs(() =>
    spawn(program, args, {
      cwd,
      env: { ...baseEnvironment(), ...Object.fromEntries(given), ...env },
      stdio: 'inherit',
    }),
  );
  const exitCode = await untilEnd(child, signal);
  if (exitCode === 'missing') {
    throw new Failure({ code: 'command-missing', message: `the program ${program} is not on this machine` });
  }
  if (signal.aborted) throw new Failure({ code: 'stopped', message: `${program} was stopped` });
  return exitCode;
}

function untilEnd(child: ChildProcess, signal: AbortSignal): Promise<number | 'missing'> {
  return new Promise((resolve, reject) => {
    let killer: NodeJS.Timeout | undefined;
    // The program gives the terminal back in order when it is asked to end.
    const onAbort = (): void => {
      child.kill('SIGTERM');
      killer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const clear = (): void => {
      clearTimeout(killer);
      signal.removeEventListener('abort', onAbort);
    };
    child.on('error', (error: NodeJS.ErrnoException) => {
      clear();
      if (error.code === 'ENOENT') resolve('missing');
      else reject(error);
    });
    child.on('close', (exitCode) => {
      clear();
      resolve(exitCode ?? 128);
    });
  });
}

/** As system(3) does: who listens to Ctrl-C hears of it again when this is disposed. */
function leaveInterrupts(): Disposable {
  const listeners = process.listeners('SIGINT');
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  for (const listener of listeners) process.off('SIGINT', listener);
  return {
    [Symbol.dispose]: () => {
      for (const listener of listeners) process.on('SIGINT', listener);
      process.off('SIGINT', ignore);
    },
  };
}
