import type { FileHashes } from '../stages/file-hashes.ts';

/** Where a build finds and keeps things outside of its workspace. */
export interface BuildEnvironment {
  /** Coracle's own checkout: shipped layers, device/, board-support/. */
  readonly installation: string;
  /** Directory of the user's coracle.yaml; coracle.lock and workspaces/ are here. */
  readonly project: string;
  /** Content-addressed cache shared by workspaces and projects: $CORACLE_CACHE or ~/.cache/coracle. */
  readonly cache: string;
  /** Use nothing but the cache. */
  readonly offline: boolean;
  /** Hashes of the user's files for stage inputs; remembers between runs by stat(). */
  readonly hashes: FileHashes;
}
