/**
 * A YAML file of the user, read against a schema: in comes text, out comes checked data together with the place of every
 * value, or all the mistakes in it at once, each with its place.
 */
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument, visit, type YAMLParseError } from 'yaml';
import type * as z from 'zod/mini';
import { Failure, type FailureParts, type Place, throwAny } from '../failure.ts';
import { readText } from '../host/look-at.ts';
import { issueFailures } from './schema-issues.ts';
import type { ValuePath, YamlFile } from './yaml-value.ts';

/** @throws Failure `unreadable-file`, and those of {@link parseYamlFile} */
export function readYamlFile<T>(file: string, schema: z.ZodMiniType<T>, layer?: string): YamlFile<T> {
  return parseYamlFile(readText(file, layer), file, schema, layer);
}

/** @throws Failure, all of them at once: `broken-yaml`, `unknown-key`, `missing-key`, `wrong-type`, `bad-value` */
function parseYamlFile<T>(text: string, file: string, schema: z.ZodMiniType<T>, layer?: string): YamlFile<T> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const place = (start: number, end: number): Place => {
    const { line, col } = lines.linePos(start);
    const lineEnd = text.indexOf('\n', start);
    const length = Math.min(end, lineEnd === -1 ? text.length : lineEnd) - start;
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), length: Math.max(length, 1) };
  };
  throwAny(
    withoutEchoes(document.errors).map(
      (error) =>
        new Failure({
          code: 'broken-yaml',
          ...errorWords(error),
          place: place(error.pos[0], error.pos[1]),
          layer,
        }),
    ),
  );
  const written: Omit<YamlFile<unknown>, 'data'> = {
    file,
    placeOf: (path) => place(...rangeOf(document, path)),
    placeOfKey: (path, key) => {
      const map = path.length === 0 ? document.contents : document.getIn(path, true);
      const pair = isMap(map) ? map.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined;
      const range = isScalar(pair?.key) ? pair.key.range : undefined;
      return place(
        ...(range === null || range === undefined ? rangeOf(document, path) : ([range[0], range[1]] as const)),
      );
    },
    sourceOf: (path) => {
      const node = document.getIn(path, true);
      return isScalar(node) && typeof node.value !== 'string' ? node.source : stringOf(node);
    },
  };
  // An empty file is an empty map: every key may be missing that has a default.
  const raw: unknown = document.contents === null ? {} : toData(document, place, layer);
  const parsed = schema.safeParse(raw);
  if (parsed.success) return { ...written, data: parsed.data };
  throwAny(issueFailures(parsed.error.issues, schema, { ...written, data: raw }, layer));
  throw new Error(`the schema refused ${file} without an issue`);
}

/** What is nested too deeply goes wrong once a level. */
function withoutEchoes(errors: readonly YAMLParseError[]): readonly YAMLParseError[] {
  const deep = errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  return deep === undefined ? errors : [deep];
}

/** Of some errors the library speaks to programmers. */
function errorWords({ code, message }: YAMLParseError): Pick<FailureParts, 'message' | 'cause' | 'hint'> {
  switch (code) {
    case 'DUPLICATE_KEY':
      return { message: 'the same key is written twice', cause: message };
    case 'TAB_AS_INDENT':
      return { message: 'this is not valid YAML', cause: message, hint: 'indent with spaces' };
    case 'MULTIPLE_DOCS':
      return { message: 'another document begins here, and a file is one', hint: 'take out the line with ---' };
    case 'RESOURCE_EXHAUSTION':
      return { message: 'this is nested too deeply' };
    default:
      return { message: 'this is not valid YAML', cause: message };
  }
}

function toData(document: Document, place: (start: number, end: number) => Place, layer: string | undefined): unknown {
  try {
    return document.toJS();
  } catch (error) {
    if (error instanceof RangeError) {
      throw new Failure({ code: 'broken-yaml', message: 'this is nested too deeply', place: place(0, 1), layer });
    }
    // An alias without its anchor, or aliases that would unfold to something huge.
    throw new Failure({
      code: 'broken-yaml',
      message: 'this is not valid YAML',
      place: place(...unresolvedAlias(document)),
      cause: (error as Error).message,
      layer,
    });
  }
}

function unresolvedAlias(document: Document): readonly [number, number] {
  let range: readonly [number, number] = [0, 1];
  visit(document, {
    Alias: (_key, alias) => {
      if (alias.resolve(document) !== undefined || !alias.range) return undefined;
      range = [alias.range[0], alias.range[1]];
      return visit.BREAK;
    },
  });
  return range;
}

function stringOf(node: unknown): string | undefined {
  return isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
}

/** Start and end of the deepest node on the path that is written. */
function rangeOf(document: Document, path: ValuePath): readonly [number, number] {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return [node.range[0], node.range[1]];
  }
  return [0, 1];
}
