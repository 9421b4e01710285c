/** What can be wrong with putting an entry into a root tree, said with the names of everyone involved. */
import { Failure } from '../failure.ts';
import type { Entry } from './entry.ts';

export function badPath(path: string, origin: string): Failure {
  return new Failure({
    code: 'bad-path',
    message: `${origin}: ${JSON.stringify(path)} is no path of a root file system`,
    hint: 'a path is absolute and has no empty, "." or ".." parts',
  });
}

export function conflict(entry: Entry, path: string, there: Entry | undefined): Failure {
  return new Failure({
    code: 'path-conflict',
    message: `${entry.origin} puts a ${entry.type} at ${entry.path}, but ${there?.path ?? path} is a ${there?.type ?? 'link to nothing'} from ${there?.origin ?? 'elsewhere'}`,
    cause: 'a directory and something else cannot have the same path',
    hint: 'leave one of the two out',
  });
}

/** @param putting who puts what */
export function emptiedLink(putting: string, link: Entry, directory: Entry): Failure {
  return new Failure({
    code: 'path-conflict',
    message: `${putting} at ${link.path}, which is a link to the directory ${directory.path}, from ${link.origin}`,
    cause: `nothing that is in ${directory.path} could be found below ${link.path} any more`,
    hint: `a directory of this name is copied into ${directory.path}`,
  });
}

export function escaped(path: string, doing: string): Failure {
  return new Failure({
    code: 'path-escape',
    message: `${doing}: ${path} leaves the root file system`,
    cause: 'a ".." in the path or in a link on the way climbs above /',
  });
}

export function loop(link: Entry, doing: string): Failure {
  return new Failure({
    code: 'link-loop',
    message: `${doing}: the link ${link.path} from ${link.origin} leads back to itself`,
  });
}

export function danglingHardLink(entry: Entry & { type: 'hardlink' }): Failure {
  return new Failure({
    code: 'dangling-hard-link',
    message: `${entry.origin}: ${entry.path} is a hard link to ${entry.target}, which is no file of the root`,
  });
}
