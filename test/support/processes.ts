/** Processes of this machine, as a test sees them. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A zombie that nobody has waited for yet does not run. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !'ZX'.includes(stat.charAt(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/** Command lines of the processes that work below a directory, or have it in an argument. */
export function processesIn(directory: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && isRunning(Number(name)))
    .flatMap((name) => {
      try {
        const line = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        const place = readlinkSync(`/proc/${name}/cwd`);
        return line.includes(directory) || place.startsWith(directory) ? [`${name}: ${line}`] : [];
      } catch {
        // It ended meanwhile.
        return [];
      }
    });
}
