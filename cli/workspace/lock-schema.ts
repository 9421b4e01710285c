/** What coracle.lock holds, as data and as the schema that checks it. */
import * as z from 'zod/mini';

const Hash = z.string().check(z.regex(/^[0-9a-f]{64}$/, 'not a SHA-256 in lower-case hex'));
const Commit = z.string().check(z.regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/, 'not a full commit'));

const LockedPackage = z.strictObject({
  name: z.string(),
  version: z.string(),
  arch: z.string(),
  sha256: Hash,
  size: z.int().check(z.nonnegative()),
  uri: z.string(),
  /** Fetched, but not part of the root: kernels, boot loaders. */
  beside: z.optional(z.literal(true)),
  /** Installed only so that maintainer scripts can run (`scripts: run`), and taken out of the root again. */
  tool: z.optional(z.literal(true)),
});

const GitPin = z.strictObject({ rev: z.string(), commit: Commit });

const DebianLock = z.strictObject({ request: z.string(), arch: z.string(), packages: z.array(LockedPackage) });

export const LockFile = z.strictObject({
  format: z.literal(1),
  git: z._default(z.record(z.string(), GitPin), {}),
  debian: z._default(z.record(z.string(), DebianLock), {}),
});

/** One package of a workspace, exactly. */
export type LockedPackage = Readonly<z.infer<typeof LockedPackage>>;

/** What `rev` of a repository of layers was when it was last looked up. */
export type GitPin = Readonly<z.infer<typeof GitPin>>;

export interface DebianLock {
  /** Hash of what was asked for; a lock of another request is stale. */
  readonly request: string;
  readonly arch: string;
  /** Written sorted by name, then architecture. */
  readonly packages: readonly LockedPackage[];
}

export interface LockFile {
  /** By URL, as written in coracle.yaml. */
  readonly git: Readonly<Record<string, GitPin>>;
  /** By workspace. */
  readonly debian: Readonly<Record<string, DebianLock>>;
}
