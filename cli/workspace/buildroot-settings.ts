/** What coracle.yaml and the environment say about Buildroot, with every default filled in. */
import { join, resolve } from 'node:path';
import type { Project } from './project.ts';
import { DEFAULTS, type WorkspaceData } from './project-schema.ts';
import type { BuildrootSettings } from './resolved.ts';

/** Names a tree for one run, before anything in coracle.yaml. Relative to where the command was started. */
export const TREE_VARIABLE = 'CORACLE_BUILDROOT';

export function buildrootSettings(project: Project, data: WorkspaceData['buildroot']): BuildrootSettings {
  return {
    ...tree(project, data?.tree),
    ...(data?.mirror === undefined ? {} : { mirror: data.mirror }),
    toolchain: data?.toolchain ?? DEFAULTS.toolchain,
    hostTools: data?.hostTools ?? DEFAULTS.hostTools,
  };
}

function tree(project: Project, ofWorkspace: string | undefined): Pick<BuildrootSettings, 'tree' | 'treeFrom'> {
  const named = project.environment[TREE_VARIABLE];
  if (named) return { tree: resolve(project.cwd, named), treeFrom: TREE_VARIABLE };
  const written = ofWorkspace ?? project.yaml?.data.buildroot;
  if (written !== undefined) {
    return { tree: resolve(project.directory, written), treeFrom: 'buildroot in coracle.yaml' };
  }
  return { tree: join(project.installation, 'buildroot'), treeFrom: 'the submodule of Coracle' };
}
