/** Fragments as editors, other systems and mistakes leave them: what they mean is kept, whatever they look like. */
import { describe, expect, test } from 'vitest';
import { coracle } from '../support/coracle.ts';
import { type Tree, treeOf, writeTree } from '../support/files.ts';
import { expectRefused, listing, TALK } from '../support/refused.ts';
import { builtProject, CACHE } from '../support/small-project.ts';

const PROJECT: Tree = {
  'coracle.yaml': 'layers: [{path: layers}]\nworkspaces:\n  a: {layers: [my/board, my/app]}\n',
  'layers/my/board/layer.yaml': 'description: A board\nprovides: [board, base]\n',
  'layers/my/board/kernel/board': 'CONFIG_A=y\nCONFIG_B=m\n',
  'layers/my/app/layer.yaml': 'description: An application\n',
};
const APP = 'layers/my/app/kernel/app';

interface Explained {
  readonly value: string;
  readonly chain: readonly {
    readonly layer: string;
    readonly line: number;
    readonly value: string;
    readonly wins: boolean;
  }[];
}

async function explain(project: string, symbol: string): Promise<Explained | undefined> {
  const ran = await coracle(project, ['explain', symbol, 'a', '--json']);
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
  return (JSON.parse(ran.stdout) as Explained[])[0];
}

describe('a fragment', () => {
  test('with CRLF, without a last newline, with blanks and a byte order mark', async () => {
    const project = treeOf({
      ...PROJECT,
      [APP]: '\ufeffCONFIG_A=m\r\n\r\n  # CONFIG_B is not set  \r\nCONFIG_C="a b"\r\nCONFIG_D=0x1F',
    });
    expect((await explain(project, 'CONFIG_A'))?.value).toBe('m');
    expect((await explain(project, 'CONFIG_B'))?.value).toBe('n');
    expect((await explain(project, 'CONFIG_C'))?.value).toBe('"a b"');
    expect(await explain(project, 'CONFIG_D')).toMatchObject({ value: '0x1F', chain: [{ line: 5 }] });
  });

  test('with duplicate and contradictory lines: the last one wins, and the whole chain is told', async () => {
    const project = treeOf({
      ...PROJECT,
      [APP]: 'CONFIG_A=y\nCONFIG_A=y\nCONFIG_A=m\n# CONFIG_A is not set\nCONFIG_B=m\n',
    });
    expect(await explain(project, 'CONFIG_A')).toMatchObject({
      value: 'n',
      chain: [
        { layer: 'my/board', line: 1, value: 'y', wins: false },
        { layer: 'my/app', line: 1, value: 'y', wins: false },
        { layer: 'my/app', line: 2, value: 'y', wins: false },
        { layer: 'my/app', line: 3, value: 'm', wins: false },
        { layer: 'my/app', line: 4, value: 'n', wins: true },
      ],
    });
  });

  test('of 10 MB', async () => {
    const lines = Array.from({ length: 400_000 }, (_, index) => `CONFIG_SYMBOL_NUMBER_${index % 100_000}=${index}\n`);
    const text = lines.join('');
    expect(text.length).toBeGreaterThan(10 << 20);
    const project = treeOf({ ...PROJECT, [APP]: text });
    const found = await explain(project, 'CONFIG_SYMBOL_NUMBER_99999');
    expect(found?.value).toBe('399999');
    expect(found?.chain.map(({ line }) => line)).toEqual([100_000, 200_000, 300_000, 400_000]);
  });

  test('of one line of 10 MB, and one of junk', async () => {
    const project = treeOf({ ...PROJECT, [APP]: `CONFIG_A="${'x'.repeat(10 << 20)}"\n` });
    expect((await explain(project, 'CONFIG_A'))?.value).toHaveLength((10 << 20) + 2);
    const junk = treeOf({ ...PROJECT, [APP]: `${'x'.repeat(10 << 20)}\n` });
    const ran = await coracle(junk, ['explain', 'CONFIG_A', 'a']);
    expectRefused(ran, [`at ${APP}:1`, 'layer: my/app']);
    expect(ran.stderr.length).toBeLessThan(2000);
  });

  test('that is empty, or nothing but comments', async () => {
    const project = treeOf({ ...PROJECT, [APP]: '', 'layers/my/app/kernel/other': '# nothing\n\n#\n' });
    expect((await explain(project, 'CONFIG_A'))?.value).toBe('y');
  });

  test.each([
    ['a value without quotes', 'CONFIG_C=a b\n', [`at ${APP}:1`]],
    ['a quote that is not closed', 'CONFIG_C="a\n', [`at ${APP}:1`]],
    ['a name in lower case', 'config_a=y\n', [`at ${APP}:1`]],
    ['a symbol of another configuration', 'BR2_PACKAGE_X=y\n', [`at ${APP}:1`, 'buildroot']],
    ['a line of a shell', 'CONFIG_C=$(touch pwned)\n', [`at ${APP}:1`]],
    ['a conflict of git', '<<<<<<< HEAD\nCONFIG_A=y\n=======\nCONFIG_A=m\n>>>>>>> other\n', [`at ${APP}:1`]],
    ['a zero byte', 'CONFIG_A=y\nCONFIG_B=\0\n', [`at ${APP}:2`, 'not a text file', 'zero byte']],
  ])('with %s is refused', async (_, text, words) => {
    const project = treeOf({ ...PROJECT, [APP]: text });
    const before = listing(project);
    expectRefused(await coracle(project, ['build', 'a']), [...words, 'layer: my/app']);
    expect(listing(project)).toEqual(before);
  });
});

const copyOfBuilt = builtProject();

describe('a build is refused for', () => {
  test.for<[string, string, readonly string[]]>([
    ['a symbol spelt wrong', 'CONFIG_VIRTIO_BKL=y\n', ['CONFIG_VIRTIO_BKL', 'CONFIG_VIRTIO_BLK', `at ${APP}:1`]],
    ['a value that the kernel does not have', '\nCONFIG_HZ=123\n', ['CONFIG_HZ', '123', `at ${APP}:2`]],
    [
      'a symbol that is not in the kernel',
      'CONFIG_NO_SUCH_THING_AT_ALL=y\n',
      ['CONFIG_NO_SUCH_THING_AT_ALL', `at ${APP}:1`],
    ],
  ])('%s', async ([_, text, words], context) => {
    const project = copyOfBuilt(context);
    writeTree(project, { [APP]: text });
    const before = listing(project, TALK);
    expectRefused(await coracle(project, ['build', 'small', '--offline'], CACHE), [
      ...words,
      'layer: my/app',
      'hint: ',
    ]);
    expect(listing(project, TALK)).toEqual(before);
  });
});
