/**
 * The JSON Schemas of the files that users write, for editors and reference pages, made from the definitions that check
 * these files. schemas/ holds them; `vitest run -u cli/workspace/json-schemas.test.ts` writes them anew.
 */
import * as z from 'zod/mini';
import { LayerSchema } from '../layers/layer-schema.ts';
import { ProjectSchema } from './project-schema.ts';

export const SCHEMA_NAMES = ['layer', 'coracle'] as const;
export type SchemaName = (typeof SCHEMA_NAMES)[number];

const DEFINITIONS: Readonly<Record<SchemaName, { readonly title: string; readonly schema: z.ZodMiniType }>> = {
  layer: { title: 'layer.yaml: a layer of Coracle', schema: LayerSchema },
  coracle: { title: 'coracle.yaml: a project of Coracle', schema: ProjectSchema },
};

export function schemaFileName(name: SchemaName): string {
  return `${name}.schema.json`;
}

export function jsonSchema(name: SchemaName): Readonly<Record<string, unknown>> {
  const { title, schema } = DEFINITIONS[name];
  // Editors know draft 7 best.
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  return { $schema, title, ...rest };
}

/** As it is in schemas/. */
export function schemaText(name: SchemaName): string {
  return `${JSON.stringify(jsonSchema(name), undefined, 2)}\n`;
}
