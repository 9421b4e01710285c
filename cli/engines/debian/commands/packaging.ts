/** dpkg's and debconf's own programs, as they answer on a fresh installation. */
import { isKnown, UNKNOWN } from '../shell/unknown.ts';
import { newMode } from './access.ts';
import {
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
import { versionRelation } from './version.ts';

const dpkg: Model = (call, context) => {
  const { root } = context;
  const args = call.argv.slice(1).filter((arg) => arg !== '--');
  const at = args.indexOf('--compare-versions');
  if (at >= 0) {
    const [a = '', operator = '', b = ''] = args.slice(at + 1);
    if (![a, operator, b].every(isKnown)) return UNSURE;
    const truth = versionRelation(a, operator, b);
    return truth === undefined ? UNSURE : { status: truth ? 0 : 1 };
  }
  if (args.includes('--print-architecture')) return { status: 0, output: `${root.architecture}\n` };
  if (args.includes('--print-foreign-architectures')) return { status: 0, output: '' };
  if (args.some((arg) => /^--(?:validate|assert)-/.test(arg))) return DONE;
  return dpkgQuery(call, context);
};

/** What will be installed counts as installed; whether it already is at that moment would be a matter of order. */
const dpkgQuery: Model = (call, { root }) => {
  const args = readArguments(call.argv.slice(1), ['f', 'showformat', 'admindir']);
  const names = args.operands.map((name) => name.replace(/:.*/, ''));
  if (!names.every(isKnown) || names.length === 0) return { ...UNSURE, output: UNKNOWN };
  const isThere = (name: string): boolean => root.packages.has(name) || root.assumed.has(name);
  if (!names.some(isThere)) return { status: 1, output: '' };
  if (!has(args, 'W', 'show')) return { ...UNSURE, output: UNKNOWN };
  const format = optionValue(args, 'f', 'showformat') ?? `\${Package}\\t\${Version}\\n`;
  const lines = names.filter(isThere).map((name) => {
    const fields: Readonly<Record<string, string>> = {
      Package: name,
      Version: root.packages.get(name) ?? UNKNOWN,
      Status: 'install ok installed',
      'db:Status-Status': 'installed',
      Architecture: UNKNOWN,
    };
    return format
      .replace(/\$\{([\w:-]+)\}/g, (_, field: string) => fields[field] ?? UNKNOWN)
      .replaceAll('\\n', '\n')
      .replaceAll('\\t', '\t');
  });
  return { status: names.every(isThere) ? 0 : 1, output: lines.join('') };
};

const statOverride: Model = (call, { root }) => {
  const args = readArguments(call.argv.slice(1), ['root', 'admindir']);
  if (has(args, 'list')) {
    const path = args.operands[0] ?? '';
    return isKnown(path) ? { status: root.statOverrides.has(path) ? 0 : 1, output: '' } : UNSURE;
  }
  if (has(args, 'remove')) return DONE;
  const [user = '', group = '', mode = '', path = ''] = args.operands;
  const owner = root.accounts.owner(`${user}:${group}`);
  if (isKnown(user + group) && owner === undefined) return problem(`there is no user or group of ${user}:${group}`);
  return act(call, args.operands, () => {
    root.statOverrides.add(path);
    const entry = root.resolve(path);
    if (entry !== undefined && has(args, 'update')) {
      root.tree.setMetadata(entry.path, { ...owner, mode: newMode(mode, entry) ?? entry.mode });
    }
  });
};

const divert: Model = (call, context) => {
  const { root } = context;
  const args = readArguments(call.argv.slice(1), ['package', 'divert', 'admindir', 'instdir']);
  const own = context.package.locked.name;
  const path = optionValue(args, 'add', 'remove', 'truename', 'listpackage') ?? args.operands[0] ?? '';
  if (!isKnown(path)) return problem('the diverted path is not known before it runs');
  const known = root.diversions.get(path);
  const by = optionValue(args, 'package') ?? own;
  if (has(args, 'listpackage')) return { status: 0, output: known === undefined ? '' : `${known.by}\n` };
  if (has(args, 'truename')) return { status: 0, output: `${known?.to ?? path}\n` };
  if (has(args, 'list')) return { status: 0, output: '' };
  const rename = has(args, 'rename') && !has(args, 'no-rename');
  if (has(args, 'remove')) {
    if (known === undefined || known.by !== by) return DONE;
    return act(call, [path], () => {
      root.diversions.delete(path);
    });
  }
  const to = optionValue(args, 'divert') ?? `${path}.distrib`;
  if (known?.to === to && known.by === by) return DONE;
  return act(call, [path, to], () => {
    root.diversions.set(path, { to, by });
    const entry = root.entry(path);
    if (!rename || entry === undefined || entry.origin === `package ${by}`) return;
    root.tree.remove(entry.path);
    root.tree.put({ ...entry, path: root.path(to) });
  });
};

/** rm_conffile and its like mend what older versions left; `supports` asks whether they are there. */
const maintscriptHelper: Model = () => DONE;

const ucf: Model = (call, { root, origin }) => {
  const args = readArguments(call.argv.slice(1), ['sum-file', 'sum-dir', 'src-dir', 'state-dir', 'debug', 'd']);
  if (has(args, 'purge')) return DONE;
  const [source = '', to = ''] = args.operands;
  const from = isKnown(source) ? root.resolve(source) : undefined;
  const file = from === undefined ? undefined : root.tree.file(from.path);
  if (file === undefined) return problem('the file that it would install is not known before it runs');
  if (isKnown(to) && root.entry(to) !== undefined) return DONE;
  return act(call, args.operands, () => {
    root.tree.put({ ...file, path: root.path(to), mode: file.mode | 0o044, origin });
  });
};

const DEFAULTS = { question: /^Template:\s*(\S+)/, value: /^Default:\s*(.*)$/ };

/** The package's own answers: the defaults of its templates. */
function defaultAnswer(templates: string, question: string): string | undefined {
  let current = '';
  let answer: string | undefined;
  for (const line of templates.split('\n')) {
    current = DEFAULTS.question.exec(line)?.[1] ?? current;
    if (current === question) answer ??= DEFAULTS.question.test(line) ? undefined : DEFAULTS.value.exec(line)?.[1];
  }
  return answer ?? (templates.includes(`Template: ${question}\n`) ? '' : undefined);
}

const debconfGet: Model = (call, context) => {
  const question = call.argv[1] ?? '';
  const templates = context.package.controlFiles.get('templates') ?? '';
  const answer = context.root.answers.get(question) ?? defaultAnswer(templates, question);
  call.set('RET', answer ?? (isKnown(question) ? '' : UNKNOWN));
  return { status: answer === undefined ? 10 : 0 };
};

const debconfSet: Model = (call, { root }) => {
  const [, question = '', ...answer] = call.argv;
  if (isKnown(question)) root.answers.set(question, call.certain ? answer.join(' ') : UNKNOWN);
  return DONE;
};

const debconfOther: Model = (call) => {
  if (call.argv[0] === 'db_metaget' || call.argv[0] === 'db_fget') call.set('RET', UNKNOWN);
  return DONE;
};

const QUIET = ['version', 'capb', 'input', 'go', 'fset', 'fget', 'subst', 'reset', 'title', 'stop', 'purge', 'metaget']
  .concat(['register', 'unregister', 'beginblock', 'endblock', 'settitle', 'info', 'x_loadtemplatefile', 'progress'])
  .map((name) => `db_${name}`);

/** debconf's shell module, and others whose functions have models. */
export function isModelledModule(path: string): boolean {
  return /\/(?:confmodule(?:\.sh)?|init-functions|vars)$/.test(path);
}

/** `.`: what it takes over is either modelled, not there, or was not found in the root. */
const source: Model = (call, { root }) => {
  const path = call.argv[1] ?? '';
  if (isModelledModule(path)) return DONE;
  if (isKnown(path) && root.resolve(path) === undefined) return DONE;
  return problem('it takes over variables and functions of another file');
};

/** Programs that packages outside of the root bring, if those are taken for installed; dpkg's are always there. */
const PROVIDERS: Readonly<Record<string, string>> = {
  'deb-systemd-helper': 'init-system-helpers',
  'deb-systemd-invoke': 'init-system-helpers',
  'update-rc.d': 'init-system-helpers',
  'invoke-rc.d': 'init-system-helpers',
  adduser: 'adduser',
  addgroup: 'adduser',
  useradd: 'passwd',
  groupadd: 'passwd',
  ucf: 'ucf',
  ucfr: 'ucf',
  'pam-auth-update': 'libpam-runtime',
  'update-ca-certificates': 'ca-certificates',
};

const which: Model = (call, { root }) => {
  const name = call.argv.filter((arg) => !arg.startsWith('-')).at(-1) ?? '';
  if (!isKnown(name)) return { ...UNSURE, output: UNKNOWN };
  const provider = name.startsWith('dpkg') || name === 'update-alternatives' ? 'dpkg' : PROVIDERS[name];
  const isProvided = provider === 'dpkg' || (provider !== undefined && root.assumed.has(provider));
  const path = root.findProgram(name) ?? (isProvided ? `/usr/bin/${name}` : undefined);
  return path === undefined ? FAILED : { status: 0, output: `${path}\n` };
};

/** For `test -x`: a program by its path that is not in the root, but of a package that is taken for installed. */
export function isProvidedProgram(path: string, assumed: ReadonlySet<string>): boolean {
  const match = /^(?:\/usr)?\/s?bin\/([^/]+)$/.exec(path);
  const provider = PROVIDERS[match?.[1] ?? ''];
  return provider !== undefined && assumed.has(provider);
}

export const PACKAGING: Models = {
  dpkg,
  'dpkg-query': dpkgQuery,
  'dpkg-statoverride': statOverride,
  'dpkg-divert': divert,
  'dpkg-maintscript-helper': maintscriptHelper,
  'dpkg-trigger': () => DONE,
  'dpkg-architecture': () => ({ ...UNSURE, output: UNKNOWN }),
  ucf,
  ucfr: () => DONE,
  db_get: debconfGet,
  db_set: debconfSet,
  ...Object.fromEntries(QUIET.map((name) => [name, debconfOther])),
  '.': source,
  source,
  command: which,
  which,
  type: which,
};
