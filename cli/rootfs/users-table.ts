/**
 * Buildroot's users tables, read: one user a line, `username uid group gid password home shell groups comment`. The
 * meaning of each field is that of the chapter "Makeusers syntax" in Buildroot's manual.
 */
import { Failure, type Place } from '../failure.ts';

/** Ids that are to be chosen: one of a service, or one of a person. */
export type AutomaticId = 'system' | 'person';

export interface UsersLine {
  /** Undefined for a line that only makes groups. */
  readonly user: string | undefined;
  readonly uid: number | AutomaticId;
  readonly group: string;
  readonly gid: number | AutomaticId;
  readonly password: Password;
  /** Undefined: `/`, and none is made. */
  readonly home: string | undefined;
  readonly shell: string;
  readonly groups: readonly string[];
  readonly comment: string;
  readonly layer: string;
  readonly place: Place;
}

type Password =
  /** As shadow holds it. */
  | { readonly kind: 'encoded'; readonly text: string }
  | { readonly kind: 'clear'; readonly text: string; readonly locked: boolean };

/** useradd's own rule, a little wider: what tools can handle without quoting. */
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?$/;

const NO_HOME = 'write - for a user without a home directory';

/** Nothing can be made there; `/dev/null` itself is how some say that there is no home. */
const COVERED = /^\/+(?:dev|proc|sys)(?!\/+null\/*$)(?:\/|$)/;

const FIELDS = ['username', 'uid', 'group', 'gid', 'password', 'home', 'shell', 'groups'] as const;

export interface UsersTable {
  readonly lines: readonly UsersLine[];
  /** All mistakes of the file. */
  readonly failures: readonly Failure[];
}

export function parseUsersTable(text: string, file: string, layer: string): UsersTable {
  const lines: UsersLine[] = [];
  const failures: Failure[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.replace(/#.*/, '').trim();
    if (line === '') continue;
    const mistake = (message: string, hint?: string): Failure =>
      new Failure({ code: 'bad-users-table', message, place: { file, line: index + 1 }, layer, hint });
    try {
      lines.push(parseLine(line, { file, line: index + 1 }, layer, mistake));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(error);
    }
  }
  return { lines, failures };
}

type Mistake = (message: string, hint?: string) => Failure;

function parseLine(line: string, place: Place, layer: string, mistake: Mistake): UsersLine {
  const words = line.split(/\s+/);
  if (words.length < FIELDS.length) {
    throw mistake(
      `the line has ${words.length} fields, but needs at least ${FIELDS.length}`,
      `fields: ${FIELDS.join(' ')} [comment]`,
    );
  }
  const [user = '', uid = '', group = '', gid = '', password = '', home = '', shell = '', groups = ''] = words;
  const comment = words.slice(FIELDS.length).join(' ');
  const colon = [...words].find((word) => word.includes(':'));
  if (colon !== undefined) throw mistake(`the field ${colon} has a colon in it, which would end it in /etc/passwd`);
  if (user !== '-') checkName(user, 'user', mistake);
  checkName(group, 'group', mistake);
  const additional = groups === '-' ? [] : groups.split(',');
  for (const name of additional) checkName(name, 'group', mistake, true);
  if (home === '/') throw mistake('the home directory cannot be /', NO_HOME);
  if (home !== '-' && !/^\/[^\0]*$/.test(home)) throw mistake(`the home directory ${home} is not an absolute path`);
  if (COVERED.test(home)) throw mistake(`the home directory ${home} is in what the kernel mounts`, NO_HOME);
  if (home.split('/').includes('..')) throw mistake(`the home directory ${home} has a ".." in it`);
  return {
    user: user === '-' ? undefined : user,
    uid: user === '-' ? 'system' : parseId(uid, 'uid', mistake),
    group,
    gid: parseId(gid, 'gid', mistake),
    password: parsePassword(password),
    home:
      home === '-'
        ? undefined
        : `/${home
            .split('/')
            .filter((part) => part !== '' && part !== '.')
            .join('/')}`,
    shell: shell === '-' ? '/bin/false' : shell,
    groups: additional,
    comment,
    layer,
    place,
  };
}

function checkName(name: string, what: 'user' | 'group', mistake: Mistake, rootToo = false): void {
  if (name === 'root' && !rootToo) throw mistake(`a users table cannot change the ${what} root`);
  if (!NAME.test(name)) {
    throw mistake(
      `${JSON.stringify(name)} is no ${what} name`,
      'letters, digits, "_", "." and "-", at most 32, not starting with a digit',
    );
  }
}

function parseId(text: string, what: string, mistake: Mistake): number | AutomaticId {
  if (text === '-1') return 'system';
  if (text === '-2') return 'person';
  const id = Number(text);
  if (!/^\d+$/.test(text) || id === 0 || id > 0xfffffffd) {
    throw mistake(
      `${text} is no ${what}`,
      `a ${what} is a number above 0, or -1 (100 to 999) or -2 (1000 to 1999) to have one chosen`,
    );
  }
  return id;
}

function parsePassword(text: string): Password {
  if (text === '-') return { kind: 'encoded', text: '' };
  if (text.startsWith('=')) return { kind: 'clear', text: text.slice(1), locked: false };
  if (text.startsWith('!=')) return { kind: 'clear', text: text.slice(2), locked: true };
  return { kind: 'encoded', text };
}
