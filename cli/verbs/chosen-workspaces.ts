/** What verbs share: from the words on the command line to resolved workspaces, with warnings told once. */
import type { Options } from 'yargs';
import { breath } from '../host/breath.ts';
import { loadProject, type Project } from '../workspace/project.ts';
import { resolveWorkspace } from '../workspace/resolve-workspace.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import { warningsTo } from './layer-words.ts';
import type { Session } from './verb.ts';

export interface Chosen {
  readonly project: Project;
  /** Each once, however often it is named. */
  readonly configs: readonly ResolvedConfig[];
}

export interface Choice {
  /** Names in coracle.yaml or lists of layers; none: the default workspace. */
  readonly names: readonly string[];
  /** Every workspace of coracle.yaml instead. */
  readonly all?: boolean | undefined;
  readonly offline?: boolean | undefined;
  readonly skiffOrder?: boolean | undefined;
}

/** Of every verb that shows or builds what layers ask for. */
export const ORDER_OPTION = {
  'skiff-order': { type: 'boolean', describe: "The order in which SkiffOS's own resolver puts layers" },
} as const satisfies Record<string, Options>;

/** @throws Failure for everything that is wrong with the configuration */
export async function chooseWorkspaces(session: Session, choice: Choice): Promise<Chosen> {
  const project = await loadProject(session.cwd, session.environment, session.installation);
  const names = choice.all === true ? project.workspaceNames() : choice.names;
  const onWarning = warningsTo(session);
  const configs: ResolvedConfig[] = [];
  const breathe = breath(session.signal);
  for (const name of names.length === 0 ? [undefined] : names) {
    await breathe();
    const config = await resolveWorkspace(project, name, {
      offline: choice.offline,
      skiffOrder: choice.skiffOrder,
      signal: session.signal,
      onWarning,
    });
    if (!configs.some(({ workspace }) => workspace === config.workspace)) configs.push(config);
  }
  return { project, configs };
}

/** A positional that may be given once, several times, or not at all. */
export function namesOf(given: unknown): readonly string[] {
  return given === undefined ? [] : [given].flat().map(String);
}
