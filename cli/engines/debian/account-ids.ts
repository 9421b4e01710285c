/**
 * Ids that never change. Users and groups below 100 and `nobody` are those that the Debian project allocates for all its
 * systems (Debian Policy 9.2); the well-known ones above are dynamic on Debian and fixed here.
 */
import type { Group, User } from './account.ts';

const NOLOGIN = '/usr/sbin/nologin';

function user(name: string, uid: number, gid: number, home: string, gecos = name, shell = NOLOGIN): User {
  return { name, uid, gid, gecos, home, shell };
}

export const DEBIAN_USERS: readonly User[] = [
  user('root', 0, 0, '/root', 'root', '/bin/bash'),
  user('daemon', 1, 1, '/usr/sbin'),
  user('bin', 2, 2, '/bin'),
  user('sys', 3, 3, '/dev'),
  user('sync', 4, 65534, '/bin', 'sync', '/bin/sync'),
  user('games', 5, 60, '/usr/games'),
  user('man', 6, 12, '/var/cache/man'),
  user('lp', 7, 7, '/var/spool/lpd'),
  user('mail', 8, 8, '/var/mail'),
  user('news', 9, 9, '/var/spool/news'),
  user('uucp', 10, 10, '/var/spool/uucp'),
  user('proxy', 13, 13, '/bin'),
  user('www-data', 33, 33, '/var/www'),
  user('backup', 34, 34, '/var/backups'),
  user('list', 38, 38, '/var/list', 'Mailing List Manager'),
  user('irc', 39, 39, '/run/ircd', 'ircd'),
  user('_apt', 42, 65534, '/nonexistent', ''),
  user('nobody', 65534, 65534, '/nonexistent'),
];

const GROUP_IDS: Readonly<Record<string, number>> = {
  root: 0,
  daemon: 1,
  bin: 2,
  sys: 3,
  adm: 4,
  tty: 5,
  disk: 6,
  lp: 7,
  mail: 8,
  news: 9,
  uucp: 10,
  man: 12,
  proxy: 13,
  kmem: 15,
  dialout: 20,
  fax: 21,
  voice: 22,
  cdrom: 24,
  floppy: 25,
  tape: 26,
  sudo: 27,
  audio: 29,
  dip: 30,
  'www-data': 33,
  backup: 34,
  operator: 37,
  list: 38,
  irc: 39,
  src: 40,
  shadow: 42,
  utmp: 43,
  video: 44,
  sasl: 45,
  plugdev: 46,
  staff: 50,
  games: 60,
  users: 100,
  nogroup: 65534,
};

export const DEBIAN_GROUPS: readonly Group[] = Object.entries(GROUP_IDS).map(([name, gid]) => ({
  name,
  gid,
  members: [],
}));

/** Users and groups of common packages. Never change a number: devices in the field have files with it. */
export const WELL_KNOWN: Readonly<Record<string, number>> = {
  input: 101,
  sgx: 102,
  kvm: 103,
  render: 104,
  crontab: 105,
  netdev: 106,
  _ssh: 107,
  messagebus: 108,
  sshd: 109,
  docker: 110,
  polkitd: 111,
  avahi: 112,
  'avahi-autoipd': 113,
  rtkit: 114,
  uuidd: 115,
  tcpdump: 116,
  bluetooth: 117,
  gpio: 118,
  i2c: 119,
  spi: 120,
  dnsmasq: 121,
  chrony: 122,
  _chrony: 123,
  ntpsec: 124,
  _rpc: 125,
  statd: 126,
  mosquitto: 127,
  redis: 128,
  postgres: 129,
  mysql: 130,
  'systemd-journal': 999,
  'systemd-network': 998,
  'systemd-resolve': 997,
  'systemd-timesync': 996,
  'systemd-coredump': 995,
  'systemd-oom': 994,
  'systemd-journal-remote': 993,
  'systemd-journal-upload': 992,
};
