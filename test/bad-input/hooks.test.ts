/** Hooks that go wrong at every moment of a build: the layer, the hook and what it said; no result and no child is left. */
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { coracle } from '../support/coracle.ts';
import { writeTree } from '../support/files.ts';
import { isRunning } from '../support/processes.ts';
import { expectRefused, listing, TALK } from '../support/refused.ts';
import { builtProject, CACHE } from '../support/small-project.ts';

const copyOfBuilt = builtProject();
const MOMENTS = ['pre', 'root', 'image', 'post'] as const;

describe.each(MOMENTS)('a %s hook', (moment) => {
  const file = `layers/my/app/hooks/${moment}.sh`;
  const build = (project: string, more: Readonly<Record<string, string>> = {}) =>
    coracle(project, ['build', 'small', '--offline'], { ...CACHE, ...more });

  test('that fails', async (context) => {
    const project = copyOfBuilt(context);
    writeTree(project, {
      // A pre hook works in the workspace itself: what it leaves there is its own.
      [file]: {
        program: `#!/bin/sh\n${moment === 'pre' ? '' : 'touch half-made'}\necho "the lamp is missing" >&2\nexit 3\n`,
      },
    });
    const before = listing(project, TALK);
    const ran = await build(project);
    expectRefused(ran, [
      `hook ${moment} of my/app ended with exit code 3`,
      `at ${file}`,
      'layer: my/app',
      'the lamp is missing',
      'log: workspaces/small/logs/',
      'try again: coracle build small',
    ]);
    expect(listing(project, TALK)).toEqual(before);
    const log = /log: (\S+)/.exec(ran.stderr)?.[1] ?? '';
    expect(readFileSync(join(project, log), 'utf8')).toContain('the lamp is missing');
  });

  test('that is not executable', async (context) => {
    const project = copyOfBuilt(context);
    writeTree(project, { [file]: { program: '#!/bin/sh\n' } });
    chmodSync(join(project, file), 0o644);
    const before = listing(project, TALK);
    expectRefused(await build(project), [`hook ${moment} of my/app is not executable`, `at ${file}`, 'chmod +x']);
    expect(listing(project, TALK)).toEqual(before);
  });

  test('that hangs is ended with all that it started', async (context) => {
    const project = copyOfBuilt(context);
    writeTree(project, {
      [file]: { program: `#!/bin/sh\necho started\nsleep 1000 &\necho $! >"${join(project, 'child')}"\nwait\n` },
    });
    const before = listing(project, TALK);
    expectRefused(await build(project, { CORACLE_HOOK_TIMEOUT: '1' }), [
      `hook ${moment} of my/app did not end within 1 s and was stopped`,
      `at ${file}`,
      'started',
      'CORACLE_HOOK_TIMEOUT=<seconds> allows more',
    ]);
    const { child, ...after } = listing(project, TALK);
    expect(child).toBeDefined();
    expect(after).toEqual(before);
    expect(isRunning(Number(readFileSync(join(project, 'child'), 'utf8')))).toBe(false);
  });

  test('that is mended runs, and once', async (context) => {
    const project = copyOfBuilt(context);
    const marks = join(project, 'marks');
    writeTree(project, { [file]: { program: '#!/bin/sh\nexit 1\n' } });
    expect((await build(project)).exitCode).toBe(1);
    writeTree(project, { [file]: `#!/bin/sh\necho x >>"${marks}"\n` });
    expect(await build(project)).toMatchObject({ exitCode: 0 });
    expect(await build(project)).toMatchObject({ exitCode: 0 });
    expect(existsSync(marks) && readFileSync(marks, 'utf8')).toBe('x\n');
  });
});

test('a time limit that is no number of seconds is refused', async (context) => {
  const project = copyOfBuilt(context);
  writeTree(project, { 'layers/my/app/hooks/root.sh': { program: '#!/bin/sh\n' } });
  const ran = await coracle(project, ['build', 'small', '--offline'], { ...CACHE, CORACLE_HOOK_TIMEOUT: 'soon' });
  expectRefused(ran, ['CORACLE_HOOK_TIMEOUT', 'soon']);
});

test('a root hook that removes what boots', async (context) => {
  const project = copyOfBuilt(context);
  const file = 'layers/my/app/hooks/root.sh';
  const before = listing(join(project, 'workspaces/small/stages'));
  for (const [does, wrong] of [
    ['rm -rf "$CORACLE_ROOT"/*', 'it has no /sbin/init'],
    [
      'rm "$CORACLE_ROOT/usr/bin/busybox"',
      '/sbin/init (layer base/mini) is a link to ../bin/busybox, which is not there',
    ],
  ] as const) {
    writeTree(project, { [file]: { program: `#!/bin/sh\n${does}\n` } });
    const ran = await coracle(project, ['build', 'small', '--offline'], CACHE);
    expectRefused(ran, [`the root cannot boot: ${wrong}`, 'base/systemd or base/mini', 'hook']);
    expect(listing(join(project, 'workspaces/small/stages'))).toEqual(before);
  }
});

test('a post hook that takes the image away', async (context) => {
  const project = copyOfBuilt(context);
  writeTree(project, { 'layers/my/app/hooks/post.sh': { program: '#!/bin/sh\nrm slot/manifest.json\n' } });
  const ran = await coracle(project, ['build', 'small', '--offline'], CACHE);
  expectRefused(ran, ['slot/manifest.json is missing', 'coracle build small']);
});
