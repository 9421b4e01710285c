/** Programs of single packages that write one well-known file or set of files. */
import { writeCertificates } from '../effects/certificates.ts';
import { writePamFiles } from '../effects/pam.ts';
import { act, DONE, type Model, type Models, problem } from './model.ts';

const pamAuthUpdate: Model = (call, { root }) => {
  if (call.argv.includes('--remove')) return DONE;
  if (call.argv.some((arg) => /^--(?:enable|disable)/.test(arg)))
    return problem('choosing PAM profiles is not modelled');
  return act(call, [], () => writePamFiles(root));
};

const updateCaCertificates: Model = (call, { root }) => act(call, [], () => writeCertificates(root));

/** Login shells; `add-shell` and `remove-shell` keep the list, update-shells makes it of /usr/share/debianutils/shells.d. */
const addShell: Model = (call, { root, origin }) =>
  act(call, call.argv, () => {
    const before = root.readFile('/etc/shells') ?? '# /etc/shells: valid login shells\n';
    const missing = call.argv.slice(1).filter((shell) => !before.split('\n').includes(shell));
    root.writeFile('/etc/shells', before + missing.map((shell) => `${shell}\n`).join(''), { origin });
  });

const updateShells: Model = (call, { root, origin }) =>
  act(call, [], () => {
    const directory = '/usr/share/debianutils/shells.d';
    const lists = ['/usr/share/debianutils/shells', ...root.list(directory).map((name) => `${directory}/${name}`)];
    const shells = lists
      .flatMap((path) => (root.readFile(path) ?? '').split('\n'))
      .filter((line) => line.startsWith('/') && root.resolve(line) !== undefined);
    const both = shells.flatMap((shell) => (shell.startsWith('/usr') ? [shell] : [shell, `/usr${shell}`]));
    const lines = [...new Set(both)].map((shell) => `${shell}\n`).join('');
    root.writeFile('/etc/shells', `# /etc/shells: valid login shells\n${lines}`, { origin });
  });

/** An index that a library needs only where there is something to index. */
function indexOf(directory: string, what: string): Model {
  return (_call, { root }) =>
    root.list(directory).length === 0 ? DONE : problem(`the index of ${what} is not made yet`);
}

export const SYSTEM_FILES: Models = {
  'pam-auth-update': pamAuthUpdate,
  'update-ca-certificates': updateCaCertificates,
  'add-shell': addShell,
  'remove-shell': () => DONE,
  'update-shells': updateShells,
  'glib-compile-schemas': indexOf('/usr/share/glib-2.0/schemas', 'GSettings schemas'),
};
