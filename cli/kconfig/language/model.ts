/**
 * What a tree of Kconfig files says: its symbols and choices, with the conditions of all menus, files and choices around
 * them. Pure data that can be kept by `v8.serialize`. Names are those of the Kconfig files: without the prefix that a
 * `.config` puts before them.
 */
import type { Condition, Expression, Operand } from './expression.ts';

export type SymbolType = 'bool' | 'tristate' | 'string' | 'int' | 'hex';

export interface Place {
  /** As the files name it: below the tree, or absolute if it was sourced so. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** One `config` or `menuconfig`; a symbol may have several. */
export interface Definition extends Place {
  readonly depends: Condition;
  /** Lines without their common indentation. */
  readonly help: string | undefined;
}

export interface Prompt {
  readonly text: string;
  /** With what the symbol depends on, and the `visible if` of the menus around it. */
  readonly condition: Condition;
}

export interface Default {
  readonly value: Expression;
  /** With what the symbol depends on. */
  readonly condition: Condition;
}

export interface Range {
  readonly low: Operand;
  readonly high: Operand;
  readonly condition: Condition;
}

/** A `select` or `imply` seen from the symbol that it turns on. */
export interface Influence extends Place {
  /** Which symbol has the statement. */
  readonly by: string;
  /** Besides `by` itself. */
  readonly condition: Condition;
}

export interface KconfigSymbol {
  readonly name: string;
  /** Absent if no definition gives one: such a symbol is never in a `.config`. */
  readonly type: SymbolType | undefined;
  /** Never empty. */
  readonly definitions: readonly Definition[];
  readonly prompts: readonly Prompt[];
  /** The first whose condition holds counts. */
  readonly defaults: readonly Default[];
  /** The first whose condition holds counts. */
  readonly ranges: readonly Range[];
  readonly selectedBy: readonly Influence[];
  readonly impliedBy: readonly Influence[];
  /** Has its value from a variable of the environment, and is not written to a `.config`. */
  readonly environment: boolean;
  /** The choice it is a member of: an index into `KconfigModel.choices`. */
  readonly choice: number | undefined;
}

export interface KconfigChoice extends Place {
  readonly type: 'bool' | 'tristate';
  readonly optional: boolean;
  readonly prompts: readonly Prompt[];
  readonly members: readonly string[];
  /** Members, with conditions. */
  readonly defaults: readonly Default[];
}

export interface KconfigModel {
  /** What a `.config` has before each name: `CONFIG_`, or nothing. */
  readonly prefix: string;
  readonly symbols: ReadonlyMap<string, KconfigSymbol>;
  readonly choices: readonly KconfigChoice[];
  /** The symbol that says whether there are modules, if any does. */
  readonly modules: string | undefined;
  /** Files that are sourced and cannot be read, or whose name depends on what is not known. */
  readonly unread: readonly (Place & { readonly source: string })[];
}
