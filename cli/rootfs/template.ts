/**
 * Templates of overlays: handlebars, with nothing escaped (these are configuration files, not HTML) and nothing missing in
 * silence. Every name that a template uses is checked before it runs (template-names.ts), and those that only running it
 * shows are checked then.
 */
import { isUtf8 } from 'node:buffer';
import { Failure, type Place, throwAny } from '../failure.ts';
import { hasPart, type TemplateValues, templateMistakes, unknownVariable } from './template-names.ts';

export type { TemplateValues } from './template-names.ts';

/** @throws Failure `bad-template` with the first line that is not UTF-8 */
export function decodeTemplate(bytes: Buffer, file: string): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  // No other character of UTF-8 has the byte of a line's end in it, so a line is UTF-8 or not by itself.
  let line = 1;
  for (let from = 0; ; line += 1) {
    const end = bytes.indexOf('\n', from);
    if (end < 0 || !isUtf8(bytes.subarray(from, end))) break;
    from = end + 1;
  }
  throw new Failure({
    code: 'bad-template',
    message: 'the template is not UTF-8',
    place: { file, line },
    hint: 'write it again as UTF-8, or take the ending .hbs away if nothing is to be filled in',
  });
}

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
  throwAny(templateMistakes(program, file, values));
  try {
    const helpers = { lookup: strictLookup(file, values) };
    return Handlebars.compile(program, { strict: true, noEscape: true })(values, { helpers });
  } catch (error) {
    throw error instanceof Failure ? error : badTemplate(error as Error, file);
  }
}

interface HelperOptions {
  readonly loc?: hbs.AST.SourceLocation;
}

/** Handlebars' own takes what is not there for empty. */
function strictLookup(file: string, values: TemplateValues) {
  return (...args: readonly unknown[]): unknown => {
    const { loc } = args.at(-1) as HelperOptions;
    const place = loc === undefined ? { file } : { file, line: loc.start.line, column: loc.start.column + 1 };
    const [from, name] = args;
    if (args.length !== 3) throw badTemplate(new Error('lookup takes a list, or a dot, and a name'), file, place);
    if (hasPart(from, name)) return (from as Record<string, unknown>)[String(name)];
    if (from === values) throw unknownVariable(String(name), place, values);
    throw badTemplate(new Error(`lookup finds no ${String(name)} there`), file, place);
  };
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
