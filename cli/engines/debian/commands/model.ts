/** What a model of a command gets and gives; the words that all models share. */
import type { ConfiguredRoot } from '../configured-root.ts';
import type { Call, Outcome } from '../shell/host.ts';
import { isKnown } from '../shell/unknown.ts';
import type { UnpackedPackage } from '../unpacked.ts';

export interface CommandContext {
  readonly root: ConfiguredRoot;
  readonly package: UnpackedPackage;
  /** For entries that come from the script: `package dbus`. */
  readonly origin: string;
}

export type Model = (call: Call, context: CommandContext) => Outcome;
export type Models = Readonly<Record<string, Model>>;

export const DONE: Outcome = { status: 0 };
export const FAILED: Outcome = { status: 1 };
/** Ran, and only its output and status cannot be known. */
export const UNSURE: Outcome = { status: undefined };

export function problem(reason: string): Outcome {
  return { status: undefined, problem: reason };
}

/** Changes the root if that is sure and all is known; otherwise says why not. */
export function act(call: Call, values: readonly string[], change: () => void): Outcome {
  if (!values.every(isKnown)) return problem('a value in it is not known before it runs');
  if (!call.certain) return problem('whether it runs is not known before');
  change();
  return DONE;
}

export interface Arguments {
  /** Options by name, without dashes; `true` without a value. */
  readonly options: ReadonlyMap<string, string | true>;
  readonly operands: readonly string[];
}

/** Splits arguments as getopt_long does; `valued` are the options that take a value, by their names without dashes. */
export function readArguments(args: readonly string[], valued: readonly string[] = []): Arguments {
  const options = new Map<string, string | true>();
  const operands: string[] = [];
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i] ?? '';
    if (arg === '--') {
      operands.push(...args.slice(i + 1));
      break;
    }
    if (arg.startsWith('--')) {
      const [name = '', ...value] = arg.slice(2).split('=');
      if (value.length > 0) options.set(name, value.join('='));
      else if (valued.includes(name)) {
        i += 1;
        options.set(name, args[i] ?? '');
      } else options.set(name, true);
    } else if (/^-[^-]/.test(arg)) {
      for (let j = 1; j < arg.length; j += 1) {
        const letter = arg[j] ?? '';
        if (valued.includes(letter)) {
          const rest = arg.slice(j + 1);
          if (rest === '') i += 1;
          options.set(letter, rest === '' ? (args[i] ?? '') : rest);
          break;
        }
        options.set(letter, true);
      }
    } else operands.push(arg);
  }
  return { options, operands };
}

/** The value of the first of these options that is given with one. */
export function optionValue(args: Arguments, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = args.options.get(name);
    if (typeof value === 'string') return value;
  }
  return undefined;
}

export function has(args: Arguments, ...names: readonly string[]): boolean {
  return names.some((name) => args.options.has(name));
}
