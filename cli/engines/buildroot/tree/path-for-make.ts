/**
 * Paths as make takes them: a list of names ends at each blank, `$` begins a variable, `#` a comment, and a colon separates
 * BR2_EXTERNAL trees. Such a path is refused before the first make, instead of failing somewhere in the middle.
 */
import { Failure } from '../../../failure.ts';

/** @param what for the message: `the Buildroot tree`, `the workspace small`. @throws Failure `path-not-for-make` */
export function checkPathForMake(path: string, what: string, layer?: string): void {
  const odd = /[^\w@%+=,./~-]/.exec(path)?.[0];
  if (odd === undefined) return;
  throw new Failure({
    code: 'path-not-for-make',
    message: `${what} is in a directory with a name that Buildroot cannot work with`,
    place: { file: path },
    cause: `its makefiles take ${JSON.stringify(odd)} for something else`,
    hint: 'move it to a path of letters, digits and @ % + = , . ~ _ - ; the debian engine takes any path',
    layer,
  });
}
