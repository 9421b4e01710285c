/** Commands that make users and groups, and those that look for them. */
import type { User } from '../account.ts';
import { applySysusers } from '../effects/sysusers.ts';
import { isKnown, UNKNOWN } from '../shell/unknown.ts';
import {
  type Arguments,
  act,
  DONE,
  FAILED,
  has,
  type Model,
  type Models,
  optionValue,
  problem,
  readArguments,
  UNSURE,
} from './model.ts';

const VALUED = [
  'home',
  'shell',
  'uid',
  'gid',
  'ingroup',
  'gecos',
  'comment',
  'firstuid',
  'lastuid',
  'firstgid',
  'lastgid',
  'conf',
  'add_extra_groups',
  'extrausers',
  'root',
];

/** `adduser --system` without a group puts the user into nogroup. */
const adduser: Model = (call, { root }) => {
  const args = readArguments(call.argv.slice(1), VALUED);
  const [name = '', group] = args.operands;
  if (group !== undefined) {
    if (isKnown(name + group) && root.accounts.groups.get(group)?.members.includes(name)) return DONE;
    return act(call, args.operands, () => root.accounts.addMember(group, name));
  }
  if (call.argv[0] === 'addgroup' || (has(args, 'group') && !has(args, 'system')))
    return addgroup(call, args, root.accounts);
  if (!has(args, 'system')) return problem('users that are people are not modelled');
  if (isKnown(name) && root.accounts.users.has(name)) return DONE;
  const inGroup = optionValue(args, 'ingroup');
  const gid = optionValue(args, 'gid');
  const uid = optionValue(args, 'uid');
  return act(call, [name], () => {
    const group = inGroup === undefined ? undefined : root.accounts.addGroup(inGroup).gid;
    const nogroup = root.accounts.groups.get('nogroup')?.gid ?? 65534;
    root.accounts.addUser(name, {
      ...userFields(args),
      ...(uid !== undefined && { uid: Number(uid) }),
      ...(has(args, 'group') ? {} : { gid: group ?? (gid === undefined ? nogroup : Number(gid)) }),
    });
    const home = optionValue(args, 'home');
    const isMade = home !== undefined && !has(args, 'no-create-home') && home !== '/nonexistent';
    const user = root.accounts.users.get(name);
    if (isMade && user !== undefined && root.kind(home) === 'none' && !home.startsWith('/run/')) {
      root.tree.addDirectory(root.path(home), { origin: `user ${name}`, uid: user.uid, gid: user.gid });
    }
  });
};

function userFields(args: Arguments): Partial<User> {
  const home = optionValue(args, 'home', 'd', 'home-dir');
  const shell = optionValue(args, 'shell', 's');
  const gecos = optionValue(args, 'gecos', 'comment', 'c');
  return {
    ...(home !== undefined && { home }),
    ...(shell !== undefined && { shell }),
    ...(gecos !== undefined && { gecos: gecos.replace(/,+$/, '') }),
  };
}

function addgroup(call: Parameters<Model>[0], args: Arguments, accounts: Parameters<Model>[1]['root']['accounts']) {
  const [name = ''] = args.operands;
  const gid = optionValue(args, 'gid', 'g');
  if (isKnown(name) && accounts.groups.has(name)) return DONE;
  return act(call, [name], () => {
    accounts.addGroup(name, gid === undefined ? undefined : Number(gid));
  });
}

const groupadd: Model = (call, { root }) => {
  const args = readArguments(call.argv.slice(1), ['g', 'gid', 'K', 'p', 'P', 'R', 'root', 'prefix']);
  return addgroup(call, args, root.accounts);
};

const useradd: Model = (call, { root }) => {
  const args = readArguments(call.argv.slice(1), [
    'b',
    'c',
    'd',
    'e',
    'f',
    'g',
    'G',
    'k',
    'K',
    'p',
    's',
    'u',
    'R',
    'P',
    'home-dir',
    'shell',
    'gid',
    'uid',
    'groups',
    'comment',
    'home',
  ]);
  const [name = ''] = args.operands;
  if (isKnown(name) && root.accounts.users.has(name)) return { status: 9 };
  const group = optionValue(args, 'g', 'gid');
  const uid = optionValue(args, 'u', 'uid');
  return act(call, call.argv, () => {
    const gid =
      group === undefined ? undefined : (root.accounts.owner(`:${group}`)?.gid ?? root.accounts.addGroup(group).gid);
    const user = root.accounts.addUser(name, {
      ...userFields(args),
      ...(uid !== undefined && { uid: Number(uid) }),
      ...(gid !== undefined && { gid }),
    });
    for (const one of (optionValue(args, 'G', 'groups') ?? '').split(',').filter((each) => each !== ''))
      root.accounts.addMember(one, name);
    if (has(args, 'm', 'create-home') && root.kind(user.home) === 'none') {
      root.tree.addDirectory(root.path(user.home), { origin: `user ${name}`, uid: user.uid, gid: user.gid });
    }
  });
};

const usermod: Model = (call, { root }) => {
  const args = readArguments(call.argv.slice(1), [
    'c',
    'd',
    'e',
    'g',
    'G',
    'l',
    's',
    'u',
    'home',
    'shell',
    'groups',
    'gid',
    'comment',
  ]);
  const [name = ''] = args.operands;
  if (isKnown(name) && !root.accounts.users.has(name)) return { status: 6 };
  return act(call, call.argv, () => {
    root.accounts.change(name, userFields(args));
    for (const group of (optionValue(args, 'G', 'groups') ?? '').split(',').filter((each) => each !== ''))
      root.accounts.addMember(group, name);
  });
};

const deluser: Model = (call, { root }) => {
  const { operands } = readArguments(call.argv.slice(1));
  const [name = ''] = operands;
  const isThere = root.accounts.users.has(name) || root.accounts.groups.has(name);
  return isKnown(name) && !isThere ? DONE : problem('removing users and groups is not modelled');
};

const getent: Model = (call, { root }) => {
  const [, database = '', key] = call.argv;
  if (key === undefined || !isKnown(database + key)) return { ...UNSURE, output: UNKNOWN };
  const { users, groups } = root.accounts;
  if (database === 'passwd') {
    const user = users.get(key) ?? [...users.values()].find((one) => String(one.uid) === key);
    if (user === undefined) return { status: 2, output: '' };
    return { status: 0, output: `${user.name}:x:${user.uid}:${user.gid}:${user.gecos}:${user.home}:${user.shell}\n` };
  }
  if (database === 'group') {
    const group = groups.get(key) ?? [...groups.values()].find((one) => String(one.gid) === key);
    if (group === undefined) return { status: 2, output: '' };
    return { status: 0, output: `${group.name}:x:${group.gid}:${group.members.join(',')}\n` };
  }
  return { ...UNSURE, output: UNKNOWN };
};

const id: Model = (call, { root }) => {
  const args = readArguments(call.argv.slice(1));
  const [name] = args.operands;
  if (name === undefined) return { status: 0, output: has(args, 'n') ? 'root\n' : '0\n' };
  const user = root.accounts.users.get(name);
  if (!isKnown(name)) return { ...UNSURE, output: UNKNOWN };
  if (user === undefined) return FAILED;
  return { status: 0, output: has(args, 'u') ? `${user.uid}\n` : has(args, 'g') ? `${user.gid}\n` : UNKNOWN };
};

const sysusers: Model = (call, { root }) => {
  const { operands } = readArguments(call.argv.slice(1), ['root', 'replace']);
  if (!operands.every(isKnown)) return problem('its files are not known before it runs');
  const paths = operands.map((name) =>
    name.startsWith('/')
      ? name
      : (['/etc/sysusers.d', '/usr/lib/sysusers.d'].map((dir) => `${dir}/${name}`).find((path) => root.resolve(path)) ??
        name),
  );
  const texts = paths.map((path) => root.readFile(path) ?? '');
  return act(call, operands, () => {
    for (const text of texts) applySysusers(text, root.accounts);
  });
};

/** dh-sysuser's program takes the user's name and home from its environment. */
const sysuserHelper: Model = (call, { root }) => {
  const name = call.environment.get('CONF_USERNAME') ?? '';
  const home = call.environment.get('CONF_HOME') ?? '/nonexistent';
  if (root.accounts.users.has(name)) return DONE;
  return act(call, [name, home], () => {
    const user = root.accounts.addUser(name, { home });
    if (home === '/nonexistent' || root.kind(home) !== 'none') return;
    root.tree.addDirectory(root.path(home), { origin: `user ${name}`, uid: user.uid, gid: user.gid });
  });
};

/** Adds what the archive's master lists have and the root has not. */
const updatePasswd: Model = (call, { root }) => {
  const passwd = root.readFile('/usr/share/base-passwd/passwd.master') ?? '';
  const group = root.readFile('/usr/share/base-passwd/group.master') ?? '';
  return act(call, [], () => root.accounts.mergeFiles(passwd, group));
};

export const ACCOUNTS: Models = {
  adduser,
  addgroup: adduser,
  groupadd,
  useradd,
  usermod,
  groupmod: (call, { root }) =>
    root.accounts.groups.has(call.argv.at(-1) ?? '') ? problem('renaming groups is not modelled') : FAILED,
  deluser,
  delgroup: deluser,
  userdel: deluser,
  groupdel: deluser,
  getent,
  id,
  'systemd-sysusers': sysusers,
  'sysuser-helper': sysuserHelper,
  'update-passwd': updatePasswd,
  // The engine writes shadow files itself.
  shadowconfig: () => DONE,
  pwconv: () => DONE,
  grpconv: () => DONE,
};
