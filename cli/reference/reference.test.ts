import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { jsonSchema } from '../scaffold/json-schemas.ts';
import { GLOBAL_OPTIONS } from '../verbs/global-options.ts';
import { VERBS } from '../verbs/verbs.ts';
import { schemaPage } from './schema-page.ts';
import { verbsPage } from './verbs-page.ts';

function page(name: string): string {
  return fileURLToPath(new URL(`../../docs/reference/${name}`, import.meta.url));
}

test('docs/reference/verbs.md says what the verbs say of themselves', async () => {
  await expect(await verbsPage(VERBS, GLOBAL_OPTIONS)).toMatchFileSnapshot(page('verbs.md'));
});

test('docs/reference/layer-yaml.md says what the definition of layer.yaml says', async () => {
  const introduction =
    'What a layer says of itself. A layer is a directory `<group>/<name>` with this file and the directories that\n' +
    '[layers](../layers.md) describes.';
  await expect(schemaPage('layer.yaml', introduction, jsonSchema('layer'))).toMatchFileSnapshot(page('layer-yaml.md'));
});

test('docs/reference/coracle-yaml.md says what the definition of coracle.yaml says', async () => {
  const introduction = 'A project: where its layers are, and which images it builds.';
  await expect(schemaPage('coracle.yaml', introduction, jsonSchema('coracle'))).toMatchFileSnapshot(
    page('coracle-yaml.md'),
  );
});

test.each(VERBS.map((entry) => [entry.command, entry] as const))(
  '%s is listed as it calls itself',
  async (_, entry) => {
    const verb = await entry.load();
    expect({ command: verb.command, summary: verb.summary }).toEqual({
      command: entry.command,
      summary: entry.summary,
    });
  },
);
