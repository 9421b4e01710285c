/** `coracle run`: boots a built image under QEMU, for a person at its console or to be checked. */

import { Failure } from '../failure.ts';
import { planBuild } from '../farm/plan.ts';
import { ensureHostPackages } from '../host/doctor-install.ts';
import { bootCheckText, checkBoot, shutDown } from '../run/check.ts';
import { type Device, type DeviceOptions, startDevice } from '../run/device.ts';
import { type RunImage, readImage } from '../run/image.ts';
import { sshCommandForPeople } from '../run/ssh.ts';
import { cacheDirectory } from '../workspace/cache-directory.ts';
import { commandLine } from '../workspace/command-line.ts';
import { type Choice, chooseWorkspaces, namesOf, ORDER_OPTION } from './chosen-workspaces.ts';
import { RUN_OPTIONS, runOptions } from './run-options.ts';
import { defineVerb, type Session } from './verb.ts';

/** For a device to go down in good order. */
const POWER_OFF_MS = 30_000;

export const run = defineVerb({
  command: 'run [workspace]',
  summary: 'Boot an image under QEMU',
  details: `
Boots the image that \`coracle build\` made. The terminal is the device's console, which shows what happens and has no
login: Ctrl-A X leaves, Ctrl-A H shows the other keys. ssh is on a port of 127.0.0.1, with a key of the workspace's own.
The device's disk is kept between runs in \`workspaces/<name>/run/\`; when the image was built anew, only its boot
partition is written again.

\`--check\` boots without a terminal, waits for the device to judge its own health, logs in by ssh, and prints what was
seen. Exit code 0: healthy; 1: not.

    coracle run
    coracle run mini --check
    coracle run qemu-arm64 --firmware
`,
  positionals: {
    workspace: { type: 'string', describe: 'A name in coracle.yaml, or a comma-separated list of layers' },
  },
  options: {
    check: { type: 'boolean', default: false, describe: 'Boot without a terminal, and say whether it is healthy' },
    ...RUN_OPTIONS,
    ...ORDER_OPTION,
  },
  streams: true,
  run: async (args, session) => {
    const image = await builtImage({ names: namesOf(args['workspace']), skiffOrder: args.skiffOrder }, session);
    await ensureHostPackages([image.facts.arch === 'arm64' ? 'run-arm64' : 'run-x86_64'], session);
    const options: DeviceOptions = {
      ...runOptions(args),
      cache: cacheDirectory(session.environment),
      purpose: `coracle run ${image.name}`,
      signal: session.signal,
      onWait: ({ pid, purpose }) =>
        session.report({
          kind: 'note',
          text: `workspace ${image.name} is in use by process ${pid} (${purpose}): waiting`,
        }),
    };
    return args.check ? check(image, options, args.timeout, session) : attend(image, options, session);
  },
});

async function builtImage(choice: Choice, session: Session): Promise<RunImage> {
  const { project, configs } = await chooseWorkspaces(session, choice);
  const [config] = configs;
  if (config === undefined) throw new Failure({ code: 'no-workspace', message: 'there is no workspace to run' });
  const plan = planBuild(config, {
    installation: session.installation,
    project: project.directory,
    variables: session.environment,
    offline: true,
  });
  return readImage({ ...plan, name: config.workspace, build: commandLine('build', config) });
}

/** A person at the console. */
async function attend(image: RunImage, options: DeviceOptions, session: Session): Promise<number> {
  const onTerminal = process.stdin.isTTY === true;
  const plug = new AbortController();
  await using device = await startDevice(image, { ...options, terminal: true, signal: plug.signal });
  session.signal.addEventListener('abort', () => void device.powerOff(POWER_OFF_MS), { once: true });
  tellMachine(device, session);
  const leave = onTerminal ? 'Ctrl-A X leaves' : 'it runs until it is switched off';
  session.report({
    kind: 'note',
    text: `the console shows what happens, and has no login; log in from another terminal: ${sshCommandForPeople(device.ssh)}\n${leave}`,
  });
  const { failure } = await device.ended;
  session.signal.throwIfAborted();
  if (failure !== undefined) throw failure;
  return 0;
}

async function check(image: RunImage, options: DeviceOptions, timeout: number, session: Session): Promise<number> {
  const step = `${image.name}/boot`;
  const started = performance.now();
  const title = `boot ${image.facts.version} and wait until it is healthy`;
  session.report({ kind: 'plan', steps: [{ step, title }] });
  session.report({ kind: 'step-started', step, title });
  let outcome: 'done' | 'failed' = 'failed';
  try {
    // A device that has lost its persist shows another host key, and that it is degraded is what we want to hear.
    await using device = await startDevice(image, { ...options, hostKey: 'any' });
    tellMachine(device, session);
    const found = await checkBoot(device, device.console.boot, {
      limitMs: timeout * 1000,
      signal: session.signal,
      report: session.report,
      step,
    });
    await shutDown(device, POWER_OFF_MS, session.signal);
    outcome = found.problems.length === 0 ? 'done' : 'failed';
    const verdict = found.problems.length === 0 ? 'healthy' : `${found.health.state}: ${found.problems.join('; ')}`;
    session.report({
      kind: 'result',
      value: {
        workspace: image.name,
        version: image.facts.version,
        arch: image.facts.arch,
        accelerator: device.machine.accelerator,
        disk: device.disk.state,
        milestones: found.milestones,
        health: found.health,
        problems: found.problems,
        log: device.console.log,
      },
      text: `${bootCheckText(found)}\n\n${image.name} ${image.facts.version} (${image.facts.arch}) is ${verdict}`,
    });
    return found.problems.length === 0 ? 0 : 1;
  } finally {
    session.report({
      kind: 'step-ended',
      step,
      outcome: session.signal.aborted ? 'stopped' : outcome,
      ms: performance.now() - started,
    });
  }
}

function tellMachine(device: Device, session: Session): void {
  const { machine, acceleration, disk } = device;
  const why = acceleration.reason === undefined ? '' : ` (emulated: ${acceleration.reason})`;
  session.report({
    kind: 'note',
    text: `${machine.arch}, ${machine.cpus} processors, ${machine.memoryMiB} MiB, ${machine.accelerator}${why}; disk ${disk.state}`,
  });
}
