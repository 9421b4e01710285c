/**
 * PAM's common files, as pam-auth-update makes them: the templates of /usr/share/pam with the blocks of the profiles in
 * /usr/share/pam-configs that are on by default, highest priority first.
 */
import { lastName } from '../../../rootfs/path.ts';
import type { ConfiguredRoot } from '../configured-root.ts';

const ORIGIN = 'pam-auth-update';
const KINDS = ['auth', 'account', 'password', 'session', 'session-noninteractive'] as const;
type Kind = (typeof KINDS)[number];

interface Profile {
  readonly name: string;
  readonly priority: number;
  readonly isDefault: boolean;
  /** `Auth-Type` … → `Primary`; `Auth`, `Auth-Initial` … → lines. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
}

export function writePamFiles(root: ConfiguredRoot): void {
  const profiles = root
    .list('/usr/share/pam-configs')
    .flatMap((name) => readProfile(root.readFile(`/usr/share/pam-configs/${name}`) ?? '', name))
    .filter((profile) => profile.isDefault)
    .sort((a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1));
  for (const kind of KINDS) {
    const template = root.readFile(`/usr/share/pam/common-${kind}`);
    if (template === undefined) continue;
    root.tree.addFile(`/etc/pam.d/common-${kind}`, fillTemplate(template, kind, profiles), { origin: ORIGIN });
  }
}

function readProfile(text: string, file: string): Profile[] {
  const fields = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of text.split('\n')) {
    const match = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
    if (match !== null) {
      current = (match[2] ?? '') === '' ? [] : [match[2] ?? ''];
      // What must come last is sorted by priority like the rest.
      fields.set((match[1] ?? '').replace(/-Final$/, ''), current);
    } else if (/^\s+\S/.test(line)) current.push(line.trim());
  }
  if (fields.size === 0) return [];
  return [
    {
      name: lastName(file),
      priority: Number(fields.get('Priority')?.[0] ?? 0),
      isDefault: fields.get('Default')?.[0] === 'yes',
      fields,
    },
  ];
}

/** The template's `$auth_primary` and the like stand between marker comments, which stay. */
function fillTemplate(template: string, kind: Kind, profiles: readonly Profile[]): string {
  const name = kind === 'session-noninteractive' ? 'session_nonint' : kind;
  return template
    .split('\n')
    .flatMap((line) => {
      const block = new RegExp(`^\\$${name}_(primary|additional)$`).exec(line)?.[1];
      if (block === undefined) return [line];
      return blockLines(kind, block === 'primary' ? 'Primary' : 'Additional', profiles);
    })
    .join('\n');
}

function blockLines(kind: Kind, block: 'Primary' | 'Additional', profiles: readonly Profile[]): string[] {
  const field = kind === 'session-noninteractive' ? 'Session' : `${kind[0]?.toUpperCase()}${kind.slice(1)}`;
  const type = kind === 'session-noninteractive' ? 'session' : kind;
  const chosen = profiles.filter(
    (profile) =>
      profile.fields.get(`${field}-Type`)?.[0] === block &&
      !(kind === 'session-noninteractive' && profile.fields.get('Session-Interactive-Only')?.[0] === 'yes'),
  );
  const groups = chosen.map((profile, index) => {
    const initial = index === 0 ? profile.fields.get(`${field}-Initial`) : undefined;
    return initial ?? profile.fields.get(field) ?? [];
  });
  if (groups.length === 0 && block === 'Primary') return [`${type}\t[default=1]\t\t\tpam_permit.so`];
  const total = groups.reduce((sum, lines) => sum + lines.length, 0);
  let before = 0;
  return groups.flat().map((line) => {
    before += 1;
    // `end` is the number of lines to the end of the block.
    return `${type}\t${line.replace(/\bend\b/g, String(total - before + 1))}`;
  });
}
