/**
 * Variables and macros of Kconfig files (Documentation/kbuild/kconfig-macro-language.rst): `$(NAME)` is replaced by what was
 * given or assigned. Whatever would need a program to run, and whatever was not given, is unknown.
 */

export class Variables {
  readonly #given: Readonly<Record<string, string>>;
  /** Undefined values are known to be unknown. */
  readonly #assigned = new Map<string, string | undefined>();
  readonly #recursive = new Map<string, string>();
  readonly #expanding = new Set<string>();

  constructor(given: Readonly<Record<string, string>>) {
    this.#given = given;
  }

  assign(name: string, operator: ':=' | '=' | '+=', text: string): void {
    const recursive = this.#recursive.get(name);
    if (operator === '=') {
      this.#recursive.set(name, text);
      this.#assigned.delete(name);
    } else if (operator === '+=' && recursive !== undefined) {
      this.#recursive.set(name, `${recursive} ${text}`);
    } else {
      const before = operator === '+=' ? this.#value(name) : '';
      const added = this.expand(text);
      this.#recursive.delete(name);
      const blank = operator === '+=' && before !== '' ? ' ' : '';
      this.#assigned.set(name, before === undefined || added === undefined ? undefined : before + blank + added);
    }
  }

  /** Undefined if a part of it is not known. */
  expand(text: string): string | undefined {
    let expanded = '';
    let at = 0;
    for (let dollar = text.indexOf('$('); dollar !== -1; dollar = text.indexOf('$(', at)) {
      const end = closingBracket(text, dollar + 1);
      const value = this.#call(text.slice(dollar + 2, end));
      if (value === undefined) return undefined;
      expanded += text.slice(at, dollar) + value;
      at = end + 1;
    }
    return expanded + text.slice(at);
  }

  #call(inner: string): string | undefined {
    const name = this.expand(inner);
    return name === undefined || name.includes(',') ? undefined : this.#value(name);
  }

  #value(name: string): string | undefined {
    const recursive = this.#recursive.get(name);
    if (recursive === undefined) return this.#assigned.has(name) ? this.#assigned.get(name) : this.#given[name];
    if (this.#expanding.has(name)) return undefined;
    this.#expanding.add(name);
    const value = this.expand(recursive);
    this.#expanding.delete(name);
    return value;
  }
}

/** @param open where the opening bracket is @returns where its partner is, or the end of the text */
export function closingBracket(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')' && --depth === 0) return at;
  }
  return text.length;
}
