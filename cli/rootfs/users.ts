/**
 * Users tables applied to a root tree: groups and users are added to /etc/passwd and its companions, home directories are
 * made, and what is below them is given to their user (so tables come after overlays). The order is Buildroot's: given ids
 * before chosen ones, so that the same tables give the same ids in any order of lines that name them.
 */
import { readFile } from 'node:fs/promises';
import { Failure, throwAny } from '../failure.ts';
import { Accounts } from './accounts.ts';
import { encryptPassword } from './crypt-sha512.ts';
import type { RootTree } from './tree.ts';
import { type AutomaticId, parseUsersTable, type UsersLine } from './users-table.ts';

export interface UsersFile {
  readonly file: string;
  readonly layer: string;
}

/** First and last id that may be chosen; Buildroot's, and Debian's for services. */
const RANGES: Readonly<Record<AutomaticId, readonly [number, number]>> = { system: [100, 999], person: [1000, 1999] };

/**
 * Applies tables in layer order.
 *
 * @throws Failure `bad-users-table`, `users-conflict`, `users-unreadable`; all mistakes of all tables at once
 */
export async function applyUsers(tree: RootTree, files: readonly UsersFile[]): Promise<void> {
  const tables = await Promise.all(
    files.map(async (table) => parseUsersTable(await readTable(table), table.file, table.layer)),
  );
  throwAny(tables.flatMap((table) => table.failures));
  const lines = tables.flatMap((table) => table.lines);
  if (lines.length === 0) return;
  const accounts = await Accounts.read(tree);
  const failures: Failure[] = [];
  const attempt = (step: (line: UsersLine) => void) => (line: UsersLine) => {
    try {
      step(line);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(error.with({ place: line.place, layer: line.layer }));
    }
  };
  const addGroup = attempt((line) => addMainGroup(accounts, line));
  lines.filter((line) => typeof line.gid === 'number').forEach(addGroup);
  lines.filter((line) => typeof line.gid !== 'number').forEach(addGroup);
  lines.forEach(attempt((line) => addOtherGroups(accounts, line)));
  throwAny(failures);
  const addOne = attempt((line) => addUser(tree, accounts, line));
  const users = lines.filter((line) => line.user !== undefined);
  users.filter((line) => typeof line.uid === 'number').forEach(addOne);
  users.filter((line) => typeof line.uid !== 'number').forEach(addOne);
  throwAny(failures);
  accounts.write(tree, 'users tables');
}

async function readTable({ file, layer }: UsersFile): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Failure({
      code: 'users-unreadable',
      message: `cannot read the users table ${file}`,
      cause: (error as Error).message,
      place: { file },
      layer,
    });
  }
}

function addMainGroup(accounts: Accounts, line: UsersLine): void {
  const there = accounts.group(line.group);
  if (typeof line.gid !== 'number') {
    if (there === undefined) putNewGroup(accounts, line, line.group, line.gid);
    return;
  }
  const { gid } = line;
  if (there !== undefined && there.gid !== gid) {
    throw conflict(line, `the group ${line.group} has the gid ${there.gid} already, not ${gid}`);
  }
  const holder = accounts.groups.find((group) => group.gid === gid);
  if (holder !== undefined && holder.name !== line.group) {
    throw conflict(line, `the gid ${gid} of the group ${line.group} belongs to the group ${holder.name} already`);
  }
  if (there === undefined) accounts.putGroup({ name: line.group, gid, members: [] });
}

function addOtherGroups(accounts: Accounts, line: UsersLine): void {
  const kind = typeof line.uid === 'number' ? (line.uid <= RANGES.system[1] ? 'system' : 'person') : line.uid;
  for (const name of line.groups) {
    if (accounts.group(name) === undefined) putNewGroup(accounts, line, name, kind);
  }
}

function putNewGroup(accounts: Accounts, line: UsersLine, name: string, kind: AutomaticId): void {
  const gid = choose(kind, new Set(accounts.groups.map((group) => group.gid)));
  if (gid === undefined) throw conflict(line, `no gid is left for the group ${name}`);
  accounts.putGroup({ name, gid, members: [] });
}

function choose(kind: AutomaticId, taken: ReadonlySet<number>): number | undefined {
  const [first, last] = RANGES[kind];
  for (let id = first; id <= last; id += 1) if (!taken.has(id)) return id;
  return undefined;
}

function addUser(tree: RootTree, accounts: Accounts, line: UsersLine): void {
  const name = line.user ?? '';
  const { gid } = accounts.group(line.group) ?? { gid: 0 };
  const there = accounts.user(name);
  if (there !== undefined && there.gid !== gid) {
    const group = accounts.groups.find((each) => each.gid === there.gid)?.name ?? String(there.gid);
    throw conflict(line, `the user ${name} has the main group ${group} already, not ${line.group}`);
  }
  const uid = uidFor(accounts, line, name);
  accounts.putUser({
    name,
    uid,
    gid,
    comment: line.comment,
    home: line.home ?? '/',
    shell: line.shell,
    password: encoded(line, name),
  });
  for (const group of line.groups) accounts.addMember(group, name);
  if (line.home !== undefined) giveHome(tree, line.home, uid, gid, line);
}

function uidFor(accounts: Accounts, line: UsersLine, name: string): number {
  const there = accounts.user(name);
  if (typeof line.uid !== 'number') {
    const uid = there?.uid ?? choose(line.uid, new Set(accounts.users.map((user) => user.uid)));
    if (uid === undefined) throw conflict(line, `no uid is left for the user ${name}`);
    return uid;
  }
  if (there !== undefined && there.uid !== line.uid) {
    throw conflict(line, `the user ${name} has the uid ${there.uid} already, not ${line.uid}`);
  }
  const holder = accounts.users.find((user) => user.uid === line.uid);
  if (holder !== undefined && holder.name !== name) {
    throw conflict(line, `the uid ${line.uid} of ${name} belongs to ${holder.name} already`);
  }
  return line.uid;
}

function encoded({ password }: UsersLine, user: string): string {
  if (password.kind === 'encoded') return password.text;
  return `${password.locked ? '!' : ''}${encryptPassword(password.text, user)}`;
}

/** The home directory and all below it belong to the user; links are not followed out of it. */
function giveHome(tree: RootTree, home: string, uid: number, gid: number, line: UsersLine): void {
  const origin = `layer ${line.layer}`;
  let directory = tree.resolve(home);
  if (directory === undefined) directory = tree.addDirectory(home, { origin });
  if (directory.type !== 'directory')
    throw conflict(line, `the home directory ${home} is a ${directory.type} from ${directory.origin}`);
  for (const entry of tree.below(directory.path)) tree.setMetadata(entry.path, { uid, gid });
}

function conflict(line: UsersLine, message: string): Failure {
  return new Failure({ code: 'users-conflict', message, place: line.place, layer: line.layer });
}
