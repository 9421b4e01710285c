/**
 * The bundle of certificate authorities, and the links that update-ca-certificates makes beside it for programs that look
 * into the directory: by name, and by OpenSSL's hash of the subject.
 */
import { lastName } from '../../../rootfs/path.ts';
import type { ConfiguredRoot } from '../configured-root.ts';
import { subjectHash } from './certificate-hash.ts';

const ORIGIN = 'update-ca-certificates';
const SHIPPED = '/usr/share/ca-certificates';
const LOCAL = '/usr/local/share/ca-certificates';
const CERTS = '/etc/ssl/certs';

export function writeCertificates(root: ConfiguredRoot): void {
  const paths = [...certificatesBelow(root, SHIPPED), ...certificatesBelow(root, LOCAL)];
  if (paths.length === 0) return;
  const listed = paths.filter((path) => path.startsWith(SHIPPED)).map((path) => path.slice(SHIPPED.length + 1));
  root.tree.addFile('/etc/ca-certificates.conf', listed.map((name) => `${name}\n`).join(''), { origin: ORIGIN });
  const texts: string[] = [];
  const hashes = new Map<string, number>();
  for (const path of paths) {
    const text = root.readFile(path) ?? '';
    texts.push(text.endsWith('\n') ? text : `${text}\n`);
    const name = lastName(path)
      .replace(/\.crt$/, '.pem')
      .replace(/[ ]/g, '_')
      .replace(/[()]/g, '=')
      .replace(/,/g, '_');
    root.tree.addLink(`${CERTS}/${name}`, path, { origin: ORIGIN });
    const hash = subjectHash(text);
    if (hash === undefined) continue;
    // Of certificates with the same subject each has a number of its own.
    const number = hashes.get(hash) ?? 0;
    hashes.set(hash, number + 1);
    root.tree.addLink(`${CERTS}/${hash}.${number}`, name, { origin: ORIGIN });
  }
  root.tree.addFile(`${CERTS}/ca-certificates.crt`, texts.join(''), { origin: ORIGIN });
}

function certificatesBelow(root: ConfiguredRoot, directory: string): string[] {
  return root.tree
    .below(directory)
    .map((entry) => entry.path)
    .filter((path) => path.endsWith('.crt'))
    .sort();
}
