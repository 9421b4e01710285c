import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';
import { sourceStack } from './source-stack.ts';

async function bundleThatThrows(): Promise<{ directory: string; error: Error }> {
  const directory = await mkdtemp(join(tmpdir(), 'coracle stack '));
  const source = join(directory, 'source.ts');
  await writeFile(source, '// one\n// two\nexport function fail(): never {\n  throw new Error("a bug");\n}\n');
  const outfile = join(directory, 'dist', 'bundle.js');
  buildSync({ entryPoints: [source], outfile, bundle: true, format: 'esm', sourcemap: 'linked', banner: { js: '//' } });
  const { fail } = (await import(pathToFileURL(outfile).href)) as { fail: () => never };
  const error = await Promise.resolve()
    .then(fail)
    .catch((thrown: unknown) => thrown);
  return { directory, error: error as Error };
}

test('names the source, not the bundle', async () => {
  const { directory, error } = await bundleThatThrows();
  expect(sourceStack(error)).toContain(`${join(directory, 'source.ts')}:4:9`);
  expect(sourceStack(error)).not.toContain('bundle.js');
});

test('keeps the bundle’s places where there is no map', async () => {
  const { directory, error } = await bundleThatThrows();
  await rm(join(directory, 'dist', 'bundle.js.map'));
  expect(sourceStack(error)).toBe(error.stack);
});

test('says what there is of an error without a stack', () => {
  const error = new Error('a bug');
  delete error.stack;
  expect(sourceStack(error)).toBe('Error: a bug');
});
