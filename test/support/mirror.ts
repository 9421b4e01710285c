/**
 * A mirror of Debian's archive on the loopback interface, with the packages of a cache, that misbehaves as told. The
 * project is made to use it, its lock included, so that nothing has to be resolved anew.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { downloadPath } from '../../cli/engines/debian/apt/download.ts';
import { workspaceRequest } from '../../cli/engines/debian/package-request.ts';
import { lockFilePath, readLockFile } from '../../cli/workspace/lock-file.ts';
import { loadProject } from '../../cli/workspace/project.ts';
import { resolveWorkspace } from '../../cli/workspace/resolve-workspace.ts';

/** `cut` ends in the middle, `other` has other bytes of the same length, `hang` sends half and then nothing. */
export type Manner = 'good' | 'cut' | 'other' | 'gone' | 'broken' | 'hang';

export interface Mirror {
  manner: Manner;
  /** Paths asked for. */
  readonly asked: readonly string[];
  /** For children: the host's proxy, if it has one, does not reach this machine's loopback interface. */
  readonly variables: Readonly<Record<string, string>>;
}

const INSTALLATION = fileURLToPath(new URL('../..', import.meta.url));

/** @param cache what it serves from: packages that the project's lock names */
export async function startMirror(project: string, cache: string): Promise<Mirror> {
  const packages = (await readLockFile(project)).debian['small']?.packages ?? [];
  const asked: string[] = [];
  const mirror = { manner: 'good' as Manner, asked, variables: { no_proxy: '127.0.0.1' } };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    asked.push(path);
    const one = packages.find(({ uri }) => path.endsWith(uri.slice(uri.indexOf(':') + 1)));
    const file = downloadPath(cache, one?.sha256 ?? '');
    if (mirror.manner === 'gone' || !existsSync(file)) return response.writeHead(404).end();
    if (mirror.manner === 'broken') return response.writeHead(500).end();
    const whole = readFileSync(file);
    response.writeHead(200, { 'content-length': whole.length });
    if (mirror.manner === 'good') return response.end(whole);
    if (mirror.manner === 'other') return response.end(Buffer.alloc(whole.length, 'x'));
    return response.write(whole.subarray(0, whole.length / 2), () => {
      if (mirror.manner === 'cut') response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await useMirror(project, `http://127.0.0.1:${(server.address() as AddressInfo).port}/debian`);
  return mirror;
}

async function useMirror(project: string, address: string): Promise<void> {
  const file = join(project, 'coracle.yaml');
  writeFileSync(file, `${readFileSync(file, 'utf8')}    debian: {mirror: '${address}'}\n`);
  const before = (await readLockFile(project)).debian['small']?.request ?? '';
  const config = await resolveWorkspace(await loadProject(project, {}, INSTALLATION), 'small');
  const lock = lockFilePath(project);
  writeFileSync(lock, readFileSync(lock, 'utf8').replace(before, workspaceRequest(config).hash));
}
