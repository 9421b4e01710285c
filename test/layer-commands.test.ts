/** Commands of layers, of both forms, by the real program. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { coracle } from './support/coracle.ts';
import { type Tree, treeOf } from './support/files.ts';

const LIMIT_MS = 60_000;

const PROJECT: Tree = {
  'coracle.yaml': [
    'layers: [{path: their}, {path: own}]',
    'workspaces:',
    '  lamp: {layers: [my/lamp], arch: arm64}',
    '  board: {layers: [some/board, some/app], engine: buildroot}',
    '',
  ].join('\n'),
  'own/my/lamp/layer.yaml':
    'description: x\nprovides: [base]\ncommands: {flash: Write it to the lamp, show: Print, gone: Nothing}\n',
  'own/my/lamp/extensions/show.sh': {
    program: '#!/bin/sh\nprintf "[%s]" "$PWD" "$@" "$CORACLE_LAYER" "$CORACLE_ENGINE" "$OWN"; cat\n',
  },
  'own/my/lamp/extensions/flash': '#!/bin/sh\n',
  'their/some/board/metadata/description': 'A board\n',
  'their/some/board/metadata/commands': 'format Formats a card.\nrun Runs it, quickly\nnothing Not there\n',
  'their/some/board/extensions/Makefile': [
    'format:',
    '\t@"$(SKIFF_CURRENT_CONF_DIR)/scripts/format.sh"',
    'run install:',
    '\t@echo "[$@] $$CARD"; exit 3',
    'ALIAS := format',
    '.PHONY: format',
    '',
  ].join('\n'),
  'their/some/board/scripts/format.sh': {
    program: '#!/bin/sh\nenv | grep -E "^(SKIFF|BUILDROOT|CORACLE|CARD|BINARIES)" | sort\n',
  },
  'their/some/app/metadata/description': 'An application\n',
};

describe('commands of layers', { timeout: LIMIT_MS }, () => {
  test('are listed with what they do; those that nothing runs are not', async () => {
    const project = treeOf(PROJECT);
    const board = await coracle(project, ['cmd', '-w', 'board']);
    expect(board.stdout).toBe('some/board/format  Formats a card.\nsome/board/run     Runs it, quickly\n');
    const { stdout } = await coracle(project, ['cmd', '--json']);
    const commands = (JSON.parse(stdout) as { command: string }[]).map(({ command }) => command);
    expect(commands).toEqual(
      expect.arrayContaining(['my/lamp/flash', 'my/lamp/show', 'some/board/format', 'some/board/run']),
    );
    expect(commands).not.toContain('my/lamp/gone');
    expect((await coracle(project, ['cmd', 'some/app'])).stdout).toBe('no layer has a command\n');
  });

  test('of ours are executables, with the words behind their name and the directory, input and variables of the user', async () => {
    const project = treeOf({ ...PROJECT, 'sub/x': '' });
    const cwd = join(project, 'sub');
    const args = ['cmd', '-w', 'lamp', 'my/lamp/show', '--json', 'a b', '--help'];
    const ran = await coracle(cwd, args, { OWN: 'mine' }, ['/bin/sh', '-c', 'echo yes | "$@"', 'sh']);
    expect(ran.stdout).toBe(`[${cwd}][--json][a b][--help][my/lamp][debian][mine]yes\n`);
    expect(ran.exitCode).toBe(0);
  });

  test('of SkiffOS are targets of a Makefile, with its environment', async () => {
    const project = treeOf(PROJECT);
    const ran = await coracle(project, ['cmd/some/board/format', 'CARD=/dev/card'], { SKIFF_NO_INTERACTIVE: '1' });
    expect(ran.stderr).toContain('coracle cmd --workspace NAME some/board/format');
    const { stdout } = await coracle(
      project,
      ['cmd', '--workspace', 'board', 'some/board/format', 'CARD=/dev/a card'],
      { SKIFF_NO_INTERACTIVE: '1' },
    );
    const variables = Object.fromEntries(stdout.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2)));
    const output = join(project, 'workspaces/board/buildroot/output');
    expect(variables).toMatchObject({
      BUILDROOT_DIR: output,
      BINARIES_DIR: join(output, 'images'),
      CARD: '/dev/a card',
      CORACLE_LAYER: 'some/board',
      SKIFF_BUILDROOT_DIR: output,
      SKIFF_CONFIG: 'some/board,some/app',
      SKIFF_CONFIG_PATH: `${join(project, 'their/some/board')} ${join(project, 'their/some/app')}`,
      SKIFF_CURRENT_CONF_DIR: join(project, 'their/some/board'),
      SKIFF_CURRENT_CONF_NAME: 'some/board',
      SKIFF_CURRENT_CONF_NAME_FULL: 'SKIFF_CONFIG_PATH_SOME_BOARD',
      SKIFF_NO_INTERACTIVE: '1',
      SKIFF_ROOT_DIR: project,
      SKIFF_WORKSPACE: 'board',
    });
  });

  test('that SkiffOS runs without their being named run here too, and a failure is one', async () => {
    const project = treeOf(PROJECT);
    const ran = await coracle(project, ['cmd', '-w', 'board', 'some/board/install'], { CARD: 'x' });
    expect(ran).toMatchObject({ exitCode: 1 });
    expect(ran.stdout).toBe('[install] x\n');
    expect(ran.stderr).toContain('error: some/board/install ended with exit code 2');
    expect(ran.stderr).toContain('their/some/board/extensions/Makefile');
  });

  test.each([
    ['my/lamp/shwo', 'did you mean show?'],
    ['my/lmap/show', 'did you mean my/lamp?'],
    ['some/board/formt', 'did you mean format?'],
    ['some/board/ALIAS', 'some/board has no command ALIAS'],
    ['some/board/.PHONY', 'some/board has no command .PHONY'],
    ['some/board/nothing', 'has nothing that runs it'],
    ['my/lamp/flash', 'chmod +x it'],
    ['lamp', '"lamp/" is not a layer name'],
  ])('%s is a mistake that is explained', async (name, said) => {
    const ran = await coracle(treeOf(PROJECT), ['cmd', '-w', 'board', name]);
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ran.stderr).toContain(said);
  });

  test('take nothing but variables where make runs them', async () => {
    const ran = await coracle(treeOf(PROJECT), ['cmd', '-w', 'board', 'some/board/format', '-n', 'all']);
    expect(ran.stderr).toContain('NAME=value, and not -n');
  });
});
