/**
 * All that a shared toolchain is made from, and its name by that: two workspaces whose recipes have the same name have the
 * same toolchain.
 */
import { Failure } from '../../../failure.ts';
import { sha256 } from '../../../host/files.ts';
import { type DotConfig, parseDotConfig } from '../../../kconfig/dotconfig.ts';
import { sameValue } from '../../../kconfig/value.ts';
import type { TreeParts } from '../tree/buildroot-tree.ts';
import { type SdkFiles, TOOLCHAIN_PACKAGES } from './sdk-files.ts';
import { stringOf } from './sdk-request.ts';
import { isToolchainSymbol } from './toolchain.ts';

/** Raise it when the same inputs give another toolchain. */
const FORMAT = '1';

export interface SdkRecipe {
  /** `coracle-toolchain-x86_64-<hash>`: of the tarball, and of the directory in it. */
  readonly name: string;
  /** What Kconfig made of it. */
  readonly config: DotConfig;
  readonly patches: SdkFiles['patches'];
  /** `gcc 14.3.0`, for people. */
  readonly parts: readonly string[];
}

export interface RecipeParts {
  /** The workspace's configuration as it is with an internal toolchain. */
  readonly first: DotConfig;
  /** The toolchain's own, as Kconfig wrote it. */
  readonly text: string;
  readonly tree: TreeParts;
  readonly files: SdkFiles;
}

/** @throws Failure `toolchain-not-shared` if the toolchain alone would be another one */
export function sdkRecipe({ first, text, tree, files }: RecipeParts): SdkRecipe {
  const own = parseDotConfig(text, { file: '.config', layer: 'Buildroot' });
  refuseAnother(first, own);
  const key = sha256(
    JSON.stringify([
      FORMAT,
      // The machine that builds it is none of its properties.
      [...own].filter(([symbol]) => !/^BR2_HOST_GCC_AT_LEAST/.test(symbol)),
      // What changes in the tree's other packages does not make it anew.
      [...tree].filter(([name]) => name === 'infrastructure' || TOOLCHAIN_PACKAGES.has(name.replace(/^package\//, ''))),
      files.hash,
    ]),
  );
  const libc = ['glibc', 'musl', 'uclibc'].find((one) => own.has(`BR2_TOOLCHAIN_USES_${one.toUpperCase()}`));
  return {
    name: `coracle-toolchain-${stringOf(own, 'BR2_ARCH')}-${key.slice(0, 24)}`,
    config: own,
    patches: files.patches,
    parts: [
      `gcc ${stringOf(own, 'BR2_GCC_VERSION')}`,
      `binutils ${stringOf(own, 'BR2_BINUTILS_VERSION')}`,
      libc ?? 'no C library',
      `headers of Linux ${stringOf(own, 'BR2_TOOLCHAIN_HEADERS_AT_LEAST')}`,
    ],
  };
}

/** Symbols that say where headers come from differ where they are “as the kernel”; what they are must not. */
const HEADERS_FROM = /KERNEL_HEADERS|DEFAULT_KERNEL|HOST_LINUX_HEADERS/;

function refuseAnother(first: DotConfig, own: DotConfig): void {
  const others = [...first]
    .filter(([symbol]) => symbol === 'BR2_TOOLCHAIN_HEADERS_AT_LEAST' || isToolchainSymbol(symbol))
    .filter(([symbol, value]) => !HEADERS_FROM.test(symbol) && !sameValue(value, own.get(symbol)))
    .map(([symbol]) => symbol);
  if (others.length === 0) return;
  throw new Failure({
    code: 'toolchain-not-shared',
    message: 'the toolchain of this workspace cannot be built by itself',
    cause: `without the rest of the workspace, Kconfig decides otherwise about ${others.join(', ')}`,
    hint: 'write toolchain: own under buildroot: in coracle.yaml',
  });
}
