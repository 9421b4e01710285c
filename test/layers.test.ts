/** Layers through the command line: a project is started, looked at from all sides, broken, and mended. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { coracle } from './support/coracle.ts';
import { temporaryDirectory, treeOf, writeTree } from './support/files.ts';

const LIMIT_MS = 60_000;

describe('a new project', { timeout: LIMIT_MS }, () => {
  test('is good as it is, and takes another layer', async () => {
    const directory = temporaryDirectory();
    expect((await coracle(directory, ['new', 'project', 'My lamp'])).exitCode).toBe(0);
    const project = join(directory, 'My lamp');
    expect((await coracle(project, ['new', 'layer', 'my-lamp/driver'])).stdout).toContain(
      'layers/my-lamp/driver/layer.yaml',
    );

    const check = await coracle(project, ['check', 'my-lamp/hello', 'my-lamp/driver']);
    expect(check).toMatchObject({ exitCode: 0, stdout: '2 layers: no mistakes\n' });

    const resolved = await coracle(project, ['resolve', '--plain']);
    expect(resolved.stdout.trimEnd().split('\n').slice(-2)).toEqual(['apps/preload', 'my-lamp/hello']);

    const again = await coracle(directory, ['new', 'project', 'My lamp']);
    expect(again).toMatchObject({ exitCode: 1, stdout: '' });
    expect(again.stderr).toContain('there already');
  });

  test('has its schemas beside it, for editors', async () => {
    const directory = temporaryDirectory();
    await coracle(directory, ['new', 'project', '.']);
    await coracle(directory, ['new', 'layer', 'a/b']);
    for (const file of ['coracle.yaml', 'layers/a/b/layer.yaml']) {
      const text = readFileSync(join(directory, file), 'utf8');
      const schema = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1] ?? '';
      const path = join(directory, file, '..', schema);
      expect(JSON.parse(readFileSync(path, 'utf8'))).toHaveProperty('$schema');
    }
  });
});

describe('a project', { timeout: LIMIT_MS }, () => {
  const TREE = {
    'coracle.yaml': 'layers: [{path: .}]\nworkspaces:\n  a: {layers: [my/app]}\n',
    'layers/my/app/layer.yaml': 'description: An application\ndepends: [my/base]\n',
    'layers/my/app/kernel/app': 'CONFIG_A=y\n',
    'layers/my/base/layer.yaml': 'description: A base\nprovides: [base]\nunlisted: true\n',
  };

  test('is told about on stdout, as text or as data', async () => {
    const directory = treeOf(TREE);
    const text = await coracle(directory, ['resolve']);
    expect(text.stdout).toContain('my/base  needed by my/app');
    const data = JSON.parse((await coracle(directory, ['resolve', 'a', '--json'])).stdout);
    expect(data).toMatchObject({
      workspace: 'a',
      layers: [{ name: 'my/base', reason: 'dependency', of: 'my/app' }, {}],
    });
    expect((await coracle(directory, ['show', 'my/app'])).stdout).toContain('1 symbols: kernel/app');
    const layers = JSON.parse((await coracle(directory, ['layers', '--json'])).stdout) as { name: string }[];
    const names = layers.map(({ name }) => name);
    expect([names.includes('my/app'), names.includes('my/base')]).toEqual([true, false]);
  });

  test('with a layer that hides a shipped one says so, when it is made and when it is listed', async () => {
    const directory = treeOf({ ...TREE, 'layers/README': '' });
    const made = await coracle(directory, ['new', 'layer', 'core/podman']);
    expect(made).toMatchObject({ exitCode: 0 });
    expect(made.stderr).toMatch(
      /core\/podman hides the layer of that name that ships with Coracle \(\S+\/core\/podman\)/,
    );
    const { stdout } = await coracle(directory, ['layers']);
    expect(stdout).toMatch(/^ {2}core\/podman .* \[\.\] hides that of shipped layers$/m);
    expect(stdout.match(/ hides /g)).toHaveLength(1);
  });

  test('that is broken: every mistake with place, mark and hint, exit code 1, and no stack trace', async () => {
    const directory = treeOf(TREE);
    writeTree(directory, {
      'coracle.yaml': 'layers: [{path: .}]\nworkspaces:\n  a: {layers: [my/ap], engin: debian}\n',
      'layers/my/app/layer.yaml': 'description: [\n',
    });
    const { exitCode, stderr, stdout } = await coracle(directory, ['resolve']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('coracle.yaml:3:24');
    expect(stderr).toMatch(/\|\s+\^{5}\n/);
    expect(stderr).toContain('did you mean engine?');
    expect(stderr).not.toMatch(/^\s+at .*\.ts:/m);
    writeTree(directory, { 'coracle.yaml': TREE['coracle.yaml'] });
    const check = await coracle(directory, ['check', 'my/app', 'my/base', 'no/such', 'a b']);
    expect(check.exitCode).toBe(1);
    expect(check.stdout).toBe('4 layers: 3 mistakes\n');
    for (const words of ['layers/my/app/layer.yaml:2:1', 'there is no layer no/such', '"a b" is not a layer name']) {
      expect(check.stderr).toContain(words);
    }
  });
});
