/** What the debian engine can do with a workspace besides building it. It compiles no packages and has no make. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stage, StageContext } from '../../../stages/stage.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { EngineTools, FetchedSources } from '../../engine-tools.ts';
import type { BuildEnvironment } from '../../environment.ts';
import { askedPrograms, deviceVersion, programFacts } from '../../root-programs.ts';
import { downloadPath } from '../apt/download.ts';
import { askedBy, workspaceRequest } from '../package-request.ts';
import { readPackages } from '../packages-stage.ts';
import { readUnpacked, unpackedPath } from '../unpacked.ts';
import { copyrightFiles } from './copyright-files.ts';
import { packageFacts } from './package-facts.ts';

/** @param kernel the stage that holds the kernel against what layers ask of it */
export function debianTools(
  config: ResolvedConfig,
  environment: BuildEnvironment,
  { packages, kernel }: { readonly packages: Stage; readonly kernel: Stage },
): EngineTools {
  const { cache } = environment;
  const needs = [packages];
  const shipped = async (context: StageContext) => {
    const locked = await readPackages(context, packages);
    return locked.filter((one) => one.tool !== true);
  };
  const copyrights = async (context: StageContext) => {
    const named = (await shipped(context)).map(({ name, sha256 }) => ({
      name,
      tar: join(unpackedPath(cache, sha256), 'data.tar'),
    }));
    return { names: named.map(({ name }) => name), texts: await copyrightFiles(named) };
  };
  return {
    configure: {
      needs: [packages, kernel],
      run: async () => ({ what: 'the kernel', asked: config.symbols.kernel.size }),
    },
    fetch: { needs, run: async (context) => fetched(cache, await readPackages(context, packages)) },
    packages: {
      needs,
      run: async (context) => {
        const packages = packageFacts(await readUnpacked(await shipped(context), cache), {
          askedBy: askedBy(workspaceRequest(config).packages),
          copyrights: (await copyrights(context)).texts,
          isKernel: (name) => /^linux-(?:image|source)-/.test(name),
        });
        const version = deviceVersion(environment.installation);
        const programs = askedPrograms(config.layers.map(({ layer }) => layer));
        return [...packages, ...programs.map((program) => programFacts(program, version))].sort((a, b) =>
          a.name < b.name ? -1 : 1,
        );
      },
    },
    legalInfo: {
      needs,
      run: async (context) => {
        const directory = join(context.output, 'debian');
        await mkdir(directory);
        const { names, texts } = await copyrights(context);
        for (const [name, text] of texts) await writeFile(join(directory, `${name}.copyright`), text);
        for (const name of names) {
          if (texts.has(name)) continue;
          context.report({ kind: 'warning', step: context.step, text: `package ${name} has no copyright file` });
        }
      },
    },
  };
}

async function fetched(cache: string, packages: readonly { readonly sha256: string }[]): Promise<FetchedSources> {
  const sizes = await Promise.all(
    // What is unpacked is not needed any more, and may be gone.
    packages.map(({ sha256 }) =>
      stat(downloadPath(cache, sha256)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return {
    files: packages.length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    directory: join(cache, 'downloads'),
  };
}
