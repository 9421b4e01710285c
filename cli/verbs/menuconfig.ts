import { rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { PACKAGE_INFO } from '../engines/buildroot/build/build-stage.ts';
import { buildPlaces } from '../engines/buildroot/build-places.ts';
import { hostGcc } from '../engines/buildroot/configure/host-gcc.ts';
import { buildrootMenu } from '../engines/buildroot/menu/buildroot-menu.ts';
import type { MenuName } from '../engines/buildroot/menu/configuration-menu.ts';
import { type Edited, editConfiguration } from '../engines/buildroot/menu/edit-configuration.ts';
import { packageMenu } from '../engines/buildroot/menu/package-menu.ts';
import { treeSource } from '../engines/buildroot/tree/tree-source.ts';
import { Failure } from '../failure.ts';
import { planBuild } from '../farm/plan.ts';
import { lockWorkspace } from '../farm/workspace-lock.ts';
import { JobBudget } from '../host/job-budget.ts';
import { NAMESPACES, type Namespace } from '../kconfig/assignment.ts';
import { formatAssignment } from '../kconfig/value.ts';
import { writableLayer } from '../workspace/writable-layer.ts';
import { chooseWorkspaces } from './chosen-workspaces.ts';
import { defineVerb, type Session, type Verb } from './verb.ts';

/** One verb for each of the menus that Kconfig has. */
export const menuconfig = menuVerb(
  'menuconfig',
  'Change symbols in the menu of Kconfig, and write the changes into a layer',
);
export const nconfig = menuVerb('nconfig', 'The same as menuconfig, with the newer menu for terminals');
export const xconfig = menuVerb('xconfig', 'The same as menuconfig, in a window (Qt)');

function menuVerb(name: MenuName, summary: string): Verb {
  return defineVerb({
    command: `${name} [what] [workspace]`,
    summary,
    details: `
Opens ${name} on what the layers of a workspace ask for: of Buildroot, or with \`kernel\`, \`uboot\` or \`busybox\` of one of
those, once the workspace was built. What was saved there is written into a layer as the fewest lines that say it: into the
fragment that sets the symbol already, else into a fragment called \`menuconfig\`. Comments and all other lines stay.
Without \`--to\` it is the layer \`overrides/workspaces/<name>\`, your own for this workspace.

    coracle ${name}
    coracle ${name} pi4 --to my/board
    coracle ${name} kernel pi4

Nothing is written unless something was changed and saved. What cannot be kept is told, and the saved configuration stays
in a file.
`,
    positionals: {
      what: { type: 'string', describe: `One of ${NAMESPACES.join(', ')}; buildroot if not given` },
      workspace: { type: 'string', describe: 'A name in coracle.yaml, or a comma-separated list of layers' },
    },
    options: {
      to: { type: 'string', describe: 'The layer to write into: one of the workspace, or overrides' },
      offline: { type: 'boolean', describe: 'Use nothing but the cache' },
    },
    run: async (args, session) => {
      const words = [args['what'], args['workspace']].filter((word) => word !== undefined).map(String);
      const { namespace, workspace } = readWords(words, name);
      await edit(session, { name, namespace, workspace, to: args.to, offline: args.offline === true });
      return 0;
    },
  });
}

interface Asked {
  readonly name: MenuName;
  readonly namespace: Namespace;
  readonly workspace: string | undefined;
  readonly to: string | undefined;
  readonly offline: boolean;
}

/** One word alone may be either. */
function readWords(words: readonly string[], name: MenuName): Pick<Asked, 'namespace' | 'workspace'> {
  const [first, second] = words;
  const namespace = NAMESPACES.find((one) => one === first);
  if (namespace !== undefined) return { namespace, workspace: second };
  if (second === undefined) return { namespace: 'buildroot', workspace: first };
  throw new Failure({
    code: 'usage',
    message: `there is no menu of ${first}`,
    hint: `coracle ${name} ${NAMESPACES.join('|')} ${second}`,
  });
}

async function edit(session: Session, { name, namespace, workspace, to, offline }: Asked): Promise<void> {
  const { report, signal } = session;
  const choice = { names: workspace === undefined ? [] : [workspace], offline };
  const { project, configs } = await chooseWorkspaces(session, choice);
  const [config] = configs;
  if (config === undefined) return;
  checkEngine(config.engine, config.workspace);
  checkTerminal(name, session);
  const layer = writableLayer(project, config, to);
  const plan = planBuild(config, {
    installation: session.installation,
    project: project.directory,
    variables: session.environment,
    offline,
  });
  const { directory, environment } = plan;
  const words = namespace === 'buildroot' ? [] : [namespace];
  const purpose = ['coracle', name, ...words, config.workspace].join(' ');
  await using _lock = await lockWorkspace(plan, { purpose, report, signal });
  const scratch = join(directory, name);
  const log = join(directory, 'logs', `${name}.log`);
  await rm(log, { force: true });
  try {
    const source = treeSource(config, environment);
    const places = buildPlaces(directory);
    if (namespace !== 'buildroot') {
      report({ kind: 'note', text: `configuring a copy of the source (${namespace})` });
    }
    const common = { tree: source.tree(), externals: source.externals(), log, signal };
    const menu =
      namespace === 'buildroot'
        ? buildrootMenu({
            name,
            places,
            options: { ...common, scratch, cache: environment.cache, hostGcc: await hostGcc(signal) },
          })
        : await packageMenu({
            name,
            namespace,
            config,
            make: { ...common, places, environment, jobs: new JobBudget(1) },
            packages: join(directory, 'stages/buildroot', PACKAGE_INFO),
            scratch,
          });
    const edited = await editConfiguration({
      menu,
      config,
      layer,
      resolve: async () => {
        const [again] = (await chooseWorkspaces(session, choice)).configs;
        return again ?? config;
      },
      keep: join(directory, `${namespace}.config.saved`),
      onSaved: () => report({ kind: 'note', text: 'saved: looking for the fewest lines that say it' }),
    });
    tell(edited, session);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function tell({ settings, files }: Edited, { report, cwd }: Session): void {
  const lines = settings.map(({ symbol, value }) => `  ${formatAssignment(symbol, value)}`);
  const names = files.map((file) => relative(cwd, file));
  report({
    kind: 'result',
    value: { settings, files },
    text: files.length === 0 ? 'nothing was changed' : [`written into ${names.join(', ')}:`, ...lines].join('\n'),
  });
}

function checkEngine(engine: string, workspace: string): void {
  if (engine === 'buildroot') return;
  throw new Failure({
    code: 'wrong-engine',
    message: `workspace ${workspace} is built by the ${engine} engine, which has no menu`,
    hint: 'write the symbols into a fragment of a layer; engine: buildroot in coracle.yaml makes it a workspace of Buildroot',
  });
}

/** A menu that cannot draw says so in its own way, or waits for ever. */
function checkTerminal(name: MenuName, { environment }: Session): void {
  if (name === 'xconfig') {
    if (environment['DISPLAY'] || environment['WAYLAND_DISPLAY']) return;
    throw new Failure({
      code: 'no-display',
      message: 'xconfig needs a display',
      hint: 'coracle menuconfig needs none',
    });
  }
  if (process.stdin.isTTY && process.stdout.isTTY) return;
  throw new Failure({
    code: 'no-terminal',
    message: `${name} needs a terminal`,
    cause: `${process.stdin.isTTY ? 'its output' : 'its input'} is none`,
    hint: 'without one, write the symbols into a fragment of a layer',
  });
}
