/** What a refusal must look like, and that it changed nothing. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Ran } from './coracle.ts';

/** Exit code 1, every one of the words on stderr, nothing on stdout, and no stack trace. */
export function expectRefused(ran: Ran, words: readonly string[]): void {
  expect(ran, ran.stderr).toMatchObject({ exitCode: 1, stdout: '' });
  expect(ran.stderr).toMatch(/^error: /m);
  for (const word of words) expect(ran.stderr).toContain(word);
  expect(ran.stderr).not.toMatch(/^ {4}at /m);
  expect(ran.stderr).not.toContain('a bug in Coracle');
}

/** Path → mode, size and content of everything below a directory, for comparing. */
export type Listing = Readonly<Record<string, string>>;

/**
 * @param except paths that a refused build may write: its logs, and what it remembers of files. Never a result.
 */
export function listing(directory: string, except: RegExp = /(?!)/): Listing {
  const found: Record<string, string> = {};
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!except.test(name)) found[name] = describe(join(directory, name));
  }
  return found;
}

/** What a build that fails in the middle may leave behind in a workspace. */
export const TALK = /^workspaces\/[^/]+\/(logs(\/.*)?|hashes\.json)$/;

function describe(path: string): string {
  const stats = lstatSync(path);
  const mode = stats.mode.toString(8);
  if (stats.isSymbolicLink()) return `${mode} → ${readlinkSync(path)}`;
  if (!stats.isFile()) return mode;
  // Sparse images are hashed like any file: what matters is what is read from them.
  return `${mode} ${stats.size} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
}
