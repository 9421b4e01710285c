/**
 * Text that is not known before the script really runs. An unknown piece is one marker character inside of the text, so
 * that what is known around it stays usable in messages and patterns: `/etc/foo/<unknown>.conf`.
 */

/** U+FFFC, the object replacement character, stands in no maintainer script. */
export const UNKNOWN = '\ufffc';

export function isKnown(text: string): boolean {
  return !text.includes(UNKNOWN);
}

/** For people. */
export function showUnknown(text: string): string {
  return text.replaceAll(UNKNOWN, '…');
}

/** An exit status; undefined is not known. */
export type Status = number | undefined;

export function negate(status: Status): Status {
  if (status === undefined) return undefined;
  return status === 0 ? 1 : 0;
}
