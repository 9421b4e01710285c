/** Redirections: where a command's input comes from and where its output goes. Only standard input and output matter. */
import type { Redirection, Word } from 'unbash';
import { expandParts, expandText, type Surroundings } from './expand.ts';
import type { ShellState } from './state.ts';
import { type Status, UNKNOWN } from './unknown.ts';

interface Target {
  readonly path: string;
  readonly append: boolean;
}

/** Runs with input and output as the redirections say; `at` is what a problem is about. */
export function withRedirects(
  redirects: readonly Redirection[],
  state: ShellState,
  around: Surroundings,
  run: () => Status,
  at: { readonly pos: number; readonly end: number },
): Status {
  if (redirects.length === 0) return run();
  const before = state.stdin;
  let target: Target | undefined;
  for (const redirect of redirects) {
    const input = inputOf(redirect, state, around);
    if (input !== undefined) state.stdin = input;
    target = outputOf(redirect, around) ?? target;
  }
  const status = target === undefined ? run() : writing(target, redirects, state, run, at);
  state.stdin = before;
  return status;
}

function inputOf(redirect: Redirection, state: ShellState, around: Surroundings): string | undefined {
  if (redirect.type === 'HereDoc') return hereDocument(redirect, around);
  if (redirect.type === 'HereString') return wordOf(redirect.target, around);
  if (redirect.operator !== '<') return undefined;
  const path = wordOf(redirect.target, around);
  return path === '/dev/null' ? '' : (state.host.readFile(path) ?? UNKNOWN);
}

function outputOf(redirect: Redirection, around: Surroundings): Target | undefined {
  if (redirect.type !== 'Redirect') return undefined;
  const { descriptor, operator } = redirect;
  const number = descriptor?.type === 'FileDescriptor' ? descriptor.value : undefined;
  if ((number ?? 1) !== 1 && operator !== '&>') return undefined;
  if (operator === '>&') return { path: '/dev/null', append: false };
  if (!/^(?:&>|>|>>|>\|)$/.test(operator)) return undefined;
  return { path: wordOf(redirect.target, around), append: operator === '>>' };
}

function writing(
  target: Target,
  redirects: readonly Redirection[],
  state: ShellState,
  run: () => Status,
  at: { readonly pos: number; readonly end: number },
): Status {
  let status: Status = 0;
  const text = state.captured(() => {
    status = run();
  });
  const { certain, umask } = state;
  const problem = state.host.writeFile(target.path, text, { append: target.append, certain, umask });
  if (problem !== undefined) state.problem(at.pos, redirects.at(-1)?.end ?? at.end, ['>', target.path], problem);
  return status;
}

function wordOf(word: Word | undefined, around: Surroundings): string {
  return word === undefined ? UNKNOWN : expandText(word, around);
}

function hereDocument(document: Extract<Redirection, { type: 'HereDoc' }>, around: Surroundings): string {
  const { parts, text: written } = document.body;
  const text = document.delimiter?.quoted || parts === undefined ? written : expandParts(parts, around);
  return document.operator === '<<-' ? text.replace(/^\t+/gm, '') : text;
}
