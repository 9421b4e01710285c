/**
 * The JSON Schemas of the files that users write, for editors and reference pages, made from the definitions that check
 * these files. schemas/ holds them; `vitest run cli/reference -u` writes them anew.
 */
import * as z from 'zod/mini';
import { effectJsonSchema } from '../engines/debian/effects/effect-schema.ts';
import { LayerSchema } from '../layers/layer-schema.ts';
import { ProjectSchema } from '../workspace/project-schema.ts';

export const SCHEMA_NAMES = ['layer', 'coracle'] as const;
export type SchemaName = (typeof SCHEMA_NAMES)[number];

const DEFINITIONS: Readonly<Record<SchemaName, { readonly title: string; readonly schema: z.ZodMiniType }>> = {
  layer: { title: 'layer.yaml: a layer of Coracle', schema: LayerSchema },
  coracle: { title: 'coracle.yaml: a project of Coracle', schema: ProjectSchema },
};

export function schemaFileName(name: SchemaName): string {
  return `${name}.schema.json`;
}

export function jsonSchema(name: SchemaName): JsonObject {
  const { title, schema } = DEFINITIONS[name];
  // Editors know draft 7 best.
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  const complete: JsonObject = { $schema, title, ...rest };
  return name === 'layer' ? withEffects(complete) : complete;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** The layer's own definition leaves effects to the engine, which is a later stage. */
function withEffects(layer: JsonObject): JsonObject {
  const { $schema: _, ...effect } = effectJsonSchema() as JsonObject;
  const path = ['properties', 'engines', 'properties', 'debian', 'properties', 'effects', 'items'];
  return withValueAt(layer, path, effect);
}

function withValueAt(object: JsonObject, [key, ...rest]: readonly string[], value: unknown): JsonObject {
  if (key === undefined) return object;
  const inner = object[key];
  if (rest.length > 0 && (typeof inner !== 'object' || inner === null)) throw new Error(`the schema has no ${key}`);
  return { ...object, [key]: rest.length === 0 ? value : withValueAt(inner as JsonObject, rest, value) };
}

/** As it is in schemas/. */
export function schemaText(name: SchemaName): string {
  return `${JSON.stringify(jsonSchema(name), undefined, 2)}\n`;
}
