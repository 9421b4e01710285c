/** Turns what a schema finds wrong in a file into failures a person can act on: place, what was meant, nearest match. */
import type * as z from 'zod/mini';
import { Failure, type FailureParts, type Place } from '../failure.ts';
import { didYouMean } from '../kconfig/nearest.ts';
import type { ValuePath, YamlFile } from './yaml-value.ts';

type Issue = z.core.$ZodIssue;

export function issueFailures(
  issues: readonly Issue[],
  schema: z.ZodMiniType,
  written: YamlFile<unknown>,
  layer: string | undefined,
): readonly Failure[] {
  return withoutMisspelt(issues)
    .flatMap((issue) => partsOf(issue, [], schema, written))
    .map((parts) => new Failure({ ...parts, layer }))
    .sort((a, b) => position(a) - position(b));
}

const FAR = 1_000_000;

function position({ parts: { place } }: Failure): number {
  return (place?.line ?? 0) * FAR + (place?.column ?? 0);
}

/** A key that is missing because it was misspelt is one mistake: the unknown key tells of it. */
function withoutMisspelt<I extends Pick<Issue, 'code' | 'path'>>(issues: readonly I[]): readonly I[] {
  return issues.filter((issue) => {
    const key = issue.path.at(-1);
    if (issue.code !== 'invalid_type' || typeof key !== 'string') return true;
    const owner = issue.path.slice(0, -1).join('\0');
    return !issues.some((other) => {
      const keys = 'keys' in other ? (other.keys as readonly string[]) : [];
      return other.path.join('\0') === owner && keys.some((one) => didYouMean(one, [key]) !== undefined);
    });
  });
}

function partsOf(
  issue: Issue,
  above: ValuePath,
  schema: z.ZodMiniType,
  written: YamlFile<unknown>,
): readonly FailureParts[] {
  const path = [...above, ...issue.path];
  const value = valueAt(written.data, path);
  const place = written.placeOf(path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(key, path, schema, written));
    case 'invalid_key':
      return [
        badValue(
          `the key ${JSON.stringify(path.at(-1))}`,
          written.placeOfKey(path.slice(0, -1), String(path.at(-1))),
          issue.issues[0]?.message,
        ),
      ];
    case 'invalid_type':
      return value === undefined
        ? [missingKey(path, written)]
        : [wrongType(path, typeWord(issue.expected), value, written)];
    case 'invalid_value': {
      if (value === undefined) return [missingKey(path, written)];
      const allowed = issue.values.map(String);
      const near = typeof value === 'string' ? didYouMean(value, allowed) : undefined;
      const hint = [near, `allowed: ${allowed.join(', ')}`].filter((part) => part !== undefined).join('\n');
      return [{ code: 'bad-value', message: `${words(path)} cannot be ${show(value)}`, place, hint }];
    }
    case 'invalid_union':
      return unionParts(issue, path, schema, written);
    case 'too_small':
    case 'too_big':
      return [badValue(`${words(path)} ${show(value)}`, place, said(issue.message) ?? limitWords(issue))];
    default:
      return [badValue(`${words(path)} ${show(value)}`, place, issue.message)];
  }
}

/** Of several forms that a value may have, the user meant the one that fits furthest; else name them all. */
function unionParts(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: ValuePath,
  schema: z.ZodMiniType,
  written: YamlFile<unknown>,
): readonly FailureParts[] {
  const branches = issue.errors.filter(
    (branch) => !branch.some((one) => one.code === 'invalid_type' && one.path.length === 0),
  );
  const [only] = branches;
  if (only !== undefined) {
    const best = branches.reduce((a, b) =>
      depth(b) > depth(a) || (depth(b) === depth(a) && b.length < a.length) ? b : a,
    );
    return withoutMisspelt(best as readonly Issue[]).flatMap((one) => partsOf(one, path, schema, written));
  }
  const value = valueAt(written.data, path);
  const expected = issue.errors.flat().flatMap((one) => (one.code === 'invalid_type' ? [one.expected as string] : []));
  return [wrongType(path, [...new Set(expected)].map(typeWord).join(' or '), value, written)];
}

function depth(issues: readonly { readonly path: readonly unknown[] }[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}

function unknownKey(key: string, path: ValuePath, schema: z.ZodMiniType, written: YamlFile<unknown>): FailureParts {
  const known = knownKeys(schema, path, valueAt(written.data, path));
  const hint = [didYouMean(key, known), known.length > 0 ? `keys: ${known.join(', ')}` : undefined];
  return {
    code: 'unknown-key',
    message: `unknown key ${JSON.stringify(key)}${path.length > 0 ? ` in ${words(path)}` : ''}`,
    place: written.placeOfKey(path, key),
    hint: hint.filter((part) => part !== undefined).join('\n'),
  };
}

function missingKey(path: ValuePath, written: YamlFile<unknown>): FailureParts {
  const owner = path.length > 1 ? words(path.slice(0, -1)) : 'the file';
  return {
    code: 'missing-key',
    message: `${owner} needs the key ${JSON.stringify(path.at(-1))}`,
    place: written.placeOf(path),
  };
}

function wrongType(path: ValuePath, expected: string, value: unknown, written: YamlFile<unknown>): FailureParts {
  const text = expected === TYPE_WORDS['string'] && (typeof value === 'number' || typeof value === 'boolean');
  const list = expected === TYPE_WORDS['array'] && typeof value === 'string';
  const what = path.length === 0 ? 'the file' : words(path);
  return {
    code: 'wrong-type',
    message: `${what} must be ${expected}, not ${typeWord(typeOf(value))}`,
    place: written.placeOf(path),
    hint: text
      ? `write it in quotes: "${written.sourceOf(path) ?? String(value)}"`
      : list
        ? `write it in brackets: [${value}]`
        : undefined,
  };
}

function badValue(what: string, place: Place, cause: string | undefined): FailureParts {
  return { code: 'bad-value', message: `${what} is not allowed`, place, cause: said(cause) };
}

/** What a schema says of a mistake; the library's own words for it say nothing. */
function said(message: string | undefined): string | undefined {
  return message === 'Invalid input' ? undefined : message;
}

function limitWords(issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): string {
  const [limit, direction] = issue.code === 'too_small' ? [issue.minimum, 'more'] : [issue.maximum, 'less'];
  if (issue.origin === 'number' || issue.origin === 'int') return `it must be ${limit} or ${direction}`;
  if (issue.code === 'too_small' && limit === 1) return 'it must not be empty';
  return `its length must be ${limit} or ${direction}`;
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : value === null ? 'nothing' : typeof value;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
};

function typeWord(type: string): string {
  return TYPE_WORDS[type] ?? type;
}

/** `workspaces.qemu.layers[2]` */
function words(path: ValuePath): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`))
    .join('');
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function valueAt(data: unknown, path: ValuePath): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key], data);
}

/** Keys that the schema knows at a path. */
function knownKeys(schema: z.ZodMiniType, path: ValuePath, value: unknown): readonly string[] {
  const shapes = shapesAt([schema as Definition], path);
  // Of several forms, the one that shares most keys with what is written.
  const score = (shape: Shape): number => Object.keys((value ?? {}) as object).filter((key) => key in shape).length;
  const best = shapes.toSorted((a, b) => score(b) - score(a))[0];
  return best === undefined ? [] : Object.keys(best);
}

type Shape = Readonly<Record<string, Definition>>;

/** The part of a schema's definition that leads to other schemas. */
interface Definition {
  readonly _zod: {
    readonly def: {
      readonly type: string;
      readonly shape?: Shape;
      readonly element?: Definition;
      readonly valueType?: Definition;
      readonly innerType?: Definition;
      readonly options?: readonly Definition[];
    };
  };
}

function shapesAt(from: readonly Definition[], path: ValuePath): readonly Shape[] {
  const here = from.flatMap(unwrap);
  const [key, ...rest] = path;
  if (key === undefined) return here.flatMap(({ _zod: { def } }) => (def.shape === undefined ? [] : [def.shape]));
  const next = here.flatMap(({ _zod: { def } }) => def.shape?.[String(key)] ?? def.element ?? def.valueType ?? []);
  return next.length === 0 ? [] : shapesAt(next, rest);
}

function unwrap(schema: Definition): readonly Definition[] {
  const { innerType, options } = schema._zod.def;
  if (options !== undefined) return options.flatMap(unwrap);
  return innerType === undefined ? [schema] : unwrap(innerType);
}
