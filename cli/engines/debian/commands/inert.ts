/**
 * Commands that change nothing in an image: those that only print or filter, those that talk to a running system, and
 * those whose result the device makes itself.
 */
import { UNKNOWN } from '../shell/unknown.ts';
import { DONE, FAILED, type Model, type Models, problem, UNSURE } from './model.ts';

const done: Model = () => DONE;
const failed: Model = () => FAILED;

/** Reads standard input and files, writes standard output, which is not known. */
const filter: Model = (call) => {
  if (call.argv[0] === 'perl' && call.argv.some((arg) => /^-\w*i/.test(arg))) {
    return problem('it changes a file in a way that has no model');
  }
  return { ...UNSURE, output: UNKNOWN };
};

const echo: Model = (call) => {
  const args = call.argv.slice(1);
  const bare = args[0] === '-n' || args[0] === '-e' ? args.slice(1) : args;
  return { status: 0, output: bare.join(' ') + (args[0] === '-n' ? '' : '\n') };
};

const printf: Model = (call) => {
  const [format = '', ...values] = call.argv.slice(1).filter((arg, index) => !(index === 0 && arg === '--'));
  if (!/^(?:[^%\\]|%s|%%|\\n|\\t|\\\\)*$/.test(format)) return { status: 0, output: UNKNOWN };
  let output = '';
  do {
    output += format.replace(/%s|%%|\\[nt\\]/g, (match) => {
      if (match === '%s') return values.shift() ?? '';
      return { '%%': '%', '\\n': '\n', '\\t': '\t', '\\\\': '\\' }[match] ?? match;
    });
  } while (values.length > 0 && format.includes('%s'));
  return { status: 0, output };
};

const seq: Model = (call) => {
  const numbers = call.argv.slice(1).map(Number);
  if (numbers.length === 0 || !numbers.every(Number.isInteger)) return { ...UNSURE, output: UNKNOWN };
  const [first, step, last] =
    numbers.length === 1 ? [1, 1, numbers[0]] : numbers.length === 2 ? [numbers[0], 1, numbers[1]] : numbers;
  const output: string[] = [];
  for (let n = first ?? 1; step !== undefined && step !== 0 && output.length < 1000; n += step) {
    if (step > 0 ? n > (last ?? 0) : n < (last ?? 0)) break;
    output.push(`${n}\n`);
  }
  return { status: 0, output: output.join('') };
};

const xargs: Model = (call) => (call.stdin === '' ? DONE : problem('what it would run is not known before'));

const uname: Model = (call) => {
  const outputs: Readonly<Record<string, string>> = { '-s': 'Linux', '-o': 'GNU/Linux' };
  return { status: 0, output: `${outputs[call.argv[1] ?? '-s'] ?? UNKNOWN}\n` };
};

const SHELL = ['wait', 'sleep', 'sync', ':', 'true', 'ulimit', 'hash', 'exec', 'alias'];
/** They need a running system, or act on one only. */
const RUNNING = [
  'invoke-rc.d',
  'deb-systemd-invoke',
  'service',
  'start-stop-daemon',
  'initctl',
  'telinit',
  'udevadm',
  'journalctl',
  'sysctl',
  'killall',
  'kill',
  'pkill',
  'dbus-send',
  'modprobe',
  'restorecon',
  'selinuxenabled',
  'apparmor_parser',
  'apt-key',
  'swapoff',
  'logger',
  'MAKEDEV',
  'fc-cache',
  'vgcfgbackup',
];
/**
 * Caches and indexes that the device makes itself or does not need: byte code, manual pages, message catalogues, hardware
 * database, initramfs, boot loader menus. The dynamic linker's cache is made at the end, when all libraries are there.
 */
const MADE_ELSEWHERE = [
  'ldconfig',
  'py3compile',
  'py3clean',
  'pycompile',
  'mandb',
  'update-menus',
  'install-info',
  'update-info-dir',
  'update-initramfs',
  'update-grub',
  'update-desktop-database',
  'update-mime-database',
  'update-icon-caches',
  'gtk-update-icon-cache',
  'systemd-hwdb',
  'systemd-tmpfiles',
  'systemd-update-utmp',
  'update-secureboot-policy',
  'runit-helper',
  'update-inetd',
  'update-perl-sax-parsers',
  // Catalogues for validating XML and SGML, indexes that libraries can do without.
  'update-xmlcatalog',
  'update-catalog',
  'gio-querymodules',
  'update-fonts-dir',
  'update-fonts-scale',
  'update-fonts-alias',
  'update-gsfontmap',
];
const PRINTERS = [
  'awk',
  'gawk',
  'mawk',
  'perl',
  'md5sum',
  'sha256sum',
  'sha1sum',
  'cksum',
  'tac',
  'expr',
  'date',
  'df',
  'du',
  'ps',
  'fold',
  'fmt',
  'paste',
  'comm',
  'join',
  'nl',
  'od',
  'hostname',
  'nproc',
  'getconf',
  'locale',
  'mount',
  'mountpoint',
  'ucfq',
  'whoami',
  'tty',
  'lsb_release',
  'openssl',
  'apt-cache',
  'systemd-detect-virt',
  'systemd-escape',
  'systemd-path',
  'runlevel',
  'blkid',
  'pam_getenv',
  'base64',
  'zcat',
  'gunzip',
  'file',
  'ip',
];
/** What they ask for is not so while an image is made. */
const NEVER = ['false', 'pidof', 'pgrep', 'aa-enabled', 'aa-status', 'running-in-container', 'fuser'];

function all(names: readonly string[], model: Model): Models {
  return Object.fromEntries(names.map((name) => [name, model]));
}

export const INERT: Models = {
  ...all([...SHELL, ...RUNNING, ...MADE_ELSEWHERE], done),
  ...all(PRINTERS, filter),
  ...all(NEVER, failed),
  ischroot: done,
  echo,
  printf,
  seq,
  xargs,
  uname,
};
