/**
 * Reads coracle.lock as render-lock.ts writes it, line by line: every build reads it, and a YAML reader takes longer over it
 * than the rest of a build with nothing to do. What a person changed, or a merge, goes to the YAML reader.
 */
import type { DebianLock, GitPin, LockedPackage, LockFile } from './lock-schema.ts';
import { renderLock } from './render-lock.ts';

/** Undefined unless the text is exactly what rendering the result gives. */
export function parseRenderedLock(text: string): LockFile | undefined {
  const git: Record<string, GitPin> = {};
  const debian: Record<string, DebianLock & { packages: LockedPackage[] }> = {};
  let section = '';
  let workspace: { request: string; arch: string; packages: LockedPackage[] } | undefined;
  for (const line of text.split('\n')) {
    const [, indent = '', key = '', value = ''] = /^( *)("(?:[^"\\]|\\.)*"|[^\s:#-][^:]*):(?: (.*))?$/.exec(line) ?? [];
    if (line.startsWith('      - {')) workspace?.packages.push(fields(line) as unknown as LockedPackage);
    else if (indent === '') section = key;
    else if (indent === '  ' && section === 'git') git[scalar(key)] = fields(value) as unknown as GitPin;
    else if (indent === '  ' && section === 'debian') {
      workspace = { request: '', arch: '', packages: [] };
      debian[scalar(key)] = workspace;
    } else if (workspace !== undefined && (key === 'request' || key === 'arch')) workspace[key] = scalar(value);
  }
  const lock = { git, debian };
  return isValid(lock) && renderLock(lock) === text ? lock : undefined;
}

/** What the schema asks beyond there being a value. Who reads YAML says what is wrong, and where. */
function isValid({ git, debian }: LockFile): boolean {
  return (
    Object.values(git).every((pin) => /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(pin.commit)) &&
    Object.values(debian).every(({ packages }) =>
      packages.every((one) => /^[0-9a-f]{64}$/.test(one.sha256) && Number.isSafeInteger(one.size) && one.size >= 0),
    )
  );
}

function fields(flow: string): Record<string, string | number | boolean> {
  const found: Record<string, string | number | boolean> = {};
  for (const [, key = '', value = ''] of flow.matchAll(/(\w+): ("(?:[^"\\]|\\.)*"|[^,}]+)/g)) {
    found[key] = key === 'size' ? Number(value) : value === 'true' ? true : scalar(value);
  }
  return found;
}

function scalar(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    return JSON.parse(text) as string;
  } catch {
    // Rendering it again will not give this text.
    return text;
  }
}
