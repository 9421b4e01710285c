/**
 * Which versions of gcc and of the kernel's headers a release of Buildroot knows of an external toolchain, read from its
 * own Kconfig file: newer ones than a release knows have no symbol there.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../failure.ts';

export interface KnownVersions {
  /** Major versions of gcc, newest first. */
  readonly gcc: readonly number[];
  /** `[6, 1]`, newest first. */
  readonly headers: readonly (readonly [number, number])[];
}

const FILE = 'toolchain/toolchain-external/toolchain-external-custom/Config.in.options';

/** @throws Failure `not-buildroot` */
export async function knownVersions(tree: string): Promise<KnownVersions> {
  const file = join(tree, FILE);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Failure({
      code: 'not-buildroot',
      message: `${tree} is no Buildroot that takes an external toolchain`,
      place: { file },
      cause: error.message,
      hint: 'name the top directory of a release from 2022.11 on',
    });
  });
  const gcc = [...text.matchAll(/^config BR2_TOOLCHAIN_EXTERNAL_GCC_(\d+)$/gm)].map(([, major]) => Number(major));
  const headers = [...text.matchAll(/^config BR2_TOOLCHAIN_EXTERNAL_HEADERS_(\d+)_(\d+)$/gm)].map(
    ([, major, minor]) => [Number(major), Number(minor)] as const,
  );
  return { gcc: gcc.sort((a, b) => b - a), headers: headers.sort(newestFirst) };
}

/** Headers of a newer kernel than the newest that is known pass as that one. */
export function nearestHeaders(
  { headers }: KnownVersions,
  actual: readonly [number, number],
): readonly [number, number] | undefined {
  return headers.find((known) => newestFirst(known, actual) >= 0);
}

function newestFirst(a: readonly [number, number], b: readonly [number, number]): number {
  return b[0] - a[0] || b[1] - a[1];
}
