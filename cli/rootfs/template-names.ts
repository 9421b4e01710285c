/**
 * The names that a template uses, checked before it runs: handlebars itself takes what is not there for empty wherever a
 * helper gets it (`{{#if typo}}`, `{{#if @typo}}`, `{{#each layers}}{{#if port}}`, where a name means a part of the item).
 *
 * Values are text or lists of text, so what a name may mean is known without running anything: a block of `each` or `with`
 * is about one of them, which has no names of its own.
 */
import { Failure, type Place } from '../failure.ts';

/** Name → value; lists are for `{{#each}}`. */
export type TemplateValues = Readonly<Record<string, string | readonly string[]>>;

/** Of handlebars' own helpers, all but `log`, which would talk past the event stream. */
const HELPERS: readonly string[] = ['each', 'if', 'lookup', 'unless', 'with'];

/** What `each` says of the item besides its value. */
const LOOP_DATA: readonly string[] = ['first', 'index', 'key', 'last'];

interface Scope {
  /** What `this`, `..`, `../..` are, innermost first: all values, or one of them. */
  readonly contexts: readonly ('values' | 'item')[];
  readonly blockParams: readonly string[];
  readonly inLoop: boolean;
}

type Call = Pick<hbs.AST.MustacheStatement, 'params'> & {
  readonly path: hbs.AST.Expression;
  readonly hash?: hbs.AST.Hash | undefined;
};

/** @returns `bad-template` for what templates do not have, `unknown-variable` for each name that means nothing */
export function templateMistakes(program: hbs.AST.Program, file: string, values: TemplateValues): readonly Failure[] {
  const check = new NameCheck(file, values);
  check.program(program, { contexts: ['values'], blockParams: [], inLoop: false });
  return check.failures;
}

class NameCheck {
  readonly failures: Failure[] = [];
  readonly #file: string;
  readonly #values: TemplateValues;

  constructor(file: string, values: TemplateValues) {
    this.#file = file;
    this.#values = values;
  }

  program(program: hbs.AST.Program | undefined, scope: Scope): void {
    if (program === undefined) return;
    const inner = { ...scope, blockParams: [...scope.blockParams, ...(program.blockParams ?? [])] };
    for (const statement of program.body) this.#statement(statement, inner);
  }

  #statement(statement: hbs.AST.Statement, scope: Scope): void {
    switch (statement.type) {
      case 'MustacheStatement':
        this.#call(statement as hbs.AST.MustacheStatement, scope);
        return;
      case 'BlockStatement':
        this.#block(statement as hbs.AST.BlockStatement, scope);
        return;
      case 'ContentStatement':
      case 'CommentStatement':
        return;
      default:
        this.failures.push(noPartials(placeOf(statement, this.#file)));
    }
  }

  #block(block: hbs.AST.BlockStatement, scope: Scope): void {
    this.#call(block, scope);
    this.program(block.program, this.#inside(block, scope));
    // What is there instead is about what the block itself is in.
    this.program(block.inverse, scope);
  }

  /** What a block is about. */
  #inside({ path, params }: hbs.AST.BlockStatement, scope: Scope): Scope {
    const helper = isHelper(path) ? path.original : undefined;
    if (helper === 'if' || helper === 'unless' || helper === 'lookup') return scope;
    const about = helper === undefined ? path : params[0];
    const value = about === undefined ? undefined : this.#valueOf(about, scope);
    if (helper === 'each' && about !== undefined && typeof value === 'string') {
      this.failures.push(this.#mistake(`${textOf(about)} is no list, which {{#each}} needs`, about));
    }
    const isLoop = helper === 'each' || Array.isArray(value);
    // A block about what it is in already counts as none: `..` means the same as outside.
    const same = helper === 'with' && about !== undefined && contextOf(about) === 0;
    const above = about === undefined ? undefined : contextOf(about);
    const context = (helper === 'with' && above !== undefined && scope.contexts[above]) || 'item';
    return { ...scope, contexts: same ? scope.contexts : [context, ...scope.contexts], inLoop: scope.inLoop || isLoop };
  }

  #call({ path, params, hash }: Call, scope: Scope): void {
    if (!isHelper(path)) this.#expression(path, scope, true);
    for (const param of params) this.#expression(param, scope);
    for (const { value } of hash?.pairs ?? []) this.#expression(value, scope);
  }

  /** @param called whether it stands where a helper would, where handlebars takes a literal for a name. */
  #expression(expression: hbs.AST.Expression, scope: Scope, called = false): void {
    if (expression.type === 'SubExpression') this.#call(expression as hbs.AST.SubExpression, scope);
    else if (isPath(expression)) this.#path(expression, scope);
    else if (called) this.#named([textOf(expression)], scope.contexts[0], expression);
  }

  #path(path: hbs.AST.PathExpression, scope: Scope): void {
    const [name, ...rest] = path.parts;
    if (path.data) {
      if (name === 'root') this.#named(rest, 'values', path);
      else if (!scope.inLoop || name === undefined || !LOOP_DATA.includes(name) || rest.length > 0) {
        this.#unknown(path.original, path);
      }
      return;
    }
    if (isBlockParam(path, scope)) {
      if (rest.length > 0) this.#unknown(path.original, path);
      return;
    }
    this.#named(path.parts, scope.contexts[path.depth], path);
  }

  /** @param context what the name is a part of; undefined above everything. */
  #named(parts: readonly string[], context: Scope['contexts'][number] | undefined, node: hbs.AST.Expression): void {
    const [name] = parts;
    if (context === undefined) this.#unknown(textOf(node), node);
    else if (name === undefined) return;
    else if (valueAt(this.#values, parts) === undefined) this.#unknown(textOf(node), node);
    else if (context === 'item') {
      const message = `${textOf(node)} means a part of the item here, which has none`;
      this.failures.push(this.#mistake(message, node, `write @root.${name} for the value ${name}`));
    }
  }

  #valueOf(node: hbs.AST.Expression, scope: Scope): string | readonly string[] | undefined {
    if (!isPath(node) || isBlockParam(node, scope)) return undefined;
    const parts = node.data ? node.parts.slice(1) : node.parts;
    const context = node.data ? (node.parts[0] === 'root' ? 'values' : 'item') : scope.contexts[node.depth];
    return context === 'values' ? valueAt(this.#values, parts) : undefined;
  }

  #unknown(name: string, node: hbs.AST.Node): void {
    this.failures.push(unknownVariable(name, placeOf(node, this.#file), this.#values));
  }

  #mistake(message: string, node: hbs.AST.Node, hint?: string): Failure {
    return new Failure({ code: 'bad-template', message, place: placeOf(node, this.#file), hint });
  }
}

function isPath(node: hbs.AST.Node): node is hbs.AST.PathExpression {
  return node.type === 'PathExpression';
}

function isHelper(node: hbs.AST.Node): node is hbs.AST.PathExpression {
  return isPath(node) && !node.data && HELPERS.includes(node.original);
}

/** `this.x` and `../x` are never one. */
function isBlockParam({ data, depth, original, parts }: hbs.AST.PathExpression, scope: Scope): boolean {
  const [name] = parts;
  return !data && depth === 0 && name !== undefined && original.startsWith(name) && scope.blockParams.includes(name);
}

/** How far up a path means a context as such: 0 for `this`, 1 for `..`. */
function contextOf(node: hbs.AST.Expression): number | undefined {
  return isPath(node) && !node.data && node.parts.length === 0 ? node.depth : undefined;
}

function textOf(node: hbs.AST.Expression): string {
  return String((node as { readonly original?: unknown }).original ?? node.type);
}

/** What the parts of a path lead to; undefined if to nothing. */
function valueAt(values: TemplateValues, parts: readonly string[]): string | readonly string[] | undefined {
  let value: unknown = values;
  for (const part of parts) {
    if (!hasPart(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value as string | readonly string[];
}

/** Whether `{{lookup value part}}` and `value.part` are something. */
export function hasPart(value: unknown, part: unknown): boolean {
  return value !== undefined && value !== null && Object.hasOwn(Object(value) as object, String(part));
}

function placeOf(node: hbs.AST.Node, file: string): Place {
  const { start, end } = node.loc;
  const length = start.line === end.line ? { length: end.column - start.column } : {};
  return { file, line: start.line, column: start.column + 1, ...length };
}

export function unknownVariable(name: string, place: Place, values: TemplateValues): Failure {
  const known = Object.keys(values).sort();
  return new Failure({
    code: 'unknown-variable',
    message: `the template uses ${name}, which no layer declares`,
    place,
    hint: `known are ${known.join(', ')}; declare others under slots: in layer.yaml`,
  });
}

function noPartials(place: Place): Failure {
  const message = 'the template includes a partial or has a decorator';
  return new Failure({
    code: 'bad-template',
    message,
    place,
    hint: 'templates are complete in themselves: there are none',
  });
}
