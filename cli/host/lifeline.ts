/**
 * What a killed Coracle leaves running would go on writing where the next build works. So a small process of its own
 * holds the end of a pipe and knows the process groups that are at work: when the pipe closes, which a kill -9 does as
 * well, it ends those that are left. It is started with the first child, and costs a shell of a megabyte.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';

/** Reads `+ <target>` and `- <target>`, targets as kill(2) takes them; nothing but numbers ever gets there. */
const GUARD = `
targets=' '
while read -r sign target; do
  case $sign in
    +) targets="$targets$target " ;;
    -) targets="\${targets%% $target *} \${targets#* $target }" ;;
  esac
done
for target in $targets; do kill -s KILL -- "$target"; done
`;

let guard: Writable | undefined;

/**
 * Starts a child whose process group ends with this program.
 *
 * @param start spawns it, detached
 */
export function endingWithUs<Child extends ChildProcess>(start: () => Child): Child {
  return guarded(start, (pid) => -pid);
}

/**
 * Starts a child of our own process group, which ends with this program; what it starts in turn does not.
 *
 * @param start spawns it
 */
export function programEndingWithUs<Child extends ChildProcess>(start: () => Child): Child {
  return guarded(start, (pid) => pid);
}

function guarded<Child extends ChildProcess>(start: () => Child, targetOf: (pid: number) => number): Child {
  // Before the child: what it does in its first moments may be the last that this program sees.
  guard ??= startGuard();
  const watching = guard;
  const child = start();
  if (child.pid === undefined) return child;
  const target = targetOf(child.pid);
  watching.write(`+ ${target}\n`);
  child.on('close', () => watching.write(`- ${target}\n`));
  return child;
}

function startGuard(): Writable {
  // Detached: what Ctrl-C or a hang-up ends on a terminal must not end it.
  const child = spawn('/bin/sh', ['-c', GUARD], {
    cwd: '/',
    env: {},
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without a guard a build is as good; only a killed one is not cleaned up behind.
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  // Nor does the pipe, which Node makes of a socket, keep the program running.
  (child.stdin as Socket).unref();
  return child.stdin;
}
