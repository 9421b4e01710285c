import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fakeWorkspace } from '../../../../test/support/fake-workspace.ts';
import { temporaryDirectory, treeOf, writeTree } from '../../../../test/support/files.ts';
import { Failure, type FailureParts } from '../../../failure.ts';
import { assignmentsOf, parseFragment } from '../../../kconfig/fragment.ts';
import { mergeAssignments } from '../../../kconfig/merge.ts';
import { FileHashes } from '../../../stages/file-hashes.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import { buildPlaces } from '../build-places.ts';
import { hookScripts } from '../layer-files/scripts.ts';
import { buildFailure, MakeOutput } from './build-failure.ts';
import type { PackageInfo } from './package-info.ts';

const HELLO: PackageInfo = {
  ...{ type: 'target', name: 'hello', version: '1.0', build_dir: 'build/hello-1.0' },
  ...{ dependencies: [], reverse_dependencies: [] },
};

/** A workspace whose layer asks for hello, and has the given patches for it. */
function workspace(patches: readonly string[] = [], mirror?: string): ResolvedConfig {
  const config = fakeWorkspace([{ name: 'my/app' }, { name: 'my/fix' }]);
  const place = { layer: 'my/app', file: '/layers/my/app/buildroot/app', namespace: 'buildroot' } as const;
  const { buildroot } = config.settings;
  return {
    ...config,
    layers: config.layers.map(({ layer, reason }) => {
      const files =
        layer.name === 'my/fix' ? patches.map((name) => join(layer.directory, 'buildroot_patches', name)) : [];
      const contents = { ...layer.contents, patches: { ...layer.contents.patches, buildroot: files } };
      return { layer: { ...layer, contents }, reason };
    }),
    symbols: {
      ...config.symbols,
      buildroot: mergeAssignments(assignmentsOf(parseFragment('BR2_PACKAGE_HELLO=y\n', place))),
    },
    settings: { ...config.settings, buildroot: { ...buildroot, ...(mirror === undefined ? {} : { mirror }) } },
  };
}

interface Failed {
  readonly step?: string;
  readonly lines: readonly string[];
  readonly directory?: string;
  readonly config?: ResolvedConfig;
  readonly offline?: boolean;
}

function told({ step, lines, directory = '/w', config = workspace(), offline = false }: Failed): FailureParts {
  const output = new MakeOutput();
  for (const line of lines) output.take(line);
  const environment = { installation: '/i', project: '/p', cache: '/c', offline, hashes: new FileHashes() };
  return buildFailure(new Failure({ code: 'command-failed', message: 'make ended with exit code 2' }), {
    ...{ config, output, infos: new Map([['hello', HELLO]]) },
    at: step === undefined ? undefined : { time: 0, edge: 'start', step, package: 'hello' },
    make: { places: buildPlaces(directory), environment },
  }).parts;
}

describe('a patch that does not apply', () => {
  const HUNK = ['>>> hello 1.0 Patching', 'Applying 0002-b.patch using patch: ', 'Hunk #1 FAILED at 1.'];

  function failedAt(...patches: readonly string[]): FailureParts {
    const directory = temporaryDirectory();
    const list = patches.map((path) =>
      path.replace('{layers}', join(buildPlaces(directory).layers, 'patches/packages')),
    );
    writeTree(directory, { 'buildroot/output/build/hello-1.0/.applied_patches_list': `${list.join('\n')}\n` });
    return told({
      step: 'patch',
      lines: HUNK,
      directory,
      config: workspace(['hello/0001-a.patch', 'hello/0002-b.patch']),
    });
  }

  test('is named, with the layer that has it', () => {
    const names = ['0001-a.patch', '0002-b.patch'].map((name) => `{layers}/1-my-fix/hello/${name}`);
    expect(failedAt(...names)).toMatchObject({
      code: 'patch-failed',
      message: 'the patch hello/0002-b.patch does not apply to hello 1.0',
      place: { file: '/layers/my/fix/buildroot_patches/hello/0002-b.patch' },
      layer: 'my/fix',
      cause: 'Hunk #1 FAILED at 1.',
      hint: expect.stringContaining('my/app asks for it (BR2_PACKAGE_HELLO=y)'),
    });
  });

  test('is named where the tree, or a BR2_EXTERNAL tree of a layer, has it', () => {
    const inTree = {
      message: 'the patch 1.patch does not apply to hello 1.0',
      place: { file: '/br/package/hello/1.patch' },
    };
    expect(failedAt('/br/package/hello/1.patch')).toMatchObject(inTree);
    expect(failedAt('/layers/my/fix/buildroot_ext/package/hello/1.patch')).toMatchObject({ layer: 'my/fix' });
  });
});

describe('a hook that fails', () => {
  const begun = ['>>> coracle-hook post-build of my/app', 'oh no'];

  test.each([
    [['coracle-hook-exit-code: 3'], 'hook-failed', 'hook post-build of my/app ended with exit code 3'],
    [
      ['coracle-hook-exit-code: 124'],
      'hook-timeout',
      'hook post-build of my/app did not end within 600 s and was stopped',
    ],
    [[], 'hook-failed', 'hook post-build of my/app ended with an error'],
  ])('says how it ended: %j', (more, code, message) => {
    expect(told({ lines: [...begun, ...more] })).toMatchObject({ code, message, layer: 'my/app', cause: 'oh no' });
  });

  test('what make says of it is not what it said', () => {
    for (const target of ['fs/tar/tar.mk:38: /w/rootfs.tar', 'Makefile:848: target-post-image']) {
      const lines = [...begun, 'coracle-hook-exit-code: 3', `make: *** [${target}] Error 3`];
      expect(told({ lines }).cause).toBe('oh no');
    }
  });

  test('in its script, and nothing after it runs', () => {
    const hook = treeOf({ hook: { program: '#!/bin/sh\nexit 7\n' } });
    const config = fakeWorkspace([{ name: 'my/app' }, { name: 'my/next' }], {});
    const layers = config.layers.map(({ layer, reason }) => {
      const contents = { ...layer.contents, hooks: { 'post-build': join(hook, 'hook') } };
      return { layer: { ...layer, contents }, reason };
    });
    const scripts = hookScripts({ ...config, engine: 'buildroot', layers }, buildPlaces('/w'), new FileHashes());
    const script = writeTree(temporaryDirectory(), { script: { program: [...scripts.values()].join('') } });
    const { status, stdout } = spawnSync(join(script, 'script'), [script], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({
      status: 7,
      stdout: '>>> coracle-hook post-build of my/app\ncoracle-hook-exit-code: 7\n',
    });
  });
});

describe('a download that fails', () => {
  const lines = ['>>> hello 1.0 Downloading', "wget: unable to resolve host address 'hello.example'"];

  test('is told with what else there is to ask', () => {
    const hints = (more: Partial<Failed>) => told({ step: 'download', lines, ...more }).hint;
    expect(hints({})).toContain('buildroot: {mirror: URL}');
    expect(hints({})).toContain('coracle source');
    expect(hints({ config: workspace([], 'http://mirror.example') })).toContain('http://mirror.example');
    expect(hints({ offline: true })).toContain('coracle source');
    expect(hints({ offline: true })).not.toContain('mirror');
    expect(hints({ lines: ['ERROR: hello-1.0.tar.gz has wrong sha256 hash:'] })).not.toContain('mirror');
  });

  test('and what fails to compile is not', () => {
    const hint = told({ step: 'build', lines: ['hello.c: error: no'] }).hint;
    expect(hint).toBe('hello: my/app asks for it (BR2_PACKAGE_HELLO=y)');
  });
});
