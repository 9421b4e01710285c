/** What verbs share: from the words on the command line to resolved workspaces, with warnings told once. */
import { breath } from '../host/breath.ts';
import { loadProject, type Project } from '../workspace/project.ts';
import { resolveWorkspace } from '../workspace/resolve-workspace.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
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
}

/** @throws Failure for everything that is wrong with the configuration */
export async function chooseWorkspaces(session: Session, choice: Choice): Promise<Chosen> {
  const project = await loadProject(session.cwd, session.environment, session.installation);
  const names = choice.all === true ? project.workspaceNames() : choice.names;
  const told = new Set<string>();
  const configs: ResolvedConfig[] = [];
  const breathe = breath(session.signal);
  for (const name of names.length === 0 ? [undefined] : names) {
    await breathe();
    const config = await resolveWorkspace(project, name, {
      ...(choice.offline === undefined ? {} : { offline: choice.offline }),
      signal: session.signal,
      onWarning: (warning) => {
        if (told.has(warning.message)) return;
        told.add(warning.message);
        session.report({
          kind: 'warning',
          text: warning.message,
          ...(warning.hint === undefined ? {} : { hint: warning.hint }),
        });
      },
    });
    if (!configs.some(({ workspace }) => workspace === config.workspace)) configs.push(config);
  }
  return { project, configs };
}

/** A positional that may be given once, several times, or not at all. */
export function namesOf(given: unknown): readonly string[] {
  return given === undefined ? [] : [given].flat().map(String);
}
