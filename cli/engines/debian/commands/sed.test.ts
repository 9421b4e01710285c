import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { runSed } from './sed.ts';

const TEXT = 'hosts: files dns\n# a comment\n\npasswd:   files\nname = "x/y"\nname = z\n';

/** What the machine's own sed makes of it. */
function real(script: string, args: readonly string[]): string {
  return execFileSync('sed', [...args, script], { input: TEXT, encoding: 'utf8' });
}

describe('runSed', () => {
  it.each([
    ['s/files/db/', []],
    ['s/s/S/g', []],
    ['s/s/S/2', []],
    ['/^#/d', []],
    ['/^$/d;s/^name *= */N=/', []],
    ['s|"\\(.*\\)/\\(.*\\)"|<\\2&\\1>|', []],
    ['s/\\(a\\|e\\)\\+/[&]/g', []],
    ['s/(a|e)+/[&]/g', ['-E']],
    ['/hosts:/ s/\\bdns\\b/resolve [!UNAVAIL=return] &/', ['-r']],
    ['s/[[:space:]]\\+/ /g', []],
    ['s/[/]/./', []],
    ['/name/p', ['-n']],
    ['2,4d', []],
    ['/^#/,/^passwd/ s/^/> /', []],
    ['$ s/z/last/', []],
    ['/NAME/I!d', []],
    ['/comment/ a\\\nadded\\\n', []],
    ['1i first', []],
    ['/^passwd/c changed', []],
    ['/name/ { s/name/NAME/; s/x/X/ }', []],
    ['3q', []],
    ['s/\\./x/;s/a+/y/;s/n*/z/', []],
    ['s/^\\(hosts: *\\)\\(.*\\)$/\\1myhostname \\2/', []],
  ])('%s', (script, args) => {
    const options = { quiet: args.includes('-n'), extended: args.some((arg) => arg === '-E' || arg === '-r') };
    expect(runSed(script, TEXT, options)).toBe(real(script, args));
  });

  it.each(['y/a/b/', '/x/b end', 'N;P;D', 's/a/b', '0,/x/d', 'r /etc/passwd', 's/x/y/e'])(
    'does not guess at %s',
    (script) => {
      expect(runSed(script, TEXT, { quiet: false, extended: false })).toBeUndefined();
    },
  );
});
