/** Options that hold a whole number: one way to say which are allowed, in the help and to whoever gives another. */
import { Failure, throwAny } from '../failure.ts';

export interface NumberRange {
  /** For the help; the allowed numbers are put behind it. */
  readonly describe: string;
  readonly least: number;
  readonly most: number;
}

/**
 * An entry of a verb's `options`: text for yargs, which makes NaN of what is no number and lets it through; a number for
 * the verb. An option that is not given stays undefined, or what `default` says.
 */
export function numberOption(name: string, range: NumberRange) {
  return {
    type: 'string',
    describe: `${range.describe} (${range.least} to ${range.most})`,
    // Of what is thrown here yargs keeps the message alone; a refusal takes the place of the value instead.
    coerce: (given: unknown) => wholeNumber(name, given, range) as number,
  } as const;
}

/** @throws Failure `bad-option`, every one of a command line at once */
export function throwRefused(args: Readonly<Record<string, unknown>>): void {
  const refused = Object.values(args).filter((value) => value instanceof Failure);
  // An option has several names in `args`.
  throwAny([...new Map(refused.map((failure) => [failure.message, failure])).values()]);
}

function wholeNumber(name: string, given: unknown, { least, most }: NumberRange): number | Failure {
  const text = String(given).trim();
  const number = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  return new Failure({
    code: 'bad-option',
    message: `--${name} ${complaint(given, text)}`,
    hint: `allowed: a whole number from ${least} to ${most}`,
  });
}

function complaint(given: unknown, text: string): string {
  if (Array.isArray(given)) return `is given more than once: ${given.join(', ')}`;
  // `--no-jobs`, which yargs takes as a refusal of the option, and `--jobs` as the last word.
  if (typeof given === 'boolean' || text === '') return 'needs a number';
  return `cannot be ${JSON.stringify(text)}`;
}
