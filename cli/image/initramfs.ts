/**
 * The stage that writes the initramfs: coracle-init, the kernel modules that it loads, the list of them in order, empty
 * directories to mount on, and /dev/null. docs/boot.md says what is in it.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import type { InitramfsModule, StageFile } from '../engines/engine.ts';
import { Failure } from '../failure.ts';
import type { Stage } from '../stages/stage.ts';
import { type CpioMember, writeCpio } from './cpio.ts';
import { type FileFacts, fileFacts } from './file-facts.ts';

/** Level 19 would save 0.1 MB and take 20 times as long. */
const LEVEL = 9;

export const INITRAMFS_FILE = 'initramfs';
/** JSON {@link FileFacts}, beside the file. */
export const INITRAMFS_FACTS = 'facts.json';

/** Name of the file in the stage of the program that becomes /init. */
const INIT_PROGRAM = 'coracle-init';
const MOUNT_POINTS = ['dev', 'proc', 'sys', 'run', 'sysroot'] as const;
/** A kernel without a console starts init without standard streams, and Rust's programs end at once unless they find this. */
const NULL: CpioMember = { type: 'device', device: 'char', path: 'dev/null', mode: 0o666, major: 1, minor: 3 };

export function initramfsStage(modules: StageFile, initProgram: Stage): Stage {
  return {
    name: 'initramfs',
    title: 'pack the initramfs',
    needs: [modules.stage, initProgram],
    inputs: async () => [{ name: 'format of initramfs', hash: `2 newc zstd ${LEVEL} ${process.versions['zstd']}` }],
    run: async (context) => {
      const list = await readModules(join(context.outputOf(modules.stage), modules.path));
      const init = await readFile(join(context.outputOf(initProgram), INIT_PROGRAM));
      const archive = writeCpio(await initramfsMembers(init, list));
      const packed = await compress(archive, {
        params: { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_checksumFlag]: 1 },
        pledgedSrcSize: archive.length,
      });
      const path = join(context.output, INITRAMFS_FILE);
      await writeFile(path, packed);
      const facts: FileFacts = await fileFacts(path);
      await writeFile(join(context.output, INITRAMFS_FACTS), JSON.stringify(facts));
      return { digest: facts.sha256 };
    },
  };
}

const compress = promisify(zstdCompress);

/** All that is in the initramfs, directories first. @throws Failure `duplicate-module` */
export async function initramfsMembers(
  init: Uint8Array,
  modules: readonly InitramfsModule[],
): Promise<readonly CpioMember[]> {
  const names = modules.map((module) => basename(module.file));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new Failure({
      code: 'duplicate-module',
      message: `two modules of the initramfs have the file name ${twice}`,
      cause: modules
        .filter((module) => basename(module.file) === twice)
        .map((module) => module.file)
        .join('\n'),
    });
  }
  const files = await Promise.all(
    modules.map(async (module): Promise<CpioMember> => {
      const data = await readFile(module.file);
      return { type: 'file', path: `modules/${basename(module.file)}`, mode: 0o644, data };
    }),
  );
  const order = names.map((name) => `${name}\n`).join('');
  return [
    ...[...MOUNT_POINTS, 'modules'].map((path): CpioMember => ({ type: 'directory', path, mode: 0o755 })),
    NULL,
    { type: 'file', path: 'init', mode: 0o755, data: init },
    { type: 'file', path: 'modules/order', mode: 0o644, data: Buffer.from(order) },
    ...files,
  ];
}

async function readModules(list: string): Promise<readonly InitramfsModule[]> {
  const modules = JSON.parse(await readFile(list, 'utf8')) as readonly InitramfsModule[];
  return modules.map((module) => ({ ...module, file: resolve(dirname(list), module.file) }));
}
