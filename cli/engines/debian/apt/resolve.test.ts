/** Against a real mirror; skipped, and said so, where none can be reached. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Failure, Failures } from '../../../failure.ts';
import type { Architecture } from '../../../layers/layer.ts';
import { PrivateApt } from './private-apt.ts';
import { type ResolveRequest, resolvePackages } from './resolve.ts';
import { archiveSources } from './sources.ts';

let cache: string;
let unreachable: string | undefined;
const apts = new Map<Architecture, PrivateApt>();

beforeAll(async () => {
  cache = mkdtempSync(join(tmpdir(), 'coracle resolve '));
  try {
    for (const arch of ['x86_64', 'arm64'] as const) {
      const apt = await PrivateApt.open({ cache, arch, sources: await archiveSources({}) });
      await apt.update();
      apts.set(arch, apt);
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    unreachable = error.parts.message;
    process.stderr.write(`skipped: resolving against a real mirror: ${unreachable}\n`);
  }
}, 120_000);
afterAll(() => rmSync(cache, { recursive: true, force: true }));

function request(names: readonly string[], more: Partial<ResolveRequest> = {}): ResolveRequest {
  const packages = names.map((written, index) => {
    const [name = '', pin = ''] = written.split(/(?=[=/])/);
    return { name, pin, layer: 'my/layer', file: '/layers/my/layer/debian/list', line: index + 1 };
  });
  return { packages, assume: [], beside: [], tools: false, ...more };
}

async function resolve(arch: Architecture, asked: ResolveRequest) {
  const apt = apts.get(arch);
  if (apt === undefined) throw new Error('no apt');
  return resolvePackages(apt, asked);
}

async function failures(asked: ResolveRequest): Promise<readonly Failure[]> {
  try {
    await resolve('x86_64', asked);
  } catch (error) {
    return error instanceof Failures ? error.all : [error as Failure];
  }
  return [];
}

beforeEach((context) => context.skip(unreachable !== undefined, unreachable));

describe('resolvePackages', () => {
  it.each(['x86_64', 'arm64'] as const)(
    'finds the closure for %s, with hashes and places in the archive',
    async (arch) => {
      const found = await resolve(arch, request(['crun']));
      const names = found.map((one) => one.name);
      expect(names).toContain('libc6');
      expect(names).toEqual(names.toSorted());
      for (const one of found) {
        expect(one.sha256).toMatch(/^[0-9a-f]{64}$/);
        expect(one.uri).toMatch(/^debian(?:-security)?:pool\/.*\.deb$/);
        expect(['all', arch === 'arm64' ? 'arm64' : 'amd64']).toContain(one.arch);
      }
    },
  );

  it('leaves out what counts as installed, and what only that would have brought', async () => {
    const assume = ['libsystemd0', 'libseccomp2'].map((name) => ({ name }));
    const names = (await resolve('x86_64', request(['crun'], { assume }))).map((one) => one.name);
    expect(names).not.toContain('libsystemd0');
    expect(names).not.toContain('liblz4-1');
    expect(names).toContain('libyajl2');
  });

  it('follows a kernel’s empty package, without its dependencies, beside the root', async () => {
    const found = await resolve('x86_64', request([], { beside: [{ name: 'linux-image-cloud-amd64' }] }));
    expect(found.every((one) => one.beside === true)).toBe(true);
    const [kernel, meta, ...others] = found.map((one) => one.name);
    expect(kernel).toMatch(/^linux-image-\d.*-cloud-amd64$/);
    expect([meta, ...others]).toEqual(['linux-image-cloud-amd64']);
  });

  it('adds what scripts need to run, marked', async () => {
    const found = await resolve('x86_64', request(['crun'], { tools: true }));
    const tools = found.filter((one) => one.tool === true).map((one) => one.name);
    expect(tools).toEqual(expect.arrayContaining(['dash', 'dpkg', 'perl-base', 'usr-is-merged']));
    expect(tools).not.toContain('libyajl2');
  });

  it('says of each package that does not exist where it was asked for, and what it may have been meant to be', async () => {
    const found = await failures(request(['crun', 'podmn', 'mail-transport-agent']));
    expect(found.map(({ parts }) => [parts.code, parts.layer, parts.place?.line])).toEqual([
      ['unknown-package', 'my/layer', 2],
      ['unknown-package', 'my/layer', 3],
    ]);
    expect(found[0]?.parts.hint).toContain('podman');
    expect(found[1]?.parts.cause).toMatch(/virtual package, provided by .*postfix/);
  });

  it.each([
    ['a version', 'crun=0.0.1'],
    ['a suite', 'crun/nosuch'],
  ])('says that %s is not there', async (_, written) => {
    const [failure] = await failures(request([written]));
    expect(failure?.parts).toMatchObject({ code: 'packages-unresolved', layer: 'my/layer', place: { line: 1 } });
  });

  it('passes on what apt says of packages that exclude each other', async () => {
    const [failure] = await failures(request(['postfix', 'exim4-daemon-light']));
    expect(failure?.parts.cause).toMatch(/unmet dependencies|Conflicts|pkgProblemResolver|held broken/);
  });
});
