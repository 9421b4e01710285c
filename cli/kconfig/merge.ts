/**
 * Merges the fragments of an ordered list of layers into one configuration, keeping every assignment with its origin.
 * The last assignment to a symbol wins; nothing is thrown away, so that `explain` can show the whole chain.
 */
import { Failure, throwAny } from '../failure.ts';
import type { Assignment, MergedConfig, Namespace, SymbolChain } from './assignment.ts';
import { readFragmentText } from './fragment-text.ts';
import { scanFragment } from './scan.ts';
import { sameValue } from './value.ts';

export interface MergeSource {
  readonly layer: string;
  /** Absolute paths, in the order in which they are merged. */
  readonly files: readonly string[];
  /**
   * Lines that Kconfig would drop are dropped, and told to `onDropped`, instead of being failures: layers written for
   * SkiffOS have some and build there.
   */
  readonly tolerant?: boolean;
  /** What a text value stands for, if it has placeholders. */
  readonly expand?: (text: string) => string;
}

/** A symbol that one fragment assigns twice: allowed, but rarely meant. */
export interface RepeatedAssignment {
  readonly kind: 'repeated' | 'contradicted';
  readonly first: Assignment;
  /** The one that counts. */
  readonly second: Assignment;
}

export interface MergeOptions {
  /** Checks that every symbol belongs here. */
  readonly namespace?: Namespace;
  readonly onDropped?: (line: Failure) => void;
  /** Called at most once for each symbol of each fragment. */
  readonly onRepeated?: (found: RepeatedAssignment) => void;
}

/**
 * Reads and merges.
 *
 * @throws Failure, all of them at once: `unreadable-file`, `fragment-not-text`, `bad-fragment-line`, `bad-value`,
 * `wrong-namespace`
 */
export async function mergeFragments(
  sources: readonly MergeSource[],
  options: MergeOptions = {},
): Promise<MergedConfig> {
  const merged = new Map<string, GrowingChain>();
  const failures: Failure[] = [];
  for (const source of sources) {
    for (const file of source.files) {
      try {
        addFragment(merged, file, source, options, failures);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        failures.push(error);
      }
    }
  }
  throwAny(failures);
  return merged;
}

/** Merges configurations in order; the chains are joined. Associative, with the empty configuration as its neutral. */
export function mergeConfigs(configs: readonly MergedConfig[]): MergedConfig {
  const merged = new Map<string, SymbolChain>();
  for (const config of configs) {
    for (const [symbol, { chain }] of config) {
      const before = merged.get(symbol);
      merged.set(symbol, { symbol, chain: before === undefined ? chain : [...before.chain, ...chain] });
    }
  }
  return merged;
}

/** The configuration that a list of assignments makes. */
export function mergeAssignments(assignments: Iterable<Assignment>): MergedConfig {
  const merged = new Map<string, GrowingChain>();
  for (const assignment of assignments) add(merged, assignment);
  return merged;
}

/** The assignment that counts. */
export function winner(chain: SymbolChain): Assignment {
  const last = chain.chain.at(-1);
  if (last === undefined) throw new Error(`the chain of ${chain.symbol} is empty`);
  return last;
}

interface GrowingChain extends SymbolChain {
  readonly chain: Assignment[];
}

function add(merged: Map<string, GrowingChain>, assignment: Assignment): Assignment | undefined {
  const known = merged.get(assignment.symbol);
  if (known === undefined) {
    merged.set(assignment.symbol, { symbol: assignment.symbol, chain: [assignment] });
    return undefined;
  }
  const before = known.chain.at(-1);
  known.chain.push(assignment);
  return before;
}

/** Enough to see what is wrong with a file that is no fragment at all. */
const MOST_FAILURES_PER_FILE = 20;

function addFragment(
  merged: Map<string, GrowingChain>,
  file: string,
  { layer, tolerant, expand }: MergeSource,
  { namespace, onDropped, onRepeated }: MergeOptions,
  failures: Failure[],
): void {
  const repeated = new Map<string, RepeatedAssignment>();
  const tell = tolerant === true ? onDropped : (failure: Failure) => failures.push(failure);
  let bad = 0;
  scanFragment(
    readFragmentText(file, layer),
    { file, layer, namespace },
    {
      line(_start, _end, _next, written) {
        const assignment = written === undefined || expand === undefined ? written : expanded(written, expand);
        if (assignment === undefined) return;
        const before = add(merged, assignment);
        // A file is merged once, so an earlier assignment from the same file is a repetition inside of it.
        if (before === undefined || before.origin.file !== file || onRepeated === undefined) return;
        if (repeated.get(assignment.symbol)?.kind === 'contradicted') return;
        const kind = sameValue(before.value, assignment.value) ? 'repeated' : 'contradicted';
        repeated.set(assignment.symbol, { kind, first: before, second: assignment });
      },
      bad(failure) {
        bad++;
        if (bad <= MOST_FAILURES_PER_FILE) tell?.(failure);
      },
    },
  );
  if (bad > MOST_FAILURES_PER_FILE) {
    const message = `${bad - MOST_FAILURES_PER_FILE} more lines of this fragment are wrong`;
    tell?.(new Failure({ code: 'bad-fragment', message, place: { file }, layer }));
  }
  if (onRepeated !== undefined) for (const found of repeated.values()) onRepeated(found);
}

function expanded(assignment: Assignment, expand: (text: string) => string): Assignment {
  const { value } = assignment;
  return value.kind === 'string'
    ? { ...assignment, value: { kind: 'string', value: expand(value.value) } }
    : assignment;
}
