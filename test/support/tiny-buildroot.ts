/**
 * A project for the buildroot engine on a real tree, for tests of the real command line: its packages are in an external tree
 * of its own with their sources beside them, toolchain and tools are the machine's. It has no kernel, so no image.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, type TestContext } from 'vitest';
import { sha256 } from '../../cli/host/files.ts';
import { writeTree } from './files.ts';
import { CACHE } from './small-project.ts';

/** Names the tree. */
const TREE = process.env['CORACLE_BUILDROOT'];

export interface TinyProject {
  readonly directory: string;
  readonly cache: string;
  readonly variables: { readonly CORACLE_BUILDROOT: string; readonly CORACLE_CACHE: string };
  /** Where the one download comes to lie. */
  readonly download: string;
}

/** Skips the test, and says so, where no tree is named. */
export function tinyProject(context: TestContext): TinyProject {
  if (TREE === undefined) {
    process.stderr.write(`skipped: ${context.task.name}: CORACLE_BUILDROOT names no Buildroot tree\n`);
    context.skip('CORACLE_BUILDROOT names no Buildroot tree');
  }
  const directory = plainDirectory();
  const layer = join(directory, 'layers/my/app');
  const sources = join(layer, 'buildroot_ext/sources');
  const hello = archive(sources, 'hello-1.0', {
    'hello.c': 'int main(void) { return 0; }\n',
    COPYING: 'as you like\n',
  });
  const blob = archive(sources, 'blob-2', { 'blob.bin': 'blob' });
  writeTree(directory, {
    'coracle.yaml': `layers:
  - path: layers
workspaces:
  tiny:
    engine: buildroot
    arch: x86_64
    layers: [my/app]
    buildroot: {toolchain: machine, hostTools: machine}
`,
    'layers/LICENSE': 'the layers\n',
    'layers/my/app/layer.yaml': 'description: All that there is\nprovides: [base]\n',
    'layers/my/app/root_overlay/etc/motd': 'hello\n',
    'layers/my/app/buildroot/app': `BR2_INIT_NONE=y
BR2_SYSTEM_BIN_SH_NONE=y
# BR2_PACKAGE_BUSYBOX is not set
BR2_PACKAGE_HELLO=y
`,
    'layers/my/app/buildroot_patches/hello/0001-say-nothing.patch': `--- a/hello.c
+++ b/hello.c
@@ -1 +1 @@
-int main(void) { return 0; }
+int main(void) { return 1; }
`,
    'layers/my/app/buildroot_ext/external.desc': 'name: TINY\n',
    'layers/my/app/buildroot_ext/external.mk': 'include $(sort $(wildcard $(BR2_EXTERNAL_TINY_PATH)/package/*/*.mk))\n',
    'layers/my/app/buildroot_ext/Config.in': `config BR2_PACKAGE_HELLO
	bool "hello"
	select BR2_PACKAGE_BLOB

config BR2_PACKAGE_BLOB
	bool "blob"
`,
    'layers/my/app/buildroot_ext/package/hello/hello.mk': packageText('HELLO', {
      VERSION: '1.0',
      LICENSE: 'MIT (library), GPL-2.0+',
      LICENSE_FILES: 'COPYING',
      DEPENDENCIES: 'blob',
    }),
    'layers/my/app/buildroot_ext/package/hello/hello.hash': [
      `sha256  ${hello}  hello-1.0.tar.gz`,
      `sha256  ${sha256('as you like\n')}  COPYING`,
      '',
    ].join('\n'),
    'layers/my/app/buildroot_ext/package/blob/blob.mk': packageText('BLOB', {
      VERSION: '2',
      LICENSE: 'PROPRIETARY',
      REDISTRIBUTE: 'NO',
    }),
    'layers/my/app/buildroot_ext/package/blob/blob.hash': `sha256  ${blob}  blob-2.tar.gz\n`,
  });
  const cache = join(directory, 'cache');
  // Compiled once for all tests.
  const programs = join(CACHE.CORACLE_CACHE, 'device');
  if (existsSync(programs)) cpSync(programs, join(cache, 'device'), { recursive: true });
  return {
    directory,
    cache,
    variables: { CORACLE_BUILDROOT: TREE, CORACLE_CACHE: cache },
    download: join(cache, 'downloads/buildroot/hello/hello-1.0.tar.gz'),
  };
}

/** Buildroot does not work in a path with a blank. */
function plainDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-tiny-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function packageText(name: string, values: Readonly<Record<string, string>>): string {
  const given = Object.entries(values).map(([key, value]) => `${name}_${key} = ${value}\n`);
  return `${given.join('')}${name}_SITE = file://$(BR2_EXTERNAL_TINY_PATH)/sources
$(eval $(generic-package))
`;
}

/** Writes `<name>.tar.gz`; gives its SHA-256. */
function archive(directory: string, name: string, files: Readonly<Record<string, string>>): string {
  writeTree(join(directory, name), files);
  const data = execFileSync('tar', ['--create', '--gzip', '--directory', directory, name]);
  writeFileSync(join(directory, `${name}.tar.gz`), data);
  return sha256(data);
}
