/** Users and groups that a sysusers.d(5) file declares. */
import type { Accounts } from '../accounts.ts';

export function applySysusers(text: string, accounts: Accounts): void {
  const rows = text
    .split('\n')
    .filter((line) => /^[ugm]/.test(line))
    .map((line) => words(line));
  // Groups first, so that a user's group is there whatever the order of the lines.
  for (const [type, name = '', id] of rows) {
    if (type === 'g' && !accounts.groups.has(name)) accounts.addGroup(name, fixedId(id));
  }
  for (const [type, name = '', id, gecos, home, shell] of rows) {
    if (!/^u/.test(type ?? '')) continue;
    const [uid, gid] = (id ?? '-').split(':');
    const group = gid === undefined ? undefined : accounts.owner(`:${gid}`)?.gid;
    const number = fixedId(uid);
    accounts.addUser(name, {
      ...(number !== undefined && { uid: number }),
      ...(group !== undefined && { gid: group }),
      gecos: gecos === undefined || gecos === '-' ? '' : gecos,
      home: home === undefined || home === '-' ? '/' : home,
      shell: shell === undefined || shell === '-' ? '/usr/sbin/nologin' : shell,
    });
  }
  for (const [type, name = '', group = ''] of rows) if (type === 'm') accounts.addMember(group, name);
}

function fixedId(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
}
