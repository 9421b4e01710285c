/** The reference page of a YAML file, from the JSON Schema that its definition gives. */

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema | boolean;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly required?: readonly string[];
}

export function schemaPage(file: string, introduction: string, schema: unknown): string {
  const rows = fieldRows(schema as JsonSchema, '');
  return [
    `# ${file}`,
    '',
    '<!-- Made from the definition that checks the file; `vitest run cli/reference -u` writes it anew. -->',
    '',
    introduction,
    '',
    '| field | what it holds | meaning |',
    '|---|---|---|',
    ...rows.map(([field, type, meaning]) => `| \`${field}\` | ${cell(type)} | ${cell(meaning)} |`),
    '',
  ].join('\n');
}

/** One row a field, nested ones by their path: `workspaces.<name>.layers`. */
function fieldRows(schema: JsonSchema, prefix: string): [field: string, type: string, meaning: string][] {
  const rows: [string, string, string][] = [];
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    rows.push(...rowsOf(field, `${prefix}${name}`, schema.required?.includes(name) === true));
  }
  const more = schema.additionalProperties;
  if (typeof more === 'object') rows.push(...rowsOf(more, `${prefix}<name>`, false));
  return rows;
}

function rowsOf(field: JsonSchema, path: string, required: boolean): [string, string, string][] {
  const words = [
    field.description ?? '',
    ...(required ? ['Required.'] : []),
    ...(field.default === undefined || isEmpty(field.default)
      ? []
      : [`Default: \`${JSON.stringify(field.default)}\`.`]),
  ];
  const nested = [field, ...(field.anyOf ?? []), ...(field.oneOf ?? [])];
  const inner = nested.flatMap((part) => [
    ...fieldRows(part, `${path}.`),
    ...(typeof part.items === 'object' ? fieldRows(part.items, `${path}[].`) : []),
  ]);
  return [[path, typeText(field), words.filter((word) => word !== '').join(' ')], ...inner];
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function typeText(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) return [...new Set(alternatives.map(typeText))].join(' or ');
  if (schema.type === 'array') return `list of ${typeof schema.items === 'object' ? typeText(schema.items) : 'values'}`;
  if (schema.type === 'object') return 'map';
  return `${[schema.type ?? 'any'].flat().join(' or ')}${rangeText(schema)}`;
}

function rangeText({ minimum, maximum }: JsonSchema): string {
  if (minimum === undefined || maximum === undefined) return '';
  return Number.isSafeInteger(minimum - 1) && Number.isSafeInteger(maximum + 1) ? `, ${minimum} to ${maximum}` : '';
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
