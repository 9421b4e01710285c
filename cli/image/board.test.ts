import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Layer } from '../layers/layer.ts';
import { boardFile, readBoard } from './board.ts';
import { fixtureConfig, fixtureLayer } from './image-fixture.ts';

const BOARD_SUPPORT = join(import.meta.dirname, '../../board-support');

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'coracle-board-'));
  write('board-support/generic/image.yaml', 'description: any\nboot: systemd-boot\n');
});
afterEach(() => rmSync(top, { recursive: true }));

function write(path: string, text: string): string {
  mkdirSync(dirname(join(top, path)), { recursive: true });
  writeFileSync(join(top, path), text);
  return join(top, path);
}

function boardOf(...layers: readonly Layer[]) {
  return boardFile(fixtureConfig({ workspace: top, layers }), top);
}

const PROVIDES_BOARD = { provides: [{ value: 'board', place: { file: 'layer.yaml' } }] };

describe('the file', () => {
  it('of a shipped board is in board-support', () => {
    const path = write('board-support/my/board/image.yaml', '');
    expect(boardOf(fixtureLayer('my/board', join(top, 'x'), PROVIDES_BOARD), fixtureLayer('my/app', top))).toEqual({
      name: 'my/board',
      path,
    });
  });

  it('of any other is in the resources of its layer', () => {
    const layer = fixtureLayer('my/board', join(top, 'x'), PROVIDES_BOARD);
    const path = write('x/resources/image.yaml', '');
    const contents = { ...layer.contents, resources: join(top, 'x/resources') };
    expect(boardOf({ ...layer, contents })).toEqual({ name: 'my/board', path });
  });

  it('is the generic one where a board says nothing and where there is no board', () => {
    const generic = join(top, 'board-support/generic/image.yaml');
    expect(boardOf(fixtureLayer('my/board', join(top, 'x'), PROVIDES_BOARD))).toEqual({
      name: 'my/board',
      path: generic,
    });
    expect(boardOf()).toEqual({ name: 'generic', path: generic });
  });
});

describe('its content', () => {
  const read = (text: string) => readBoard({ name: 'my/board', path: write('image.yaml', text) }, 'arm64');

  it('has kernel parameters for all architectures or for each', () => {
    expect(read('description: x\nboot: systemd-boot\nkernelParameters: [a=1, b]\n').kernelParameters).toEqual([
      'a=1',
      'b',
    ]);
    const each = 'description: x\nboot: systemd-boot\nkernelParameters: {arm64: [c], x86_64: [d]}\n';
    expect(read(each).kernelParameters).toEqual(['c']);
    expect(read('description: x\nboot: systemd-boot\n')).toEqual({
      name: 'my/board',
      boot: 'systemd-boot',
      kernelParameters: [],
    });
  });

  it.each([
    ['description: x\nboot: grub\n', 'bad-value', 2],
    ['description: x\nboot: systemd-boot\nkernelparameters: []\n', 'unknown-key', 3],
    ['description: x\nboot: systemd-boot\nkernelParameters: ["a b"]\n', 'bad-value', 3],
    ['description: x\n', 'missing-key', 1],
    ['description: [x\n', 'broken-yaml', 2],
  ])('%j is refused with its place', (text, code, line) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ parts: expect.objectContaining({ code, place: expect.objectContaining({ line }) }) }),
    );
  });

  it('of every shipped board is in order, and lets no torn partition table and no panic be the end of it', () => {
    const files = readdirSync(BOARD_SUPPORT, { recursive: true, encoding: 'utf8' });
    const boards = files.filter((file) => file.endsWith('image.yaml'));
    expect(boards.length).toBeGreaterThan(1);
    for (const file of boards) {
      for (const arch of ['x86_64', 'arm64'] as const) {
        const { kernelParameters } = readBoard({ name: dirname(file), path: join(BOARD_SUPPORT, file) }, arch);
        expect(kernelParameters, file).toEqual(expect.arrayContaining(['gpt', 'panic=5']));
      }
    }
  });
});
