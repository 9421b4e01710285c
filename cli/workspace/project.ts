/**
 * A project: the directory with coracle.yaml, or the current one if there is none. In come a directory and environment
 * variables, out comes what the rest needs to know of them; layers are looked for only when one is asked for.
 */
import { lstatSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Failure } from '../failure.ts';
import { didYouMean } from '../kconfig/nearest.ts';
import { readYamlFile } from '../layers/yaml-file.ts';
import type { YamlFile } from '../layers/yaml-value.ts';
import { type ProjectData, ProjectSchema } from './project-schema.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Project {
  /** Where the command was started; paths in the environment are relative to it. */
  readonly cwd: string;
  /** Of coracle.yaml; overrides/, workspaces/ and coracle.lock are here too. */
  readonly directory: string;
  /** Coracle's own checkout, which has the shipped layers. */
  readonly installation: string;
  readonly environment: Environment;
  /** coracle.yaml, if there is one. */
  readonly yaml: YamlFile<ProjectData> | undefined;
  /** In the order of coracle.yaml. */
  workspaceNames(): readonly string[];
}

const PROJECT_FILE = 'coracle.yaml';

/**
 * Looks for coracle.yaml in `cwd` and above.
 *
 * @throws Failure, all mistakes in coracle.yaml at once.
 */
export async function loadProject(cwd: string, environment: Environment, installation: string): Promise<Project> {
  const file = findUpwards(resolve(cwd), PROJECT_FILE);
  const yaml = file === undefined ? undefined : readYamlFile(file, ProjectSchema);
  if (yaml !== undefined) checkProject(yaml);
  return {
    cwd: resolve(cwd),
    directory: file === undefined ? resolve(cwd) : dirname(file),
    installation,
    environment,
    yaml,
    workspaceNames: () => Object.keys(yaml?.data.workspaces ?? {}),
  };
}

/** What a schema cannot say. */
function checkProject(yaml: YamlFile<ProjectData>): void {
  const { data } = yaml;
  const names = Object.keys(data.workspaces ?? {});
  if (data.default !== undefined && !names.includes(data.default)) {
    throw new Failure({
      code: 'unknown-workspace',
      message: `the default workspace ${JSON.stringify(data.default)} is not in the file`,
      place: yaml.placeOf(['default']),
      hint: didYouMean(data.default, names) ?? `workspaces: ${names.join(', ')}`,
    });
  }
  const urls = new Set<string>();
  for (const [index, root] of (data.layers ?? []).entries()) {
    if (!('git' in root)) continue;
    if (urls.has(root.git)) {
      throw new Failure({
        code: 'bad-value',
        message: 'the same repository is listed twice',
        place: yaml.placeOf(['layers', index, 'git']),
        hint: 'coracle.lock holds one commit for a repository',
      });
    }
    urls.add(root.git);
  }
}

function findUpwards(directory: string, name: string): string | undefined {
  const file = join(directory, name);
  // A link that leads nowhere counts as there, and reading it says what is wrong.
  if (lstatSync(file, { throwIfNoEntry: false }) !== undefined) return file;
  const above = dirname(directory);
  return above === directory ? undefined : findUpwards(above, name);
}
