import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Failures } from '../../../failure.ts';
import type { Layer } from '../../../layers/layer.ts';
import { readPackageLists } from './package-lists.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'coracle lists '));
});
afterEach(() => rmSync(directory, { recursive: true }));

function layer(name: string, text: string): Layer {
  const file = join(directory, name.replace('/', '-'));
  writeFileSync(file, text);
  return { name, contents: { debianPackages: [file] } } as unknown as Layer;
}

describe('readPackageLists', () => {
  it('reads names, pins and architectures, with the line of each', () => {
    const list =
      '# the engine\r\npodman=4.3.1+ds1-8 # pinned\r\n\r\ncrun/bookworm-backports\ng++\nintel-microcode [x86_64]';
    const requests = readPackageLists([layer('a/b', list)], 'x86_64');
    expect(requests.map(({ name, pin, line }) => [name, pin, line])).toEqual([
      ['podman', '=4.3.1+ds1-8', 2],
      ['crun', '/bookworm-backports', 4],
      ['g++', '', 5],
      ['intel-microcode', '', 6],
    ]);
  });

  it('leaves out what is for another architecture', () => {
    expect(
      readPackageLists([layer('a/b', 'one [x86_64]\ntwo [arm64, x86_64]\n')], 'arm64').map((one) => one.name),
    ).toEqual(['two']);
  });

  it('tells all lines that are no packages at once', () => {
    const list = 'good\nBad\nfoo-\n$(reboot)\nfoo bar\nfoo [mips]\n';
    const read = (): unknown => readPackageLists([layer('a/b', list)], 'x86_64');
    try {
      read();
      expect.unreachable();
    } catch (error) {
      const lines = (error as Failures).all.map(({ parts }) => [parts.code, parts.place?.line, parts.layer]);
      expect(lines).toEqual([2, 3, 4, 5, 6].map((line) => ['bad-package-line', line, 'a/b']));
    }
  });
});
