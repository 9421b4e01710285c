/**
 * Coracle's own programs as packages of a BR2_EXTERNAL tree (device/buildroot): which workspaces have them, and what they are
 * compiled from. The tree's external.mk says how.
 */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../../host/files.ts';
import { winner } from '../../../kconfig/merge.ts';
import { NOT_SET, sameValue } from '../../../kconfig/value.ts';
import type { RootProgram } from '../../../layers/layer.ts';
import type { StageInput } from '../../../stages/stage.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import { sourceInputs } from '../../device-sources.ts';
import type { BuildEnvironment } from '../../environment.ts';
import { askedPrograms } from '../../root-programs.ts';
import type { OwnSymbol } from '../configure/symbols-of-coracle.ts';
import type { ExternalTree } from '../tree/external-trees.ts';
import { checkPathForMake } from '../tree/path-for-make.ts';

/** Every package of the tree begins with it, so that a workspace that has none does not see the tree. */
const SYMBOLS = 'BR2_PACKAGE_CORACLE_';

/** Raise it when the same files are prepared in another way. */
const FORMAT = '1 vendored';

/** device/ with its crates, in the cache: where it is, or is to be, and of which files it is made. */
export interface DeviceSource {
  readonly directory: string;
  /** Of all the files. */
  readonly digest: string;
  /** Of device/, named as in the checkout. */
  readonly files: readonly StageInput[];
}

/** The package of one of Coracle's own programs. */
export const PROGRAM_SYMBOLS = {
  'coracle-oci': 'BR2_PACKAGE_CORACLE_OCI',
  'coracle-oci-agent': 'BR2_PACKAGE_CORACLE_OCI_AGENT',
} as const satisfies Readonly<Record<RootProgram, OwnSymbol>>;

/** Undefined if no layer asks for a program. Looks at the files of device/, and makes nothing. */
export function deviceSource(
  { symbols, layers }: Pick<ResolvedConfig, 'symbols' | 'layers'>,
  { installation, cache, hashes }: BuildEnvironment,
): DeviceSource | undefined {
  const programs = askedPrograms(layers.map(({ layer }) => layer)).map(({ name }) => PROGRAM_SYMBOLS[name]);
  const isAsked = [...symbols.buildroot].some(
    ([symbol, chain]) => symbol.startsWith(SYMBOLS) && !sameValue(winner(chain).value, NOT_SET),
  );
  // A fragment may say no to what a layer asks for.
  if (!isAsked && programs.every((symbol) => symbols.buildroot.has(symbol))) return undefined;
  const files = sourceInputs(join(installation, 'device'), hashes);
  const digest = sha256(JSON.stringify([FORMAT, files, hashes.file(join(installation, 'LICENSE'))]));
  return { directory: join(cache, 'buildroot/device-source', digest.slice(0, 32)), digest, files };
}

/** @throws Failure `path-not-for-make` */
export function deviceTree(source: DeviceSource, { installation }: BuildEnvironment): ExternalTree {
  const directory = realpathSync(join(installation, 'device/buildroot'));
  checkPathForMake(directory, 'Coracle itself');
  checkPathForMake(source.directory, 'the cache');
  return { layer: 'Coracle', directory, name: 'CORACLE', variables: { CORACLE_DEVICE_SOURCE: source.directory } };
}
