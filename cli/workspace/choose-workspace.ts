/**
 * Which workspace is meant: a name in coracle.yaml, a list of layers written in its place, what the environment says, or
 * the default. Out come its name, its layers and what coracle.yaml says of it.
 */
import { Failure } from '../failure.ts';
import { sha256 } from '../host/files.ts';
import { didYouMean } from '../kconfig/nearest.ts';
import { type LayerRequest, parseLayerList } from '../layers/layer-name.ts';
import type { Project } from './project.ts';
import { isWorkspaceName, WORKSPACE_NAME_RULE, type WorkspaceData } from './project-schema.ts';

export interface ChosenWorkspace {
  readonly name: string;
  /** The words of a command line that choose it again; none where the environment does. */
  readonly asked: readonly string[];
  readonly requests: readonly LayerRequest[];
  /** Undefined for an ad-hoc list. */
  readonly data: WorkspaceData | undefined;
}

/** @throws Failure `unknown-workspace`, `no-workspace`, `bad-workspace-name` */
export function chooseWorkspace(project: Project, nameOrList: string | undefined): ChosenWorkspace {
  if (nameOrList !== undefined) {
    if (!/[/,\s]/.test(nameOrList.trim())) return named(project, nameOrList.trim());
    return adHoc(nameOrList);
  }
  const fromEnvironment = environmentChoice(project);
  if (fromEnvironment !== undefined) return { ...fromEnvironment, asked: [] };
  const names = project.workspaceNames();
  const only = project.yaml?.data.default ?? (names.length === 1 ? names[0] : undefined);
  if (only !== undefined) return named(project, only);
  throw new Failure({
    code: 'no-workspace',
    message: 'which workspace?',
    place: project.yaml === undefined ? undefined : { file: project.yaml.file },
    hint:
      names.length > 0
        ? `one of ${names.join(', ')}; "default: ${names[0]}" in coracle.yaml spares the name`
        : project.yaml === undefined
          ? 'write coracle.yaml (coracle new project .), or give a list of layers, for instance virt/qemu,core/podman'
          : [
              'write one into coracle.yaml, for instance',
              'workspaces:',
              '  lamp: {layers: [virt/qemu, core/podman]}',
              'or give a list of layers: virt/qemu,core/podman',
            ].join('\n'),
  });
}

function environmentChoice(project: Project): ChosenWorkspace | undefined {
  const { environment } = project;
  const list = environment['CORACLE_CONFIG'] || environment['SKIFF_CONFIG'];
  const variable = environment['CORACLE_WORKSPACE'] ? 'CORACLE_WORKSPACE' : 'SKIFF_WORKSPACE';
  const given = environment[variable] || undefined;
  // SkiffOS makes the name fit instead of refusing it.
  const fitting = variable === 'SKIFF_WORKSPACE' ? given?.replaceAll(/[^A-Za-z0-9._-]/g, '').toLowerCase() : given;
  if (given !== undefined && !isWorkspaceName(fitting ?? '')) {
    throw new Failure({
      code: 'bad-workspace-name',
      message: `${variable} cannot be ${JSON.stringify(given)}`,
      hint: WORKSPACE_NAME_RULE,
    });
  }
  if (list) return { ...adHoc(list), name: fitting ?? 'default' };
  return fitting === undefined
    ? undefined
    : named(project, fitting, `, which ${variable} (${JSON.stringify(given)}) names`);
}

/** @param source ends the message if nobody wrote the name on a command line */
function named(project: Project, name: string, source = ''): ChosenWorkspace {
  const data = project.yaml?.data.workspaces?.[name];
  if (data !== undefined && project.yaml !== undefined) {
    const { yaml } = project;
    const requests = data.layers.map((layer, index) => ({
      name: layer,
      place: yaml.placeOf(['workspaces', name, 'layers', index]),
    }));
    return { name, asked: [name], requests, data };
  }
  const names = project.workspaceNames();
  throw new Failure({
    code: 'unknown-workspace',
    message: `there is no workspace ${JSON.stringify(name)}${source}`,
    place: project.yaml === undefined ? undefined : { file: project.yaml.file },
    hint: [
      didYouMean(name, names),
      names.length > 0 ? `workspaces: ${names.join(', ')}` : `no coracle.yaml in ${project.directory} or above it`,
      'a list of layers is written with their groups: virt/qemu,core/podman',
    ]
      .filter((part) => part !== undefined)
      .join('\n'),
  });
}

function adHoc(list: string): ChosenWorkspace {
  const requests = parseLayerList(list);
  if (requests.length === 0) throw new Failure({ code: 'no-workspace', message: 'the list of layers is empty' });
  return { name: adHocName(requests), asked: [list.trim()], requests, data: undefined };
}

/** For people to recognise, and with a hash, because a directory's name must differ where lists do. */
function adHocName(requests: readonly LayerRequest[]): string {
  const list = requests.map((request) => request.name);
  const shown = list.map((name) => name.replaceAll(/[^A-Za-z0-9._-]+/g, '-')).join('+');
  return `${shown.slice(0, 64)}+${sha256(list.join(',')).slice(0, 8)}`;
}
