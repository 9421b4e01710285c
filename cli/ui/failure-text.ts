/** A failure as people read it: what, where (with the line and a mark below it), why, what to do. */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { FailureParts, Place } from '../failure.ts';

const TELLING_LINES = 12;
/** Of a line that a program said; what a terminal shows of it in a few rows. */
const TELLING_LENGTH = 500;
/** Of a line of a file. */
const SHOWN_LENGTH = 160;

export function failureText(failure: FailureParts, cwd: string): string {
  const lines = [`error: ${failure.message}`];
  if (failure.place !== undefined) lines.push(...placeLines(failure.place, cwd));
  if (failure.layer !== undefined) lines.push(`  layer: ${failure.layer}`);
  if (failure.cause !== undefined && failure.cause !== '') {
    const cause = failure.wholeCause === true ? failure.cause.split('\n') : tellingLines(failure.cause);
    lines.push(...cause.map((line) => (line === '' ? '' : `  ${line}`)));
  }
  if (failure.hint !== undefined)
    lines.push(...failure.hint.split('\n').map((l, i) => (i === 0 ? `  hint: ${l}` : `        ${l}`)));
  if (failure.log !== undefined) lines.push(`  log: ${relativeTo(cwd, failure.log)}`);
  if (failure.retry !== undefined) lines.push(`  try again: ${failure.retry}`);
  return lines.join('\n');
}

/** The lines that tell most: from the first one that speaks of an error, else the last ones. */
export function tellingLines(cause: string): string[] {
  const lines = cause.split('\n').filter((line) => line.trim() !== '');
  const first = lines.findIndex((line) => /\b(error|failed|fatal|cannot|no such|not found|denied)\b/i.test(line));
  const from = first === -1 ? Math.max(0, lines.length - TELLING_LINES) : first;
  return lines
    .slice(from, from + TELLING_LINES)
    .map((line) => (line.length > TELLING_LENGTH ? `${line.slice(0, TELLING_LENGTH)} …` : line));
}

export function placeText(place: Place, cwd: string): string {
  const position =
    place.line === undefined ? '' : `:${place.line}${place.column === undefined ? '' : `:${place.column}`}`;
  return `${relativeTo(cwd, place.file)}${position}`;
}

function placeLines(place: Place, cwd: string): string[] {
  const head = `  at ${placeText(place, cwd)}`;
  const source = place.line === undefined ? undefined : sourceLine(place.file, place.line);
  if (source === undefined) return [head];
  const number = String(place.line);
  const shown = source.slice(0, SHOWN_LENGTH);
  const lines = [head, `  ${number} | ${shown}`];
  if (place.column !== undefined && place.column <= SHOWN_LENGTH) {
    const mark = '^'.repeat(Math.max(1, Math.min(place.length ?? 1, shown.length - place.column + 1)));
    lines.push(`  ${' '.repeat(number.length)} | ${' '.repeat(place.column - 1)}${mark}`);
  }
  return lines;
}

function sourceLine(file: string, line: number): string | undefined {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/)[line - 1];
  } catch {
    return undefined;
  }
}

function relativeTo(cwd: string, path: string): string {
  const short = relative(cwd, path);
  return short === '' || short.startsWith('../..') ? path : short;
}
