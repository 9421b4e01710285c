/** A root file system for containers of tests: this machine's static busybox under all its names, two users, odd files. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, thisHost } from '../../../cli/host/this-host.ts';

/** Names that a machine lacks, as the reason for skipping a test; `null` if all are there. */
export function missingPrograms(names: readonly string[]): string | null {
  const missing = names.filter((name) => findProgram(thisHost(), name) === undefined);
  return missing.length === 0 ? null : `this machine has no ${missing.join(', ')}`;
}

/**
 * Fills a directory. `/etc/plain` cannot be executed, `some` is user 1000 and in group `extra` (2000).
 *
 * @returns the directory
 */
export function makeBusyboxRoot(directory: string): string {
  for (const name of ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp']) {
    mkdirSync(join(directory, name), { recursive: true });
  }
  const busybox = findProgram(thisHost(), 'busybox');
  if (busybox === undefined) throw new Error('busybox is not on this machine');
  copyFileSync(busybox, join(directory, 'bin/busybox'));
  const names = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).split('\n');
  for (const name of names) {
    if (name !== '' && name !== 'busybox') symlinkSync('busybox', join(directory, 'bin', name));
  }
  writeFileSync(join(directory, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nsome:x:1000:1000::/home:/bin/sh\n');
  writeFileSync(join(directory, 'etc/group'), 'root:x:0:\nsome:x:1000:\nextra:x:2000:some\n');
  writeFileSync(join(directory, 'etc/plain'), 'no program\n', { mode: 0o644 });
  return directory;
}
