/** manifest.json of a slot, as docs/boot.md has it: what the slot holds, what it was made of, and what protects it. */
import type { PackageRecord, ToolchainFacts } from '../engines/engine.ts';
import { Failure } from '../failure.ts';
import { sha256 } from '../host/files.ts';
import type { Architecture } from '../layers/layer.ts';
import type { EngineName } from '../workspace/resolved.ts';
import type { FileFacts } from './file-facts.ts';
import type { Revision } from './revision.ts';
import type { Verity } from './verity.ts';

export const MANIFEST_FILE = 'manifest.json';

/** What a slot is; with it fixed, so is the version. */
export interface SlotContent {
  readonly arch: Architecture;
  /** Layer of the board. */
  readonly board: string;
  readonly kernelRelease: string;
  readonly kernelParameters: readonly string[];
  readonly files: readonly FileFacts[];
  readonly verity: Verity;
}

/** Where it came from. */
export interface SlotOrigin {
  readonly workspace: string;
  readonly engine: EngineName;
  /** See EngineOutput; an image for development, then. */
  readonly fromMachine?: readonly string[] | undefined;
  readonly toolchain?: ToolchainFacts | undefined;
  readonly layers: readonly LayerOrigin[];
  readonly packages: readonly PackageRecord[];
  /** Of the project, the directory of coracle.yaml. */
  readonly revision: Revision | undefined;
}

export interface LayerOrigin {
  readonly name: string;
  readonly revision: Revision | undefined;
}

/** As it is in the file, in the order of its keys. `commit` and `dirty` are those of the project. */
export interface Manifest extends SlotContent, Partial<Revision> {
  readonly format: 1;
  readonly version: string;
  readonly workspace: string;
  readonly engine: EngineName;
  readonly fromMachine?: readonly string[];
  readonly toolchain?: ToolchainFacts;
  readonly layers: readonly ({ readonly name: string } & Partial<Revision>)[];
  readonly packages: readonly PackageRecord[];
}

export function makeManifest(release: string, content: SlotContent, origin: SlotOrigin): Manifest {
  return {
    format: 1,
    version: slotVersion(release, content),
    workspace: origin.workspace,
    arch: content.arch,
    board: content.board,
    engine: origin.engine,
    ...(origin.fromMachine === undefined ? {} : { fromMachine: origin.fromMachine }),
    ...(origin.toolchain === undefined ? {} : { toolchain: toolchainOf(origin.toolchain) }),
    kernelRelease: content.kernelRelease,
    kernelParameters: content.kernelParameters,
    files: content.files,
    verity: content.verity,
    ...origin.revision,
    layers: origin.layers.map(({ name, revision }) => ({ name, ...revision })),
    packages: origin.packages,
  };
}

function toolchainOf({ name, parts }: ToolchainFacts): ToolchainFacts {
  return { ...(name === undefined ? {} : { name }), parts };
}

/** It is a directory and a part of file names on FAT, where `+` stands before a boot counter. */
const RELEASE = /^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}$/;

/**
 * `<release>-<12 hex>`: the digits follow from the content alone, so the same content has the same version wherever and
 * from whichever commit it was built.
 *
 * @throws Failure `bad-version`
 */
export function slotVersion(release: string, content: SlotContent): string {
  if (!RELEASE.test(release)) {
    throw new Failure({
      code: 'bad-version',
      message: `the workspace's version ${JSON.stringify(release)} cannot be part of a file name on the boot partition`,
      hint: 'use letters, digits and . _ ~ -, at most 64 of them',
    });
  }
  const { arch, board, kernelRelease, kernelParameters, files, verity } = content;
  const digest = sha256(JSON.stringify([arch, board, kernelRelease, kernelParameters, files, verity.rootHash]));
  return `${release}-${digest.slice(0, 12)}`;
}

/** Bytes; the device reads no larger one (device/crates/manifest). */
const LARGEST = 2 ** 20;

/** @throws Failure `manifest-too-large` */
export function manifestText(manifest: Manifest): string {
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  const size = Buffer.byteLength(text);
  if (size <= LARGEST) return text;
  throw new Failure({
    code: 'manifest-too-large',
    message: `the manifest of workspace ${manifest.workspace} has ${size} bytes; a device reads at most ${LARGEST}`,
    cause: `it names ${manifest.packages.length} packages and ${manifest.layers.length} layers`,
    hint: 'leave out packages that the image does not need',
  });
}
