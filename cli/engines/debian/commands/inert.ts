/**
 * Commands that change nothing in an image: those that only print or filter, those that talk to a running system, and
 * those whose result the device makes itself.
 */
import { isKnown, UNKNOWN } from '../shell/unknown.ts';
import { DONE, FAILED, type Model, type Models, problem, readArguments, UNSURE } from './model.ts';

const done: Model = () => DONE;
const failed: Model = () => FAILED;
const unsure: Model = () => ({ ...UNSURE, output: UNKNOWN });

/** Reads standard input, writes standard output. Files that it would write make it a problem. */
const filter: Model = (call) => {
  if (call.argv.some((arg) => /^-i|^--in-place/.test(arg)) && /^(?:sed|perl)$/.test(call.argv[0] ?? '')) {
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

/** Only where both the text and the pattern are plain; what is given no text has nothing to find. */
const grep: Model = (call, { root }) => {
  const args = readArguments(call.argv.slice(1), ['e', 'm', 'A', 'B', 'C', 'f']);
  const [pattern, ...files] = args.operands;
  const texts = files.length > 0 ? files.map((file) => root.readFile(file) ?? '') : [call.stdin ?? UNKNOWN];
  if (texts.every((text) => text === '')) return FAILED;
  const isPlain = pattern !== undefined && /^\^?[\w/.:@ -]*\$?$/.test(pattern) && !args.options.has('v');
  if (!isPlain || !texts.every(isKnown) || args.options.has('c')) return { ...UNSURE, output: UNKNOWN };
  const source = pattern.replace(/[.]/g, args.options.has('F') ? '\\.' : '.');
  const regex = new RegExp(args.options.has('x') ? `^(?:${source})$` : source, args.options.has('i') ? 'i' : '');
  const hits = texts.flatMap((text) => text.split('\n').filter((line) => line !== '' && regex.test(line)));
  const output = args.options.has('q') ? '' : hits.map((line) => `${line}\n`).join('');
  return { status: hits.length > 0 ? 0 : 1, output };
};

const find: Model = (call) =>
  call.argv.some((arg) => /^-(?:delete|exec|execdir|ok|fprint)/.test(arg))
    ? problem('what it would find and change is not modelled')
    : { ...UNSURE, output: UNKNOWN };

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

const SHELL = ['trap', 'wait', 'sleep', 'sync', ':', 'true', 'ulimit', 'hash', 'cd', 'exec', 'alias'];
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
];
/**
 * Caches and indexes that the device makes itself or does not need: byte code, manual pages, the dynamic linker's cache
 * (every library is where the linker looks), message catalogues, hardware database, initramfs, boot loader menus.
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
];
const FILTERS = [
  'sed',
  'awk',
  'gawk',
  'mawk',
  'perl',
  'tr',
  'cut',
  'sort',
  'uniq',
  'head',
  'tail',
  'wc',
  'md5sum',
  'sha256sum',
  'sha1sum',
  'cksum',
  'tac',
  'expr',
  'date',
  'ls',
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
];
/** What they ask for is not so while an image is made. */
const NEVER = ['false', 'pidof', 'pgrep', 'aa-enabled', 'aa-status', 'running-in-container', 'fuser'];

function all(names: readonly string[], model: Model): Models {
  return Object.fromEntries(names.map((name) => [name, model]));
}

export const INERT: Models = {
  ...all([...SHELL, ...RUNNING, ...MADE_ELSEWHERE], done),
  ...all(FILTERS, filter),
  ...all(NEVER, failed),
  ischroot: done,
  egrep: unsure,
  fgrep: unsure,
  echo,
  printf,
  grep,
  seq,
  find,
  xargs,
  uname,
};
