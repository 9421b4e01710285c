/**
 * One path of a root file system, with where its bytes are. A root tree is a sorted list of these; nothing is unpacked
 * until an image is written, which needs no privileges and little memory.
 */

/** Where a file's bytes are. */
export type Content =
  /** A range of a file, e.g. a member of an uncompressed tar in the cache. Offsets and sizes in bytes. */
  | { readonly kind: 'slice'; readonly file: string; readonly offset: number; readonly size: number }
  | { readonly kind: 'bytes'; readonly data: Uint8Array };

interface EntryBase {
  /** Absolute, normalised, no trailing slash; `/` is the root itself. */
  readonly path: string;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Who put it here, for messages: `package podman`, `layer base/systemd`, `effect users`. */
  readonly origin: string;
  /** Extended attributes, e.g. `security.capability` for a file capability. */
  readonly xattrs?: Readonly<Record<string, Uint8Array>>;
}

export type Entry =
  | (EntryBase & { readonly type: 'file'; readonly content: Content })
  | (EntryBase & { readonly type: 'directory' })
  | (EntryBase & { readonly type: 'symlink'; readonly target: string })
  /** `target` is the absolute path of a file entry. */
  | (EntryBase & { readonly type: 'hardlink'; readonly target: string })
  | (EntryBase & {
      readonly type: 'device';
      readonly device: 'char' | 'block';
      readonly major: number;
      readonly minor: number;
    })
  | (EntryBase & { readonly type: 'fifo' });
