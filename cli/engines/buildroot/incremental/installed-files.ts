/**
 * Who installed what: Buildroot writes, for each package, the files that its installation put into the target, the staging
 * and the host directory (`.files-list*.txt` in its build directory, a line `<package>,./<path>` each).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeEmptyAbove } from './empty-directories.ts';

interface Area {
  /** Of the list's name: `.files-list<suffix>.txt`. */
  readonly suffix: '' | '-staging' | '-host';
  readonly directory: string;
}

export class InstalledFiles {
  readonly #output: string;
  readonly #areas: readonly Area[];
  /** Area's suffix and path → build directories that list it. */
  readonly #owners = new Map<string, string[]>();
  /** Build directory → what it lists. */
  readonly #listed = new Map<string, { readonly area: Area; readonly path: string }[]>();

  constructor(output: string) {
    this.#output = output;
    const staging = stagingDirectory(output);
    this.#areas = [
      { suffix: '', directory: join(output, 'target') },
      ...(staging === undefined ? [] : [{ suffix: '-staging', directory: staging } as const]),
      { suffix: '-host', directory: join(output, 'host') },
    ];
    const build = join(output, 'build');
    for (const name of existsSync(build) ? readdirSync(build) : []) this.#read(join('build', name));
  }

  #read(stampDirectory: string): void {
    for (const area of this.#areas) {
      const list = join(this.#output, stampDirectory, `.files-list${area.suffix}.txt`);
      if (!existsSync(list)) continue;
      for (const line of readFileSync(list, 'utf8').split('\n')) {
        const path = line.slice(line.indexOf(',') + 1).replace(/^\.\//, '');
        if (path === '' || path.split('/').includes('..')) continue;
        const key = `${area.suffix}\0${path}`;
        const owners = this.#owners.get(key);
        if (owners === undefined) this.#owners.set(key, [stampDirectory]);
        else if (!owners.includes(stampDirectory)) owners.push(stampDirectory);
        const listed = this.#listed.get(stampDirectory);
        if (listed === undefined) this.#listed.set(stampDirectory, [{ area, path }]);
        else listed.push({ area, path });
      }
    }
  }

  /**
   * Removes what a package alone installed, and the directories that are empty then.
   *
   * @param stampDirectory below the output directory: `build/busybox-1.37.0`
   * @param skeleton see {@link removeEmptyAbove}
   */
  async remove(stampDirectory: string, skeleton: string): Promise<void> {
    for (const { area, path } of this.#listed.get(stampDirectory) ?? []) {
      const owners = this.#owners.get(`${area.suffix}\0${path}`) ?? [];
      if (owners.length !== 1) continue;
      await rm(join(area.directory, path), { force: true });
      await removeEmptyAbove(area.directory, path, skeleton);
    }
  }

  /** Paths of the target directory (`/bin/busybox`) → the build directory whose package was the first to put a file there. */
  *inTarget(): Generator<readonly [string, string]> {
    for (const [key, [first = '']] of this.#owners) if (key.startsWith('\0')) yield [`/${key.slice(1)}`, first];
  }

  /** The build directories whose packages installed a file of the target directory. */
  ownersOf(path: string): readonly string[] {
    return this.#owners.get(`\0${path.replace(/^\//, '')}`) ?? [];
  }
}

/** `staging` is a link to it. */
function stagingDirectory(output: string): string | undefined {
  const link = join(output, 'staging');
  return existsSync(link) ? link : undefined;
}
