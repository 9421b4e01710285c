import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { SCHEMA_NAMES, schemaFileName, schemaText } from './json-schemas.ts';

test.each(SCHEMA_NAMES)('schemas/ holds the %s schema as the definitions have it', async (name) => {
  const file = fileURLToPath(new URL(`../../schemas/${schemaFileName(name)}`, import.meta.url));
  await expect(schemaText(name)).toMatchFileSnapshot(file);
});

test.each(SCHEMA_NAMES)('every key of the %s schema says what it is for', (name) => {
  const undescribed: string[] = [];
  const walk = (node: unknown, path: string): void => {
    if (node === null || typeof node !== 'object') return;
    for (const [key, value] of Object.entries((node as { properties?: object }).properties ?? {})) {
      if (!JSON.stringify(value).includes('"description"')) undescribed.push(`${path}.${key}`);
      // Effects say what they are for by their kinds.
      if (key !== 'effects') walk(value, `${path}.${key}`);
    }
    for (const key of ['items', 'additionalProperties', 'anyOf', 'oneOf']) {
      const below = (node as Record<string, unknown>)[key];
      for (const one of Array.isArray(below) ? below : [below]) walk(one, path);
    }
  };
  walk(JSON.parse(schemaText(name)), name);
  expect(undescribed).toEqual([]);
});
