/** A copy of a disk image that a test damages: partitions, files of the boot partition, bytes of persist. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, copyFileSync, openSync, readSync, truncateSync, writeSync } from 'node:fs';

interface Extent {
  readonly offset: number;
  readonly size: number;
}

export class Medium {
  readonly path: string;

  /** Copies the image; where the file system can, without taking room. */
  constructor(image: string, path: string) {
    copyFileSync(image, path, constants.COPYFILE_FICLONE);
    this.path = path;
  }

  /** Makes the medium larger behind its last byte, as when an image is written to a larger card. */
  enlarge(mebibytes: number): void {
    truncateSync(this.path, mebibytes * 2 ** 20);
  }

  /** Where the partition with this name lies, as sfdisk sees it. */
  partition(name: string): Extent {
    const table = JSON.parse(this.#run('sfdisk', ['--json', this.path])) as {
      partitiontable: { partitions: { name?: string; start: number; size: number }[] };
    };
    const found = table.partitiontable.partitions.find((partition) => partition.name === name);
    if (found === undefined) throw new Error(`${this.path} has no partition ${name}`);
    return { offset: found.start * 512, size: found.size * 512 };
  }

  /** Complains if the partition table is not in order, both copies and all. */
  verifyTable(): string {
    return this.#run('sfdisk', ['--verify', this.path]);
  }

  deletePartition(number: number): void {
    this.#run('sfdisk', ['--quiet', '--no-reread', '--no-tell-kernel', '--delete', this.path, `${number}`]);
  }

  readBootFile(path: string): Buffer {
    return execFileSync('mcopy', ['-n', '-i', this.#fat(), `::/${path}`, '-'], { maxBuffer: 2 ** 30 });
  }

  writeBootFile(path: string, data: Uint8Array): void {
    execFileSync('mcopy', ['-o', '-i', this.#fat(), '-', `::/${path}`], { input: data });
  }

  deleteBootFile(path: string): void {
    this.#run('mdel', ['-i', this.#fat(), `::/${path}`]);
  }

  read(offset: number, size: number): Buffer {
    const buffer = Buffer.alloc(size);
    const file = openSync(this.path, 'r');
    readSync(file, buffer, 0, size, offset);
    closeSync(file);
    return buffer;
  }

  write(offset: number, data: Uint8Array): void {
    const file = openSync(this.path, 'r+');
    writeSync(file, data, 0, data.length, offset);
    closeSync(file);
  }

  /** e2fsck's opinion of persist, without changing anything: 0 is clean. */
  checkPersist(): number {
    const { offset } = this.partition('coracle-persist');
    try {
      this.#run('e2fsck', ['-f', '-n', `${this.path}?offset=${offset}`]);
      return 0;
    } catch (error) {
      return (error as { status: number }).status;
    }
  }

  #fat(): string {
    return `${this.path}@@${this.partition('coracle-boot').offset}`;
  }

  #run(program: string, args: readonly string[]): string {
    const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env });
  }
}
