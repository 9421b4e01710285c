/**
 * What is left of a root that maintainer scripts made, and which machines cannot make one. The real thing, by mmdebstrap,
 * needs a mirror.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noProgram } from '../../../../test/support/no-program.ts';
import { TinyArchive } from '../../../../test/support/tiny-packages.ts';
import { Failure } from '../../../failure.ts';
import { JobBudget } from '../../../host/job-budget.ts';
import { runCommand } from '../../../host/process.ts';
import { thisHost } from '../../../host/this-host.ts';
import { readTreeIndex } from '../../../rootfs/tree-index.ts';
import { FileHashes } from '../../../stages/file-hashes.ts';
import { runStages } from '../../../stages/run-stages.ts';
import type { Stage } from '../../../stages/stage.ts';
import { cacheDirectory } from '../../../workspace/cache-directory.ts';
import { loadProject } from '../../../workspace/project.ts';
import { resolveWorkspace } from '../../../workspace/resolve-workspace.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import { debianEngine } from '../engine.ts';
import { readScriptsRoot } from './scripts-root.ts';
import { scriptsStage } from './scripts-stage.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'coracle scripts '));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function tarOf(files: Readonly<Record<string, string>>): Promise<string> {
  const root = join(directory, 'root');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (text.startsWith('-> ')) symlinkSync(text.slice(3), join(root, path));
    else writeFileSync(join(root, path), text);
  }
  const tar = join(directory, 'root.tar');
  await runCommand({ argv: ['tar', '-C', root, '-cf', tar, '.'], cwd: directory });
  return tar;
}

describe('readScriptsRoot', () => {
  it('takes away tools, what is a device’s own, and what only an installation needs', async () => {
    await using archive = await TinyArchive.make();
    const shared = { 'usr/share/shared': 'x' };
    const [kept] = await archive.unpacked({ name: 'kept', files: { ...shared, 'usr/bin/kept': '#!' } });
    const tool = { name: 'tool', files: { ...shared, 'usr/bin/tool': '#!', 'usr/lib/tool/data': 'x' } };
    const [tools] = await archive.unpacked(tool);
    if (kept === undefined || tools === undefined) throw new Error('no packages');
    const tar = await tarOf({
      'etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nkept:x:950:950::/:/bin/sh\n',
      'etc/group': 'root:x:0:\nkept:x:950:root\n',
      'etc/machine-id': '0123\n',
      'etc/ssh/ssh_host_rsa_key': 'secret',
      'etc/ssh/sshd_config': 'x',
      'etc/alternatives/tool': '-> /usr/bin/tool',
      'usr/bin/alternative': '-> /etc/alternatives/tool',
      'etc/systemd/system/bad.service': '-> /dev/null',
      'etc/systemd/system/x.target.wants/tool.service': '-> /usr/lib/systemd/system/tool.service',
      'usr/bin/kept': 'x',
      'usr/bin/tool': 'x',
      'usr/lib/tool/data': 'x',
      'usr/share/shared': 'x',
      'usr/share/doc/kept/copyright': 'x',
      'var/lib/dpkg/status': 'x',
      'var/log/dpkg.log': 'x',
      'tmp/file': 'x',
    });
    const { tree, accounts } = await readScriptsRoot(tar, {
      architecture: 'amd64',
      kept: [kept],
      tools: [tools],
      assumed: new Set(),
    });
    const files = tree.entries().flatMap((entry) => (entry.type === 'directory' ? [] : [entry.path]));
    expect(files).toEqual([
      '/etc/group',
      '/etc/machine-id',
      '/etc/passwd',
      '/etc/ssh/sshd_config',
      '/etc/systemd/system/bad.service',
      '/usr/bin/kept',
      '/usr/share/shared',
    ]);
    expect((await tree.read('/etc/machine-id')).toString()).toBe('');
    expect(tree.has('/usr/lib/tool')).toBe(false);
    expect(accounts.users.get('kept')).toMatchObject({ uid: 950 });
    expect(accounts.groups.get('kept')).toMatchObject({ members: ['root'] });
  });
});

function environment(cache: string) {
  return { installation: process.cwd(), project: directory, cache, offline: false, hashes: new FileHashes() };
}

async function run(stages: readonly Stage[]): Promise<void> {
  await runStages(stages, {
    workspace: join(directory, 'workspace'),
    name: 'test',
    report: () => undefined,
    signal: new AbortController().signal,
    jobs: new JobBudget(2),
  });
}

/** What a machine may lack. */
const NOT_HERE: readonly string[] = ['command-missing', 'no-namespaces'];

describe('scripts: run', () => {
  it('says at once that another architecture’s programs cannot run here', async (ctx) => {
    const arch = thisHost().arch === 'x86_64' ? 'arm64' : 'x86_64';
    const packages: Stage = {
      name: 'packages',
      title: 'none',
      needs: [],
      inputs: async () => [],
      run: async () => ({}),
    };
    const stage = scriptsStage({ arch } as ResolvedConfig, environment(directory), packages);
    const error = await run([stage]).then(
      () => undefined,
      (reason: unknown) => reason as { parts?: { code: string; hint?: string } },
    );
    if (error?.parts?.code !== 'foreign-scripts') ctx.skip('this machine has an emulator, or no mmdebstrap');
    expect(error?.parts?.hint).toContain('scripts: model');
  });

  it('makes a root like the composed one', { timeout: 900_000 }, async (ctx) => {
    const cache = cacheDirectory(process.env);
    writeFileSync(
      join(directory, 'coracle.yaml'),
      [
        'workspaces:',
        '  model: {layers: [base/mini, virt/qemu]}',
        '  run: {layers: [base/mini, virt/qemu], scripts: run}',
      ].join('\n'),
    );
    const roots = [];
    for (const name of ['model', 'run']) {
      const config = await resolveWorkspace(await loadProject(directory, {}, process.cwd()), name);
      try {
        await run(debianEngine.plan(config, environment(cache), '', noProgram).stages);
      } catch (error) {
        const { code, message } = error instanceof Failure ? error.parts : { code: '', message: '' };
        if (NOT_HERE.includes(code)) ctx.skip(message);
        throw error;
      }
      roots.push(await readTreeIndex(join(directory, 'workspace/stages/root/root.index')));
      rmSync(join(directory, 'workspace'), { recursive: true });
    }
    const [model, scripts] = roots.map((tree) => new Set(tree.entries().map((entry) => entry.path)));
    const lost = [...(model ?? [])].filter(
      (path) => scripts?.has(path) !== true && !/^\/etc\/(?:default|skel)$/.test(path),
    );
    expect(lost).toEqual([]);
  });
});
