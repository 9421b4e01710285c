// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell's, not ours.
/** The walked shell beside the machine's own: the same script has to print the same. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { parse } from 'unbash';
import { describe, expect, it } from 'vitest';
import type { Call, Host, Outcome } from './host.ts';
import { matchesPattern } from './pattern.ts';
import { Shell } from './shell.ts';
import { UNKNOWN } from './unknown.ts';

/** A host without files; `unknown` prints what nobody knows, `maybe` ends in a way that nobody knows. */
function walk(script: string, args: readonly string[] = []): { output: string; problems: readonly string[] } {
  let output = '';
  const host: Host = {
    files: {
      kind: () => 'none',
      linkKind: () => 'none',
      isExecutable: () => false,
      size: () => undefined,
      mode: () => undefined,
    },
    list: () => [],
    move: () => undefined,
    readFile: () => undefined,
    readScript: () => undefined,
    writeFile: (path, text) => {
      if (path === '/out') output += text;
      return undefined;
    },
    command: (call: Call): Outcome => {
      const [name, ...rest] = call.argv;
      if (name === 'echo') return { status: 0, output: `${rest.join(' ')}\n` };
      if (name === 'words') return { status: 0, output: rest.map((word) => `<${word}>\n`).join('') };
      if (name === 'cat') return { status: 0, output: call.stdin ?? '' };
      if (name === 'true' || name === ':') return { status: 0 };
      if (name === 'false') return { status: 1 };
      if (name === 'maybe') return { status: undefined };
      if (name === 'unknown') return { status: undefined, output: UNKNOWN };
      return { status: 127, problem: `no ${name}` };
    },
  };
  const shell = new Shell(parse, args, new Map(), host);
  shell.run(`{\n${script}\n} > /out\n`);
  return { output, problems: shell.problems.map((one) => one.reason) };
}

function real(script: string, args: readonly string[]): string {
  const words = 'words() { for w in "$@"; do printf "<%s>\\n" "$w"; done; }\n';
  return execFileSync('sh', ['-c', words + script, 'script', ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  });
}

const ARGS = ['one', 'two words', ''];

describe('a script prints what it prints in a real shell', () => {
  it.each([
    'words $1 "$1" $2 "$2" $3 "$3" $4 "$4"',
    'words "$@"; words $@; words "$*"; words $*; words "x$@y"; words $#',
    'set -- a "b c"; shift; words "$@" $#; shift; words "$@"',
    'a="x  y"; words $a "$a" x$a"$a"y',
    'words \'a $b\' "c \\$d \\"e\\"" f\\ g h\\*',
    'a=dir/sub/file.tar.gz; words ${a#*/} ${a##*/} ${a%/*} ${a%%.*} ${a%.gz} ${#a} ${a#none}',
    'words "${u-x y}" ${u-x y} ${u:-d} "${u+set}" "${e:-}"; e=; words "${e-d}" "${e:-d}" "${e+set}" "${e:+full}"',
    'words ${v:=assigned} $v',
    'a=1; f() { local a=2; b=$1; words $a "$@"; }; f x y; words $a $b',
    'f() { return 3; }; f; words $?; f && words no; f || words yes; ! f; words $?',
    'f() { echo out; false; }; x=$(f); words "$x" $?; words "$(echo "a   b")" $(echo "a   b") "$(echo; echo x; echo)"',
    'x=`echo back`; words $x "`echo "q"`"',
    'for i in a b c; do [ $i = b ] && continue; words $i; done; for i; do words "$i"; done',
    'for i in 1 2 3; do for j in x y; do [ $j = y ] && break; words $i$j; done; [ $i = 2 ] && break; done',
    'while [ "$#" -gt 0 ]; do words "$1"; shift; done; words $#',
    'case abc in a) words 1;; a*|x) words 2;; *) words 3;; esac; case "$2" in *\\ *) words space;; esac',
    'case "a*" in "a*") words literal;; esac; case ax in "a*") words wrong;; a[xy]) words class;; esac',
    'case x in [!a-c]) words not;; esac; case - in [a-]) words dash;; esac; case ] in []]) words bracket;; esac',
    'if false; then words a; elif true; then words b; else words c; fi; if ! true; then words d; fi',
    '(a=2; words $a; exit 4); words $? "$a"; { a=3; }; words $a',
    'cat <<EOF\nx $1 ${2} \\$3 $(echo sub) "q"\nEOF\ncat <<\'EOF\'\nx $1\nEOF\ncat <<-EOF\n\t\ttabs\n\tEOF',
    'echo a | cat; echo "b c" | while read x y; do words $x $y; done; printf_=x; words $printf_',
    'while read -r first rest; do words "$first" "$rest"; done <<EOF\na b c\n  d   e\n\nEOF',
    'eval "x=5; words \\$x"; cmd=words; $cmd dynamic; a=b; eval "$a=c"; words $b',
    'true && words a || words b; false && words c || words d; true || words e; words end',
    'test -n "" -o x = x && words or; [ ! -n x ] || words not; [ 3 -gt 2 -a 2 -le 2 ] && words num; [ "(" = "(" ] && words paren',
    'a=" lead"; words $a; a="x:y"; words $a; a="$1$2"; words $a "$a"',
    'x=$((1 + 2 * 3)); words $x $((x > 6)) $(( (x - 1) / 2 % 4 )); i=0; while [ $i -lt 3 ]; do i=$((i + 1)); done; words $i',
    'f() { words $#; shift; [ $# -gt 0 ] && f "$@"; return 0; }; f a b c',
    'exit_code() { (exit 7); }; exit_code; words $?; { words in; exit 0; words never; }',
    'unset x; words "${x-unset}"; x=1; export x; words $x; readonly y=2; words $y; trap "words trapped" HUP; words last',
    'words a"b"\'c\'d $1"$2"; words "" \'\' a; words ~x "a\tb"',
    'x=a; x="$x b"; for w in $x; do words $w; done; x="$x$x"; words "${x%b*}"',
  ])('%s', (script) => {
    const walked = walk(script, ARGS);
    expect(walked.problems).toEqual([]);
    expect(walked.output).toBe(real(script, ARGS));
  });
});

describe('patterns', () => {
  it('match what case matches', () => {
    const pieces = fc.array(fc.constantFrom('a', 'b', '-', '.', '*', '?', '[ab]', '[!a]', '[a-b]', '\\*'), {
      maxLength: 4,
    });
    const text = fc.array(fc.constantFrom('a', 'b', '-', '.', '*'), { maxLength: 4 });
    const cases = fc
      .sample(fc.tuple(pieces, text), { numRuns: 200, seed: 7 })
      .map(([one, other]) => [one.join(''), other.join('')] as const);
    const script = cases
      .map(([pattern, subject]) => `case '${subject}' in ${pattern === '' ? "''" : pattern}) echo y;; *) echo n;; esac`)
      .join('\n');
    const answers = real(script, []).trim().split('\n');
    expect(cases.map(([pattern, subject]) => (matchesPattern(pattern, subject) === true ? 'y' : 'n'))).toEqual(answers);
  });

  it('are undecided where an unknown piece decides', () => {
    expect(matchesPattern('a*', `a${UNKNOWN}`)).toBeUndefined();
    expect(matchesPattern('b*', `a${UNKNOWN}`)).toBe(false);
    expect(matchesPattern('*', UNKNOWN)).toBe(true);
    expect(matchesPattern(`a${UNKNOWN}`, 'ab')).toBeUndefined();
  });
});

describe('what is not known', () => {
  it.each([
    ['words "$(unknown)x"', `<${UNKNOWN}x>\n`],
    ['if maybe; then echo a; fi', UNKNOWN],
    ['x=1; if maybe; then x=2; fi; words $x', `<${UNKNOWN}>\n`],
    ['x=1; if maybe; then x=1; else x=1; fi; words $x', '<1>\n'],
    ['x=1; maybe && x=2; words $x', `<${UNKNOWN}>\n`],
    ['x=1; (maybe && x=2); words $x', '<1>\n'],
    ['for i in $(unknown); do x=1; done; words "${x-unset}"', `<${UNKNOWN}>\n`],
    ['case "$(unknown)" in a) x=1;; *) x=1;; esac; words $x', '<1>\n'],
    ['maybe; words $?', `<${UNKNOWN}>\n`],
    ['x="a $(unknown)"; words ${x%% *}', `<${UNKNOWN}>\n`],
  ])('%s', (script, output) => {
    expect(walk(script)).toEqual({ output, problems: [] });
  });

  it('does not go on for ever', () => {
    expect(walk('while true; do :; done').problems).toEqual([]);
    expect(walk('while true; do while true; do :; done; done').problems).toEqual(['the script does not end']);
    expect(walk('f() { f; }; f').problems).toEqual(['the script calls itself too often']);
  });
});
