/** Keeps a project's copies of the JSON Schemas as this version has them; editors would mark new keys as wrong otherwise. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../host/files.ts';
import { writing } from '../host/system-failure.ts';
import { SCHEMA_DIRECTORY, schemaFiles } from './project-files.ts';

/** @returns the files written, relative to the project; none if it has no copies. */
export async function refreshSchemas(project: string): Promise<readonly string[]> {
  if (!existsSync(join(project, SCHEMA_DIRECTORY))) return [];
  const stale = Object.entries(schemaFiles()).filter(([name, text]) => {
    const file = join(project, name);
    return !existsSync(file) || readFileSync(file, 'utf8') !== text;
  });
  for (const [name, text] of stale) {
    const file = join(project, name);
    await writing(file, () => writeFileAtomic(file, text));
  }
  return stale.map(([name]) => name);
}
