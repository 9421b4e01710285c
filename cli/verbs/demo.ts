/** `coracle demo`: from nothing to a booted image that was seen to work, in one command. */
import { stat } from 'node:fs/promises';
import { Failure } from '../failure.ts';
import { type BuiltImage, buildWorkspaces } from '../farm/build.ts';
import { megabytes } from '../farm/summary.ts';
import { ensureHostPackages } from '../host/doctor-install.ts';
import type { Purpose } from '../host/host-packages.ts';
import type { Architecture } from '../layers/layer.ts';
import { type Row, seconds, tableText } from '../run/boot-report.ts';
import { shutDown } from '../run/check.ts';
import { DEMO_STEPS } from '../run/demo-steps.ts';
import { type Device, startDevice } from '../run/device.ts';
import type { RunImage } from '../run/image.ts';
import type { Report } from '../ui/events.ts';
import { cacheDirectory } from '../workspace/cache-directory.ts';
import { commandLine } from '../workspace/command-line.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import { BUILD_OPTIONS } from './build-options.ts';
import { chooseWorkspaces, namesOf } from './chosen-workspaces.ts';
import { RUN_OPTIONS, runOptions } from './run-options.ts';
import { defineVerb, type Session } from './verb.ts';

const POWER_OFF_MS = 30_000;
const POWER_OFF = { name: 'power-off', title: 'switch off' };

export const demo = defineVerb({
  command: 'demo [workspace]',
  summary: 'Build the default workspace, boot it and prove it',
  details: `
Installs what this machine lacks (it asks on a terminal), builds the workspace, boots it under QEMU, logs in by ssh, sees
a container run, writes a file to persist, reboots, and reads it back. It prints each step with its time and a table at
the end. Exit code 0: all of that was seen.
`,
  positionals: {
    workspace: { type: 'string', describe: 'A name in coracle.yaml, or a comma-separated list of layers' },
  },
  options: {
    yes: { type: 'boolean', alias: 'y', default: false, describe: 'Install missing host packages without asking' },
    ...BUILD_OPTIONS,
    ...RUN_OPTIONS,
  },
  streams: true,
  run: async (args, session) => {
    const started = performance.now();
    const { project, configs } = await chooseWorkspaces(session, {
      names: namesOf(args['workspace']),
      offline: args.offline,
    });
    for (const config of configs) checkDemoLayer(config);
    await ensureHostPackages(
      configs.flatMap(({ arch }) => purposesOf(arch, args.firmware === true)),
      session,
      { yes: args.yes },
    );
    const built = await buildWorkspaces(configs, {
      installation: session.installation,
      project: project.directory,
      variables: session.environment,
      offline: args.offline === true,
      noWait: args.wait === false,
      ...(args.jobs === undefined ? {} : { jobs: args.jobs }),
      report: withDemoSteps(session.report, configs),
      signal: session.signal,
    });
    const buildMs = performance.now() - started;
    const sections: Row[][] = [];
    for (const one of built) {
      await using device = await startDevice(one, {
        ...runOptions(args),
        cache: cacheDirectory(session.environment),
        purpose: `coracle demo ${one.name}`,
        signal: session.signal,
      });
      const rows = await prove(device, args.timeout * 1000, session);
      sections.push([...(await imageRows(one, device.image, buildMs)), ...rows]);
    }
    const rows = sections.flat();
    const [next = ''] = configs.map((config) => commandLine('run', config));
    const total: Row = ['all of it', seconds(performance.now() - started)];
    session.report({
      kind: 'result',
      value: { workspaces: built.map(({ name }) => name), rows: [...rows, total], ms: performance.now() - started },
      text: `${tableText([...rows, total])}\n\nAll of this was seen. Now try: ${next}`,
    });
    return 0;
  },
});

/** The layer whose container the demo waits for. */
const DEMO_LAYER = 'apps/preload';

/** Said at once, not after minutes of waiting. @throws Failure `no-demo-layer` */
function checkDemoLayer({ workspace, layers }: ResolvedConfig): void {
  if (layers.some(({ layer }) => layer.name === DEMO_LAYER)) return;
  throw new Failure({
    code: 'no-demo-layer',
    message: `workspace ${workspace} has no container to show: it lacks the layer ${DEMO_LAYER}`,
    hint: `add ${DEMO_LAYER} and a container engine to its layers; coracle build and coracle run --check work without`,
  });
}

function purposesOf(arch: Architecture, firmware: boolean): readonly Purpose[] {
  return ['build', `build-${arch}`, `run-${arch}`, ...(firmware ? (['firmware'] as const) : [])];
}

/** The build announces its steps; what the demo does afterwards belongs to the same tree. */
function withDemoSteps(report: Report, configs: readonly { readonly workspace: string }[]): Report {
  const mine = configs.flatMap(({ workspace }) =>
    [...DEMO_STEPS, POWER_OFF].map(({ name, title }) => ({ step: stepId(workspace, name), title })),
  );
  return (event) => report(event.kind === 'plan' ? { kind: 'plan', steps: [...event.steps, ...mine] } : event);
}

/** Apart from the names of stages. */
function stepId(workspace: string, step: string): string {
  return `${workspace}/demo-${step}`;
}

async function imageRows(built: BuiltImage, image: RunImage, buildMs: number): Promise<readonly Row[]> {
  // A sparse file: what it takes on the disk, in blocks of 512 bytes, says more than its length.
  const disk = (await stat(built.disk)).blocks * 512;
  return [
    [`${image.name} ${image.facts.version} (${image.facts.arch}) is built`, seconds(buildMs)],
    ...image.facts.files.map(({ path, size }): Row => [path, megabytes(size)]),
    ['disk image', megabytes(disk)],
  ];
}

async function prove(device: Device, limitMs: number, session: Session): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const { name, title, run } of DEMO_STEPS) {
    rows.push(
      ...(await timed(stepId(device.image.name, name), title, session, (step) =>
        run({ device, limitMs, signal: session.signal, report: session.report, step }),
      )),
    );
  }
  await timed(stepId(device.image.name, POWER_OFF.name), POWER_OFF.title, session, () =>
    shutDown(device, POWER_OFF_MS, session.signal),
  );
  return rows;
}

async function timed<T>(step: string, title: string, session: Session, work: (step: string) => Promise<T>): Promise<T> {
  const started = performance.now();
  session.report({ kind: 'step-started', step, title });
  let outcome: 'done' | 'failed' = 'failed';
  try {
    const result = await work(step);
    outcome = 'done';
    return result;
  } finally {
    session.report({
      kind: 'step-ended',
      step,
      outcome: session.signal.aborted ? 'stopped' : outcome,
      ms: performance.now() - started,
    });
  }
}
