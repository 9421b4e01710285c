/**
 * Templates of overlays: handlebars, with nothing escaped (these are configuration files, not HTML) and nothing missing in
 * silence. Every name a template uses is checked before it runs, since handlebars itself lets `{{#if typo}}` pass.
 */
import { Failure, type Place, throwAny } from '../failure.ts';

/** Name → value; lists are for `{{#each}}`. */
export type TemplateValues = Readonly<Record<string, string | readonly string[]>>;

/** Of handlebars' own helpers, all but `log`, which would talk past the event stream. */
const HELPERS = ['each', 'if', 'lookup', 'unless', 'with'];

/**
 * @throws Failure `bad-template`, `unknown-variable`; all unknown variables at once
 */
export async function renderTemplate(text: string, file: string, values: TemplateValues): Promise<string> {
  // Handlebars takes longer to load than most builds have templates to render.
  const { default: Handlebars } = await import('handlebars');
  let program: hbs.AST.Program;
  try {
    program = Handlebars.parse(text);
  } catch (error) {
    throw badTemplate(error as Error, file);
  }
  const unknown: Failure[] = [];
  const blockParams = new Set<string>();
  class NameCheck extends Handlebars.Visitor {
    override Program(block: hbs.AST.Program): void {
      for (const name of block.blockParams ?? []) blockParams.add(name);
      super.Program(block);
    }
    override PathExpression(path: hbs.AST.PathExpression): void {
      const [name] = path.parts;
      if (path.data || name === undefined || blockParams.has(name) || HELPERS.includes(name)) return;
      if (!Object.hasOwn(values, name)) unknown.push(unknownVariable(name, placeOf(path, file), values));
    }
    override PartialStatement(partial: hbs.AST.PartialStatement): void {
      throw badTemplate(new Error('there are no partials to include'), file, placeOf(partial, file));
    }
    override PartialBlockStatement(partial: hbs.AST.PartialBlockStatement): void {
      throw badTemplate(new Error('there are no partials to include'), file, placeOf(partial, file));
    }
  }
  new NameCheck().accept(program);
  throwAny(unknown);
  try {
    return Handlebars.compile(program, { strict: true, noEscape: true })(values);
  } catch (error) {
    throw badTemplate(error as Error, file);
  }
}

function placeOf(node: hbs.AST.Node, file: string): Place {
  const { start, end } = node.loc;
  const length = start.line === end.line ? { length: end.column - start.column } : {};
  return { file, line: start.line, column: start.column + 1, ...length };
}

function unknownVariable(name: string, place: Place, values: TemplateValues): Failure {
  const known = Object.keys(values).sort();
  return new Failure({
    code: 'unknown-variable',
    message: `the template uses ${name}, which no layer declares`,
    place,
    hint: `known are ${known.join(', ')}; declare others under slots: in layer.yaml`,
  });
}

/** Handlebars says where in its messages or in fields, depending on which part of it complains. */
function badTemplate(error: Error & { lineNumber?: number; column?: number }, file: string, at?: Place): Failure {
  const line = error.lineNumber ?? Number(/^Parse error on line (\d+)/.exec(error.message)?.[1] ?? 0);
  const column = error.column === undefined ? {} : { column: error.column + 1 };
  return new Failure({
    code: 'bad-template',
    message: 'the template is not valid handlebars',
    place: at ?? { file, ...(line > 0 && { line, ...column }) },
    cause: error.message,
    hint: 'write \\{{ for two braces that are meant as they are',
  });
}
