/** Files that packages give to the boot partition (a boot loader), taken out of packages that are not in the root. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../../failure.ts';
import { sha256 } from '../../host/files.ts';
import { ContentReader, contentSize } from '../../rootfs/content.ts';
import { readTarEntries } from '../../rootfs/tar-entries.ts';
import { RootTree } from '../../rootfs/tree.ts';
import type { Stage } from '../../stages/stage.ts';
import type { ResolvedConfig } from '../../workspace/resolved.ts';
import type { BootFile } from '../engine.ts';
import type { BuildEnvironment } from '../environment.ts';
import { readPackages } from './packages-stage.ts';
import { unpackedPath } from './unpacked.ts';

export const BOOT_FILES = 'boot-files.json';

interface WantedFile {
  readonly package: string;
  readonly from: string;
  readonly to: string;
  readonly layer: string;
  readonly file: string;
}

export function bootFilesStage(config: ResolvedConfig, environment: BuildEnvironment, packages: Stage): Stage {
  const wanted = wantedFiles(config);
  return {
    name: 'boot-files',
    title: 'take the boot loader',
    needs: [packages],
    inputs: async () => [
      { name: 'boot files', hash: sha256(JSON.stringify(wanted.map((one) => [one.package, one.from, one.to]))) },
    ],
    run: async (context) => {
      const locked = await readPackages(context, packages);
      const files: BootFile[] = [];
      const hashes: string[] = [];
      using reader = new ContentReader();
      for (const one of wanted) {
        const found = locked.find((each) => each.name === one.package);
        const tree = new RootTree();
        if (found !== undefined) {
          const tar = join(unpackedPath(environment.cache, found.sha256), 'data.tar');
          for (const entry of await readTarEntries(tar, `package ${one.package}`)) tree.put(entry);
        }
        const file = tree.file(one.from);
        if (file === undefined) throw noSuchFile(one);
        const data = reader.read(file.content, 0, contentSize(file.content));
        await mkdir(dirname(join(context.output, 'files', one.to)), { recursive: true });
        await writeFile(join(context.output, 'files', one.to), data);
        // From where the list stands: a project may be moved.
        files.push({ path: one.to, file: join('files', one.to) });
        hashes.push(one.to, sha256(data));
      }
      await writeFile(join(context.output, BOOT_FILES), JSON.stringify(files));
      return { digest: sha256(JSON.stringify(hashes)) };
    },
  };
}

function wantedFiles(config: ResolvedConfig): WantedFile[] {
  const { arch } = config;
  return config.layers.flatMap(({ layer }) =>
    layer.debian.bootFiles.flatMap((one) => {
      const [name, from, to] = [one.package[arch], one.from[arch], one.to[arch]];
      if (name === undefined || from === undefined || to === undefined) return [];
      return [{ package: name, from, to, layer: layer.name, file: join(layer.directory, 'layer.yaml') }];
    }),
  );
}

function noSuchFile(one: WantedFile): Failure {
  return new Failure({
    code: 'no-boot-file',
    message: `the package ${one.package} has no file ${one.from}`,
    place: { file: one.file },
    layer: one.layer,
    hint: 'correct `from` of the boot file',
  });
}
