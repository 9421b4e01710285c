/** Files of accounts that an overlay brings: a line with too few fields is one that every program passes over. */
import { Failure } from '../failure.ts';

/** Path → number of fields of a line. */
const FIELDS: ReadonlyMap<string, number> = new Map([
  ['/etc/passwd', 7],
  ['/etc/group', 4],
  ['/etc/shadow', 9],
  ['/etc/gshadow', 4],
]);

/** @returns `bad-accounts` for each line that is none */
export function accountMistakes(path: string, data: Uint8Array, file: string): readonly Failure[] {
  const fields = FIELDS.get(path);
  if (fields === undefined) return [];
  const text = Buffer.from(data).toString('utf8');
  return text.split('\n').flatMap((line, index) => {
    // As libc reads them; a plus or minus is for NIS.
    if (line.trim() === '' || /^[#+-]/.test(line) || line.split(':').length === fields) return [];
    return [
      new Failure({
        code: 'bad-accounts',
        message: `a line of ${path} has ${fields} fields, separated by colons; this one has ${line.split(':').length}`,
        place: { file, line: index + 1 },
        hint: 'users and groups are better added by a table in users/, which leaves those of packages as they are',
      }),
    ];
  });
}
