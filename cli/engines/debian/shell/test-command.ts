/** The `test` command over the root tree: `-e`, `-n`, `=`, `-a`, `-o`, `!`, parentheses; three-valued. */
import { isKnown, negate, type Status } from './unknown.ts';

export type FileKind = 'file' | 'directory' | 'symlink' | 'other' | 'none' | 'unknown';

export interface TestFiles {
  /** What a path is, links followed. */
  readonly kind: (path: string) => FileKind;
  /** What a path is, the last link not followed. */
  readonly linkKind: (path: string) => FileKind;
  readonly isExecutable: (path: string) => boolean | undefined;
  readonly size: (path: string) => number | undefined;
  /** Permission bits, links followed. */
  readonly mode: (path: string) => number | undefined;
}

export function testExpression(words: readonly string[], files: TestFiles): Status {
  const parser = new TestParser(words, files);
  return parser.parse();
}

class TestParser {
  readonly #words: readonly string[];
  readonly #files: TestFiles;
  #at = 0;

  constructor(words: readonly string[], files: TestFiles) {
    this.#words = words;
    this.#files = files;
  }

  parse(): Status {
    if (this.#words.length === 0) return 1;
    if (this.#words.length === 1) return this.#truth(this.#words[0] ?? '');
    return this.#or();
  }

  #or(): Status {
    let status = this.#and();
    while (this.#words[this.#at] === '-o') {
      this.#at += 1;
      const other = this.#and();
      status = status === 0 || other === 0 ? 0 : status === undefined || other === undefined ? undefined : 1;
    }
    return status;
  }

  #and(): Status {
    let status = this.#not();
    while (this.#words[this.#at] === '-a') {
      this.#at += 1;
      const other = this.#not();
      const isFalse = (one: Status): boolean => one !== undefined && one !== 0;
      status = isFalse(status) || isFalse(other) ? 1 : status === undefined || other === undefined ? undefined : 0;
    }
    return status;
  }

  #not(): Status {
    // `test ! = x` compares a `!`.
    if (this.#words[this.#at] === '!' && !this.#isBinary(this.#words[this.#at + 1])) {
      this.#at += 1;
      return negate(this.#not());
    }
    return this.#primary();
  }

  #primary(): Status {
    const word = this.#words[this.#at] ?? '';
    const next = this.#words[this.#at + 1];
    if (this.#isBinary(next) && this.#words[this.#at + 2] !== undefined) {
      this.#at += 3;
      return compare(word, next ?? '', this.#words[this.#at - 1] ?? '');
    }
    if (word === '(') {
      this.#at += 1;
      const status = this.#or();
      this.#at += 1;
      return status;
    }
    if (/^-[a-zA-Z]$/.test(word) && next !== undefined) {
      this.#at += 2;
      return this.#unary(word, next);
    }
    this.#at += 1;
    return this.#truth(word);
  }

  #isBinary(word: string | undefined): boolean {
    return word !== undefined && /^(?:=|==|!=|<|>|-(?:eq|ne|lt|le|gt|ge|nt|ot|ef))$/.test(word);
  }

  #truth(word: string): Status {
    if (isKnown(word)) return word === '' ? 1 : 0;
    // Anything known beside the unknown piece makes it non-empty.
    return word.length > 1 ? 0 : undefined;
  }

  #unary(operator: string, word: string): Status {
    if (operator === '-n') return this.#truth(word);
    if (operator === '-z') return negate(this.#truth(word));
    if (operator === '-t') return 1;
    if (!isKnown(word)) return undefined;
    if (word === '') return 1;
    const isLinkTest = operator === '-L' || operator === '-h';
    const kind = isLinkTest ? this.#files.linkKind(word) : this.#files.kind(word);
    if (kind === 'unknown') return undefined;
    const there = kind !== 'none';
    switch (operator) {
      case '-e':
      case '-r':
      case '-w':
      case '-O':
      case '-G':
        return status(there);
      case '-f':
        return status(kind === 'file');
      case '-d':
        return status(kind === 'directory');
      case '-L':
      case '-h':
        return status(kind === 'symlink');
      case '-x': {
        const executable = this.#files.isExecutable(word);
        return executable === undefined ? undefined : status(executable);
      }
      case '-s': {
        if (!there) return 1;
        const size = this.#files.size(word);
        return size === undefined ? undefined : status(size > 0);
      }
      case '-k':
      case '-u':
      case '-g': {
        const bit = { '-k': 0o1000, '-u': 0o4000, '-g': 0o2000 }[operator];
        const mode = there ? this.#files.mode(word) : 0;
        return mode === undefined ? undefined : status((mode & bit) !== 0);
      }
      case '-b':
      case '-c':
      case '-p':
      case '-S':
        return there && kind === 'other' ? undefined : 1;
      default:
        return there ? undefined : 1;
    }
  }
}

function status(truth: boolean): Status {
  return truth ? 0 : 1;
}

function compare(left: string, operator: string, right: string): Status {
  if (!isKnown(left) || !isKnown(right)) return undefined;
  const [a, b] = [Number(left), Number(right)];
  switch (operator) {
    case '=':
    case '==':
      return status(left === right);
    case '!=':
      return status(left !== right);
    case '<':
      return status(left < right);
    case '>':
      return status(left > right);
    case '-eq':
      return status(a === b);
    case '-ne':
      return status(a !== b);
    case '-lt':
      return status(a < b);
    case '-le':
      return status(a <= b);
    case '-gt':
      return status(a > b);
    case '-ge':
      return status(a >= b);
    default:
      return undefined;
  }
}
