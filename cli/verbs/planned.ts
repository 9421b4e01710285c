import { type BuildPlan, planBuild } from '../farm/plan.ts';
import { BUILD_OPTIONS } from './build-options.ts';
import { type Choice, chooseWorkspaces } from './chosen-workspaces.ts';
import type { Session } from './verb.ts';

/** The plans of the chosen workspaces. @throws Failure for everything that is wrong with the configuration */
export async function plannedWorkspaces(session: Session, choice: Choice): Promise<readonly BuildPlan[]> {
  const { project, configs } = await chooseWorkspaces(session, choice);
  return configs.map((config) =>
    planBuild(config, {
      installation: session.installation,
      project: project.directory,
      variables: session.environment,
      offline: choice.offline === true,
    }),
  );
}

/** The plan of the one workspace that is named, or of the default one. */
export async function plannedWorkspace(session: Session, choice: Choice): Promise<BuildPlan> {
  const [plan] = await plannedWorkspaces(session, choice);
  if (plan === undefined) throw new Error('no workspace was chosen');
  return plan;
}

/** What a verb takes that works on as many workspaces as are named. */
export const ANY_WORKSPACES = {
  positionals: {
    workspace: { type: 'string', array: true, describe: 'Names in coracle.yaml, or a comma-separated list of layers' },
  },
  options: {
    all: { type: 'boolean', describe: 'Every workspace of coracle.yaml' },
    offline: BUILD_OPTIONS.offline,
    wait: BUILD_OPTIONS.wait,
  },
} as const;

export const ONE_WORKSPACE = {
  workspace: { type: 'string', describe: 'A name in coracle.yaml, or a comma-separated list of layers' },
} as const;
