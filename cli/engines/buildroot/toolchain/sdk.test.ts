import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureOf } from '../../../../test/support/files.ts';
import { type DotConfig, parseDotConfig } from '../../../kconfig/dotconfig.ts';
import { formatAssignment } from '../../../kconfig/value.ts';
import { sdkRecipe } from './sdk-recipe.ts';
import { sdkRequest } from './sdk-request.ts';
import { externalToolchain } from './sdk-symbols.ts';
import { compilerHash, isToolchainSymbol } from './toolchain.ts';

let tree: string;

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'coracle sdk '));
  const files = {
    'arch/Config.in': 'choice\nconfig BR2_x86_64\n\tbool "x86_64"\nendchoice\nsource "arch/Config.in.x86"\n',
    'arch/Config.in.x86': 'config BR2_x86_corei7\n\tbool "corei7"\n',
    'toolchain/toolchain-buildroot/Config.in':
      'if BR2_TOOLCHAIN_BUILDROOT\nconfig BR2_TOOLCHAIN_BUILDROOT_MUSL\n\tbool "musl"\n\tsource "package/gcc/Config.in.host"\nendif\n',
    'package/gcc/Config.in.host': 'config BR2_GCC_VERSION_14_X\n\tbool "gcc 14.x"\n',
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
});
afterAll(() => {
  rmSync(tree, { recursive: true, force: true });
});

function config(...lines: readonly string[]): DotConfig {
  return parseDotConfig(lines.map((line) => `${line}\n`).join(''), { file: '.config', layer: 'test' });
}

function request(...lines: readonly string[]) {
  return sdkRequest(config(...lines), { directory: tree, version: '2026.02', newestHostGcc: 15 });
}

async function later<T>(work: () => T): Promise<T> {
  return work();
}

describe('what is asked of a toolchain alone', () => {
  const TOOLCHAIN = ['BR2_x86_64=y', 'BR2_x86_corei7=y', 'BR2_TOOLCHAIN_BUILDROOT_MUSL=y', 'BR2_GCC_VERSION_14_X=y'];

  it('has the machine, the toolchain and what its libraries are compiled with', () => {
    const { text } = request(...TOOLCHAIN, 'BR2_OPTIMIZE_2=y', 'BR2_PACKAGE_DROPBEAR=y');
    expect(text).toContain('BR2_x86_corei7=y\n');
    expect(text).toContain('BR2_GCC_VERSION_14_X=y\n');
    expect(text).toContain('BR2_OPTIMIZE_2=y\n');
    expect(text).toContain('BR2_INIT_NONE=y\n');
    expect(text).not.toContain('DROPBEAR');
  });

  it('is the same for workspaces that differ in the rest', () => {
    const one = request(...TOOLCHAIN, 'BR2_PACKAGE_DROPBEAR=y', 'BR2_PRIMARY_SITE="file:///one"');
    const two = request(...TOOLCHAIN, 'BR2_TARGET_GENERIC_HOSTNAME="two"', 'BR2_PRIMARY_SITE="file:///two"');
    expect(one.text).toBe(two.text);
    expect(one.sources).toBe('BR2_PRIMARY_SITE="file:///one"\n');
    expect(request(...TOOLCHAIN, 'BR2_OPTIMIZE_S=y').text).not.toBe(one.text);
  });

  const AS_KERNEL = ['BR2_KERNEL_HEADERS_AS_KERNEL=y', 'BR2_TOOLCHAIN_HEADERS_AT_LEAST="6.12"'];

  it('names headers that are those of a kernel', () => {
    const version = request(
      ...AS_KERNEL,
      'BR2_LINUX_KERNEL_CUSTOM_VERSION=y',
      'BR2_LINUX_KERNEL_VERSION="6.12.9"',
    ).text;
    expect(version).toContain('BR2_KERNEL_HEADERS_VERSION=y\nBR2_DEFAULT_KERNEL_VERSION="6.12.9"\n');
    expect(version).toContain('BR2_PACKAGE_HOST_LINUX_HEADERS_CUSTOM_6_12=y\n');
    expect(version).not.toContain('AS_KERNEL');
    const tarball = request(
      ...AS_KERNEL,
      'BR2_LINUX_KERNEL_CUSTOM_TARBALL=y',
      'BR2_LINUX_KERNEL_CUSTOM_TARBALL_LOCATION="file:///linux.tar.xz"',
    ).text;
    expect(tarball).toContain('BR2_KERNEL_HEADERS_CUSTOM_TARBALL_LOCATION="file:///linux.tar.xz"\n');
  });

  it('refuses headers of a kernel that cannot be named by themselves', async () => {
    const kernel = ['BR2_LINUX_KERNEL_LATEST_CIP_VERSION=y', 'BR2_LINUX_KERNEL_VERSION="5.10.209-cip44"'];
    const { parts } = await failureOf(later(() => request(...AS_KERNEL, ...kernel)));
    expect(parts).toMatchObject({ code: 'toolchain-not-shared' });
    expect(parts.cause).toContain('5.10.209-cip44');
  });
});

describe('what a toolchain is described by', () => {
  const MUSL = [
    'BR2_ARCH="aarch64"',
    'BR2_TOOLCHAIN_GCC_AT_LEAST="14"',
    'BR2_TOOLCHAIN_HEADERS_AT_LEAST="6.12"',
    'BR2_TOOLCHAIN_USES_MUSL=y',
    'BR2_INSTALL_LIBSTDCPP=y',
    'BR2_TOOLCHAIN_HAS_SSP=y',
  ];

  function described(...lines: readonly string[]): readonly string[] {
    const found = externalToolchain(config(...lines), 'file:///kept/toolchain.tar.gz');
    return found.map(({ symbol, value }) => formatAssignment(symbol, value));
  }

  it('is its own configuration', () => {
    expect(described(...MUSL)).toEqual([
      'BR2_TOOLCHAIN_EXTERNAL=y',
      'BR2_TOOLCHAIN_EXTERNAL_CUSTOM=y',
      'BR2_TOOLCHAIN_EXTERNAL_DOWNLOAD=y',
      'BR2_TOOLCHAIN_EXTERNAL_URL="file:///kept/toolchain.tar.gz"',
      'BR2_TOOLCHAIN_EXTERNAL_CUSTOM_PREFIX="aarch64-linux"',
      'BR2_TOOLCHAIN_EXTERNAL_GCC_14=y',
      'BR2_TOOLCHAIN_EXTERNAL_HEADERS_6_12=y',
      'BR2_TOOLCHAIN_EXTERNAL_CUSTOM_MUSL=y',
      'BR2_TOOLCHAIN_EXTERNAL_HAS_SSP=y',
      '# BR2_TOOLCHAIN_EXTERNAL_HAS_SSP_STRONG is not set',
      '# BR2_TOOLCHAIN_EXTERNAL_INET_RPC is not set',
      'BR2_TOOLCHAIN_EXTERNAL_CXX=y',
      '# BR2_TOOLCHAIN_EXTERNAL_DLANG is not set',
      '# BR2_TOOLCHAIN_EXTERNAL_FORTRAN is not set',
      '# BR2_TOOLCHAIN_EXTERNAL_OPENMP is not set',
    ]);
  });

  it('by no symbols but those of external toolchains', () => {
    for (const line of described('BR2_TOOLCHAIN_USES_UCLIBC=y'))
      expect(line).toMatch(/\bBR2_TOOLCHAIN_EXTERNAL(?:_|=)/);
  });

  it('of uClibc, what it was built with as well', () => {
    const lines = described('BR2_TOOLCHAIN_USES_UCLIBC=y', 'BR2_USE_WCHAR=y', 'BR2_TOOLCHAIN_HAS_THREADS=y');
    expect(lines).toContain('BR2_TOOLCHAIN_EXTERNAL_WCHAR=y');
    expect(lines).toContain('BR2_TOOLCHAIN_EXTERNAL_HAS_THREADS=y');
    expect(lines).toContain('# BR2_TOOLCHAIN_EXTERNAL_LOCALE is not set');
  });
});

describe('the name of a toolchain', () => {
  const TEXT = 'BR2_ARCH="x86_64"\nBR2_GCC_VERSION="14.3.0"\nBR2_HOST_GCC_AT_LEAST_12=y\n';
  const TREE = new Map([
    ['infrastructure', 'a'],
    ['package/gcc', 'a'],
    ['package/dropbear', 'a'],
  ]);
  const name = (text = TEXT, tree = TREE, hash = '') =>
    sdkRecipe({ first: config('BR2_GCC_VERSION="14.3.0"'), text, tree, files: { patches: new Map(), hash } }).name;

  it('changes with what it is made of, and with nothing else', () => {
    expect(name()).toMatch(/^coracle-toolchain-x86_64-[0-9a-f]{24}$/);
    expect(name(TEXT.replace('AT_LEAST_12', 'AT_LEAST_14'))).toBe(name());
    expect(name(TEXT, new Map([...TREE, ['package/dropbear', 'b']]))).toBe(name());
    expect(name(TEXT, new Map([...TREE, ['package/gcc', 'b']]))).not.toBe(name());
    expect(name(TEXT, TREE, 'patched')).not.toBe(name());
    expect(name(`${TEXT}BR2_OPTIMIZE_S=y\n`)).not.toBe(name());
  });

  it('is not given to another toolchain than the workspace asks for', async () => {
    const { parts } = await failureOf(later(() => name(TEXT.replace('14.3.0', '13.4.0'))));
    expect(parts).toMatchObject({ code: 'toolchain-not-shared', hint: expect.stringContaining('toolchain: own') });
  });
});

it('a toolchain answers what layers ask of it, and nothing else', () => {
  for (const name of [
    'GCC_VERSION_14_X',
    'KERNEL_HEADERS_VERSION',
    'DEFAULT_KERNEL_VERSION',
    'PACKAGE_GLIBC_KERNEL_COMPAT',
  ])
    expect(isToolchainSymbol(`BR2_${name}`), name).toBe(true);
  for (const name of ['LINUX_KERNEL_VERSION', 'PACKAGE_GLIBC_UTILS', 'PACKAGE_GDB'])
    expect(isToolchainSymbol(`BR2_${name}`), name).toBe(false);
});

it('ccache tells compilers apart, and nothing but them', () => {
  const hash = (...lines: readonly string[]) => compilerHash(config(...lines), { version: '2026.02' });
  const one = hash('BR2_GCC_VERSION="14.3.0"', 'BR2_PACKAGE_DROPBEAR=y');
  expect(hash('BR2_GCC_VERSION="14.3.0"')).toBe(one);
  expect(hash('BR2_GCC_VERSION="13.4.0"')).not.toBe(one);
});
