/** What is wrong with a command line, in a person's words and with what was meant; yargs tells little of either. */
import { Failure } from '../failure.ts';
import { didYouMean } from '../kconfig/nearest.ts';
import { GLOBAL_OPTIONS } from './global-options.ts';
import type { Verb } from './verb.ts';
import { VERBS } from './verbs.ts';

/**
 * @param complaint what yargs says
 * @param argv the command line as it was given
 * @param asked the verb, or the word in its place
 */
export function usageFailure(
  complaint: string,
  argv: readonly string[],
  asked: Verb | string | number | undefined,
): Failure {
  if (asked === undefined) return withoutVerb(argv);
  return typeof asked === 'object' ? wrongArguments(complaint, argv, asked) : unknownVerb(String(asked));
}

/** A failure that says what to write instead: guesses first, then where to read on. */
function failure(code: string, message: string, hints: readonly (string | undefined)[]): Failure {
  return new Failure({ code, message, hint: hints.filter((hint) => hint !== undefined).join('\n') });
}

function nameOf({ command }: { readonly command: string }): string {
  return command.split(' ')[0] ?? command;
}

const LISTED = 'coracle --help lists the verbs';

function unknownVerb(word: string): Failure {
  return failure('unknown-verb', `there is no verb ${word}`, [didYouMean(word, VERBS.map(nameOf)), LISTED]);
}

function withoutVerb(argv: readonly string[]): Failure {
  const known = spellings(GLOBAL_OPTIONS);
  const unknown = argv.filter((word) => word.startsWith('-')).map(optionOf);
  const [first] = unknown.filter((option) => !known.includes(option));
  if (first === undefined) return failure('usage', 'which verb?', [LISTED]);
  return failure('unknown-option', `coracle has no option ${first}`, [
    didYouMean(first, known),
    `options of a verb come with the verb; ${LISTED}`,
  ]);
}

function wrongArguments(complaint: string, argv: readonly string[], verb: Verb): Failure {
  const name = nameOf(verb);
  const help = `coracle ${name} --help lists its options`;
  const written = `it is written: coracle ${verb.command}`;
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/s.exec(complaint)?.[1]?.split(', ');
  if (unknown !== undefined) {
    const options = [...new Set(unknown.flatMap((one) => writtenOption(one, argv) ?? []))];
    const [first] = options;
    if (first === undefined) return failure('usage', `coracle ${name} does not take ${unknown.join(', ')}`, [written]);
    const known = spellings({ ...GLOBAL_OPTIONS, ...verb.options });
    // Every letter is near every other.
    const guesses = options.map((option) => (option.startsWith('--') ? didYouMean(option, known) : undefined));
    return failure('unknown-option', `coracle ${name} has no option ${options.join(', ')}`, [...guesses, help]);
  }
  if (complaint.startsWith('Not enough')) return failure('usage', `coracle ${name} needs more than that`, [written]);
  const [, argument = '', given, choices] = /Argument: (.*), Given: (.*), Choices: (.*)/.exec(complaint) ?? [];
  if (given !== undefined && choices !== undefined) {
    const what = argument in verb.options ? `--${argument}` : `<${argument}>`;
    const guess = didYouMean(plain(given), choices.split(', ').map(plain));
    return failure('bad-option', `${what} cannot be ${given}`, [guess, `allowed: ${plain(choices)}`]);
  }
  return failure('usage', complaint, [help]);
}

function plain(quoted: string): string {
  return quoted.replaceAll('"', '');
}

/** `--offline`, `-j`, and `--no-wait` where a refusal is what one would write. */
function spellings(options: Verb['options']): readonly string[] {
  const names = Object.entries(options).flatMap(([name, { alias, default: usual }]) => [
    usual === true ? `--no-${name}` : `--${name}`,
    ...[alias ?? []].flat().map((letter) => `-${letter}`),
  ]);
  return [...names, '--help', '--version'];
}

/** An unknown name of yargs's, as it stands on the command line; undefined if it is no option there. */
function writtenOption(name: string, argv: readonly string[]): string | undefined {
  return argv
    .filter((word) => word.startsWith('-'))
    .map(optionOf)
    .find((option) => {
      if (!option.startsWith('--')) return option.includes(name);
      const bare = option.replace(/^--(?:no-)?/, '');
      return bare === name || camelCase(bare) === name || option === `--${name}`;
    });
}

/** Without its value. */
function optionOf(word: string): string {
  return word.split('=')[0] ?? word;
}

function camelCase(name: string): string {
  return name.replaceAll(/-+(.)/g, (_, letter: string) => letter.toUpperCase());
}
