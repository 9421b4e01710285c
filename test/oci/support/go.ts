/** Programs in Go that suites of others are, or need: compiled once, from modules of fixed versions, into the user's cache. */
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { proxies } from '../../../cli/engines/debian/apt/private-apt.ts';
import { Failure } from '../../../cli/failure.ts';
import { runCommand } from '../../../cli/host/process.ts';
import { SUITES_CACHE } from './sources.ts';

const GO = ['/usr/local/go/bin/go', '/usr/lib/go/bin/go', '/usr/bin/go'].find((path) => existsSync(path));

export const NO_GO = { reason: 'the Go compiler is not on this machine' } as const;

/** What `go` says; its caches are the user's own. */
export async function go(cwd: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  if (GO === undefined) throw new Failure({ code: 'command-missing', message: NO_GO.reason });
  const ran = await runCommand({
    argv: [GO, ...args],
    cwd,
    env: { ...proxies(), HOME: homedir(), GOFLAGS: '-mod=mod -buildvcs=false', ...env },
    stdout: 'capture',
  });
  return ran.stdout;
}

export function hasGo(): boolean {
  return GO !== undefined;
}

/** A copy of a module, without what it vendors: that is not in the module proxy's archives. */
export async function goModule(name: string, version: string): Promise<string | { readonly reason: string }> {
  if (GO === undefined) return NO_GO;
  const place = join(SUITES_CACHE, `${name.replaceAll('/', '-')}-${version}`);
  if (existsSync(place)) return place;
  mkdirSync(SUITES_CACHE, { recursive: true });
  try {
    const told = await go(SUITES_CACHE, ['mod', 'download', '-json', `${name}@${version}`]);
    const { Dir: from } = JSON.parse(told) as { Dir: string };
    const scratch = `${place}.${process.pid}`;
    cpSync(from, scratch, { recursive: true });
    await runCommand({ argv: ['chmod', '--recursive', 'u+w', scratch], cwd: SUITES_CACHE });
    rmSync(join(scratch, 'vendor'), { recursive: true, force: true });
    if (!existsSync(place)) renameSync(scratch, place);
    rmSync(scratch, { recursive: true, force: true });
    return place;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { reason: `the module ${name} ${version} cannot be had: ${error.message}` };
  }
}
