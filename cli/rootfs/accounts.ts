/**
 * The accounts of a root tree: /etc/passwd, group, shadow and gshadow read into memory, added to, and written back. Lines
 * that nobody touches stay as they are, and what is added comes after them, so a change adds lines and moves none.
 */
import type { Entry } from './entry.ts';
import type { RootTree } from './tree.ts';

export interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly comment: string;
  readonly home: string;
  readonly shell: string;
  /** As it stands in shadow: crypt(3) form, `*`, `!…`; empty lets anyone in. */
  readonly password: string;
}

/** Fields of a colon-separated line, by position. */
type Row = readonly string[];

const FILES = ['passwd', 'group', 'shadow', 'gshadow'] as const;
type FileName = (typeof FILES)[number];

export class Accounts {
  /** gshadow is kept only where the root has one; programs that find none make do with group. */
  readonly #rows: Record<FileName, Row[] | undefined>;

  private constructor(rows: Record<FileName, Row[] | undefined>) {
    this.#rows = rows;
  }

  static async read(tree: RootTree): Promise<Accounts> {
    const [passwd = [], group = [], shadow = [], gshadow] = await Promise.all(
      FILES.map((name) => readRows(tree, name)),
    );
    return new Accounts({ passwd, group, shadow, gshadow });
  }

  get users(): User[] {
    return (this.#rows.passwd ?? []).map(([name = '', , uid, gid, comment = '', home = '', shell = '']) => {
      const password = this.#rows.shadow?.find((row) => row[0] === name)?.[1] ?? '*';
      return { name, uid: Number(uid), gid: Number(gid), comment, home, shell, password };
    });
  }

  get groups(): Group[] {
    return (this.#rows.group ?? []).map(([name = '', , gid, members = '']) => ({
      name,
      gid: Number(gid),
      members: members === '' ? [] : members.split(','),
    }));
  }

  user(name: string): User | undefined {
    return this.users.find((user) => user.name === name);
  }

  group(name: string): Group | undefined {
    return this.groups.find((group) => group.name === name);
  }

  /** Adds a user, or gives the one of that name these values. */
  putUser(user: User): void {
    const { name, uid, gid, comment, home, shell } = user;
    this.#put('passwd', [name, 'x', String(uid), String(gid), comment, home, shell]);
    this.#put('shadow', [name, user.password, '', '', '', '', '', '', '']);
  }

  /** Adds a group, or gives the one of that name this id and these members. */
  putGroup(group: Group): void {
    const members = group.members.join(',');
    this.#put('group', [group.name, 'x', String(group.gid), members]);
    if (this.#rows.gshadow !== undefined) this.#put('gshadow', [group.name, '*', '', members]);
  }

  addMember(groupName: string, user: string): void {
    const group = this.group(groupName);
    if (group === undefined || group.members.includes(user)) return;
    this.putGroup({ ...group, members: [...group.members, user] });
  }

  write(tree: RootTree, origin: string): void {
    for (const name of FILES) {
      const rows = this.#rows[name];
      if (rows === undefined) continue;
      const path = `/etc/${name}`;
      const text = rows.map((row) => `${row.join(':')}\n`).join('');
      const there = tree.file(path);
      if (there === undefined) tree.addFile(path, text, { origin, ...this.#ownerOf(name) });
      else tree.put({ ...there, origin, content: { kind: 'bytes', data: Buffer.from(text) } });
    }
  }

  /** As Debian has them: passwords are for root and for programs of the group shadow, where there is one. */
  #ownerOf(name: FileName): Pick<Entry, 'mode' | 'gid'> {
    if (name === 'passwd' || name === 'group') return { mode: 0o644, gid: 0 };
    const shadow = this.group('shadow');
    return shadow === undefined ? { mode: 0o600, gid: 0 } : { mode: 0o640, gid: shadow.gid };
  }

  #put(file: FileName, row: Row): void {
    const rows = this.#rows[file] ?? [];
    const at = rows.findIndex(([name]) => name === row[0]);
    if (at < 0) rows.push(row);
    else rows[at] = row;
    this.#rows[file] = rows;
  }
}

async function readRows(tree: RootTree, name: FileName): Promise<Row[] | undefined> {
  if (tree.file(`/etc/${name}`) === undefined) return undefined;
  const text = (await tree.read(`/etc/${name}`)).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(':'));
}
