/**
 * Users and groups of the root: /etc/passwd, group, shadow and gshadow as data. Ids are the same in every build: those that
 * Debian fixes, those that the file of the archive's well-known users fixes here, and for the rest a place that follows
 * from the name, so that files on a device's persist partition keep their owner when packages come and go.
 */
import { createHash } from 'node:crypto';
import type { RootTree } from '../../rootfs/tree.ts';
import type { Group, User } from './account.ts';
import { DEBIAN_GROUPS, DEBIAN_USERS, WELL_KNOWN } from './account-ids.ts';

/** Ids for names that nobody knows; Debian's dynamic range is 100 to 999, the top of which systemd takes. */
const HASHED = { first: 300, last: 899 };

export class Accounts {
  readonly users = new Map<string, User>();
  readonly groups = new Map<string, Group>();

  /** With Debian's static users and groups. */
  static debian(): Accounts {
    const accounts = new Accounts();
    for (const user of DEBIAN_USERS) accounts.users.set(user.name, user);
    for (const group of DEBIAN_GROUPS) accounts.groups.set(group.name, group);
    return accounts;
  }

  /** Adds the lines of passwd and group files that are not there yet. */
  mergeFiles(passwd: string, group: string): void {
    for (const fields of lines(passwd)) {
      const [name = '', , uid, gid, gecos = '', home = '/', shell = '/usr/sbin/nologin'] = fields;
      if (!this.users.has(name)) {
        this.users.set(name, { name, uid: Number(uid), gid: Number(gid), gecos, home, shell });
      }
    }
    for (const [name = '', , gid, members = ''] of lines(group)) {
      if (this.groups.has(name)) continue;
      this.groups.set(name, { name, gid: Number(gid), members: members.split(',').filter((one) => one !== '') });
    }
  }

  addGroup(name: string, gid?: number): Group {
    const known = this.groups.get(name);
    if (known !== undefined) return known;
    const group = { name, gid: gid ?? this.#freeId(name), members: [] };
    this.groups.set(name, group);
    return group;
  }

  /** Without a gid, in a group of its own name and, where that is free, of the same number. */
  addUser(name: string, more: Partial<Omit<User, 'name'>> = {}): User {
    const known = this.users.get(name);
    if (known !== undefined) return known;
    const uid = more.uid ?? this.groups.get(name)?.gid ?? this.#freeId(name);
    const gid = more.gid ?? this.addGroup(name, this.#isFree(uid) ? uid : undefined).gid;
    const user: User = {
      name,
      uid,
      gid,
      gecos: more.gecos ?? '',
      home: more.home ?? '/nonexistent',
      shell: more.shell ?? '/usr/sbin/nologin',
    };
    this.users.set(name, user);
    return user;
  }

  addMember(group: string, user: string): void {
    const found = this.addGroup(group);
    if (found.members.includes(user)) return;
    this.groups.set(group, { ...found, members: [...found.members, user] });
  }

  change(name: string, more: Partial<Omit<User, 'name'>>): void {
    const user = this.users.get(name);
    if (user !== undefined) this.users.set(name, { ...user, ...more });
  }

  /** `root`, `0`, `root:staff`, `:adm` → ids; undefined if a name is not there. */
  owner(spec: string): { readonly uid?: number; readonly gid?: number } | undefined {
    const [user = '', group] = spec.split(/[:.]/);
    const uid = user === '' ? undefined : idOf(user, (name) => this.users.get(name)?.uid);
    const ownGroup = group === '' ? this.users.get(user)?.gid : undefined;
    const gid = group === undefined ? undefined : (ownGroup ?? idOf(group, (name) => this.groups.get(name)?.gid));
    if ((user !== '' && uid === undefined) || (group !== undefined && gid === undefined)) return undefined;
    return { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) };
  }

  /** Writes the four files; nobody has a password. */
  writeTo(tree: RootTree, origin: string): void {
    const users = [...this.users.values()].sort((a, b) => a.uid - b.uid);
    const groups = [...this.groups.values()].sort((a, b) => a.gid - b.gid);
    const shadow = this.groups.get('shadow')?.gid ?? 0;
    const secret = { origin, mode: 0o640, gid: shadow };
    const passwd = users.map((one) => `${one.name}:x:${one.uid}:${one.gid}:${one.gecos}:${one.home}:${one.shell}\n`);
    tree.addFile('/etc/passwd', passwd.join(''), { origin });
    tree.addFile('/etc/group', groups.map((one) => `${one.name}:x:${one.gid}:${one.members.join(',')}\n`).join(''), {
      origin,
    });
    // The day of the last change is left empty: a date would differ from build to build, and 0 forces a change.
    tree.addFile('/etc/shadow', users.map((one) => `${one.name}:*::0:99999:7:::\n`).join(''), secret);
    tree.addFile('/etc/gshadow', groups.map((one) => `${one.name}:*::${one.members.join(',')}\n`).join(''), secret);
  }

  #isFree(id: number): boolean {
    return (
      ![...this.users.values()].some((one) => one.uid === id) &&
      ![...this.groups.values()].some((one) => one.gid === id)
    );
  }

  #freeId(name: string): number {
    const known = WELL_KNOWN[name];
    if (known !== undefined && this.#isFree(known)) return known;
    const span = HASHED.last - HASHED.first + 1;
    const start = createHash('sha256').update(name).digest().readUInt32BE(0) % span;
    for (let step = 0; step < span; step += 1) {
      const id = HASHED.first + ((start + step) % span);
      if (this.#isFree(id) && !RESERVED.has(id)) return id;
    }
    throw new RangeError('no system id is free');
  }
}

/** Ids of names that may come later in the same build must not go to somebody else before. */
const RESERVED = new Set(Object.values(WELL_KNOWN));

function idOf(text: string, look: (name: string) => number | undefined): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : look(text);
}

function lines(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}
