/** Packages of a few files, made by dpkg-deb while a test runs, and an archive of them on disk. For tests only. */
import { chmod, copyFile, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type DownloadOptions, downloadPath } from '../../cli/engines/debian/apt/download.ts';
import { PrivateApt } from '../../cli/engines/debian/apt/private-apt.ts';
import { type Composed, type ComposeOptions, composePackages } from '../../cli/engines/debian/compose-packages.ts';
import { type UnpackedPackage, unpackPackages } from '../../cli/engines/debian/unpacked.ts';
import { sha256File } from '../../cli/host/files.ts';
import { runCommand } from '../../cli/host/process.ts';
import type { LockedPackage } from '../../cli/workspace/lock-schema.ts';

export interface TinyPackage {
  readonly name: string;
  readonly version?: string;
  /** More fields of the control file, `Depends: other`. */
  readonly control?: readonly string[];
  /** Path → text; `-> target` makes a link, a text that begins with `#!` an executable. */
  readonly files?: Readonly<Record<string, string>>;
  readonly preinst?: string;
  readonly postinst?: string;
  readonly triggers?: string;
  readonly templates?: string;
}

export class TinyArchive implements AsyncDisposable {
  /** Removed with all below. */
  readonly directory: string;
  readonly cache: string;
  readonly mirror: string;

  private constructor(directory: string) {
    this.directory = directory;
    this.cache = join(directory, 'cache');
    this.mirror = join(directory, 'mirror');
  }

  static async make(): Promise<TinyArchive> {
    return new TinyArchive(await mkdtemp(join(tmpdir(), 'coracle tiny ')));
  }

  /** Builds packages into the mirror. */
  async add(...packages: readonly TinyPackage[]): Promise<LockedPackage[]> {
    return Promise.all(packages.map((one) => this.#build(one)));
  }

  downloads(more: Partial<DownloadOptions> = {}): DownloadOptions {
    const keyring = '/dev/null';
    const source = {
      archive: 'debian',
      uris: [encodeURI(`file:${this.mirror}`)],
      suites: ['x'],
      components: ['main'],
      keyring,
    } as const;
    const apt = (): Promise<PrivateApt> =>
      PrivateApt.open({ cache: this.cache, arch: 'x86_64', sources: [source], log: join(this.directory, 'log') });
    return { cache: this.cache, offline: false, apt, ...more };
  }

  /** Packages as if they had been fetched and unpacked. */
  async unpacked(...packages: readonly TinyPackage[]): Promise<UnpackedPackage[]> {
    const locked = await this.add(...packages);
    for (const one of locked) {
      await mkdir(join(this.cache, 'downloads'), { recursive: true });
      await copyFile(this.file(one), downloadPath(this.cache, one.sha256));
    }
    return unpackPackages(locked, this.downloads());
  }

  /** A root of these packages. */
  async compose(packages: readonly TinyPackage[], more: Partial<ComposeOptions> = {}): Promise<Composed> {
    return composePackages(await this.unpacked(...packages), {
      architecture: 'amd64',
      assumed: new Set(),
      exclude: [],
      effects: [],
      ...more,
    });
  }

  /** Where the mirror has a package. */
  file(one: LockedPackage): string {
    return join(this.mirror, one.uri.slice(one.uri.indexOf(':') + 1));
  }

  async #build(one: TinyPackage): Promise<LockedPackage> {
    const version = one.version ?? '1.0-1';
    const tree = await mkdtemp(join(this.directory, 'build-'));
    await chmod(tree, 0o755);
    for (const [path, text] of Object.entries(one.files ?? {})) {
      const file = join(tree, path);
      await mkdir(dirname(file), { recursive: true });
      if (text.startsWith('-> ')) await symlink(text.slice(3), file);
      else await writeFile(file, text, { mode: text.startsWith('#!') ? 0o755 : 0o644 });
    }
    const control = [
      `Package: ${one.name}`,
      `Version: ${version}`,
      'Architecture: amd64',
      'Maintainer: A Test <test@example.org>',
      'Description: made by a test',
      ...(one.control ?? []),
      '',
    ].join('\n');
    await mkdir(join(tree, 'DEBIAN'));
    await writeFile(join(tree, 'DEBIAN', 'control'), control);
    for (const script of ['preinst', 'postinst'] as const) {
      const text = one[script];
      if (text !== undefined) await writeFile(join(tree, 'DEBIAN', script), text, { mode: 0o755 });
    }
    for (const name of ['triggers', 'templates'] as const) {
      const text = one[name];
      if (text !== undefined) await writeFile(join(tree, 'DEBIAN', name), text);
    }
    const path = `pool/main/${one.name}_${version.replace(/^\d+:/, '')}_amd64.deb`;
    const file = join(this.mirror, path);
    await mkdir(dirname(file), { recursive: true });
    await runCommand({
      argv: ['dpkg-deb', '--root-owner-group', '-Zgzip', '--build', tree, file],
      cwd: this.directory,
    });
    await rm(tree, { recursive: true });
    return {
      name: one.name,
      version,
      arch: 'amd64',
      sha256: await sha256File(file),
      size: (await stat(file)).size,
      uri: `debian:${path}`,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** A maintainer script that does what `body` says when it is called as on a fresh installation. */
export function script(body: string): string {
  return `#!/bin/sh\nset -e\n${body}\n`;
}
