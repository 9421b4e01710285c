/**
 * Some verbs run another program, whose words may look like options: what comes behind the verb's first name is not ours
 * to read. `coracle cmd/pi/common/format`, as SkiffOS writes it, is `coracle cmd pi/common/format`.
 */
import type { VerbEntry } from './verbs.ts';

export interface SplitCommandLine {
  /** For the parser: options, the verb, its own options and its first name. */
  readonly own: readonly string[];
  /** For the program that the verb runs. */
  readonly passedOn: readonly string[];
}

export async function splitPassedOn(given: readonly string[], verbs: readonly VerbEntry[]): Promise<SplitCommandLine> {
  const at = given.findIndex((word) => !word.startsWith('-'));
  const argv = given.flatMap((word, index) => (index === at ? wordsOf(word, verbs) : [word]));
  const entry = verbs.find((verb) => verb.passesOn === true && nameOf(verb) === argv[at]);
  if (entry === undefined) return { own: argv, passedOn: [] };
  const { options } = await entry.load();
  const isValue = (index: number): boolean => {
    const name = argv[index - 1] ?? '';
    return Object.entries(options).some(
      ([option, { type, alias }]) =>
        type === 'string' && (name === `--${option}` || [alias ?? []].flat().some((letter) => name === `-${letter}`)),
    );
  };
  const name = argv.findIndex((word, index) => index > at && !word.startsWith('-') && !isValue(index));
  return name === -1 ? { own: argv, passedOn: [] } : { own: argv.slice(0, name + 1), passedOn: argv.slice(name + 1) };
}

/** `cmd/pi/common/format` is two. */
function wordsOf(word: string, verbs: readonly VerbEntry[]): readonly string[] {
  const [first = '', ...rest] = word.split('/');
  const isVerb = verbs.some((verb) => verb.passesOn === true && nameOf(verb) === first);
  return isVerb && rest.length > 0 ? [first, rest.join('/')] : [word];
}

function nameOf({ command }: VerbEntry): string {
  return command.split(' ')[0] ?? command;
}
