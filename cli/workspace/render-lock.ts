/**
 * Writes coracle.lock as text: sorted, one pin or package a line, so that a diff of two locks reads as a list of changes.
 * JSON's strings are YAML's, which spares a YAML writer that would need as many options as this has lines.
 */
import type { DebianLock, GitPin, LockedPackage, LockFile } from './lock-schema.ts';

const HEADER = '# Written by coracle: exact versions of what the workspaces use. Commit it; coracle update moves it.\n';

export function renderLock(lock: LockFile): string {
  const git = sortedEntries(lock.git).map(([url, pin]) => `  ${scalar(url)}: ${pinText(pin)}\n`);
  const debian = sortedEntries(lock.debian).map(([workspace, part]) => `  ${scalar(workspace)}:\n${debianText(part)}`);
  return [
    HEADER,
    'format: 1\n',
    git.length > 0 ? `git:\n${git.join('')}` : '',
    debian.length > 0 ? `debian:\n${debian.join('')}` : '',
  ].join('');
}

function pinText(pin: GitPin): string {
  return `{rev: ${scalar(pin.rev)}, commit: ${scalar(pin.commit)}}`;
}

function debianText(part: DebianLock): string {
  const head = `    request: ${scalar(part.request)}\n    arch: ${scalar(part.arch)}\n`;
  if (part.packages.length === 0) return `${head}    packages: []\n`;
  const packages = part.packages.toSorted((a, b) => order(a.name, b.name) || order(a.arch, b.arch));
  return `${head}    packages:\n${packages.map((one) => `      - ${packageText(one)}\n`).join('')}`;
}

function packageText(one: LockedPackage): string {
  const fields = [
    `name: ${scalar(one.name)}`,
    `version: ${JSON.stringify(one.version)}`,
    `arch: ${scalar(one.arch)}`,
    `size: ${one.size}`,
    `sha256: ${JSON.stringify(one.sha256)}`,
    `uri: ${JSON.stringify(one.uri)}`,
    ...(one.beside ? ['beside: true'] : []),
    ...(one.tool ? ['tool: true'] : []),
  ];
  return `{${fields.join(', ')}}`;
}

/** Plain where YAML cannot take it for anything but a string; a hash of digits and one `e` would be a number. */
function scalar(text: string): string {
  return /^[a-z][a-z0-9]*([._+-][a-z0-9]+)*$/.test(text) && !RESERVED.has(text) ? text : JSON.stringify(text);
}

const RESERVED = new Set(['true', 'false', 'null', 'yes', 'no', 'on', 'off', 'y', 'n']);

function sortedEntries<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => order(a, b));
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
