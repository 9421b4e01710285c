/**
 * coracle-oci beside runc and crun, and beside the least that a container can cost (programs/floor.c): the same bundle and
 * configuration, in turns, medians. Needs root, gcc, python3, busybox-static; what is not installed is left out, loudly.
 *
 *     node bench/oci.ts
 *
 * The plain containers are measured with cgroups of version 2, those with limits with version 1, which has all controllers on
 * more machines; each in a view of its own. In version 1 a process with real-time priority cannot be moved everywhere.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runtimeUnderTest } from '../test/oci/support/runtime.ts';
import { median } from './measure.ts';
import { duration, goal, line, times } from './print.ts';

const ROUNDS = 60;
const PROGRAMS = join(import.meta.dirname, 'programs');
const PROFILE = '/usr/share/containers/seccomp.json';

type Config = Record<string, unknown> & { process: Record<string, unknown>; linux: Record<string, unknown> };

interface Subject {
  readonly name: string;
  readonly argv: readonly string[];
  readonly before?: readonly (readonly string[])[];
  readonly after?: readonly (readonly string[])[];
  readonly instant?: string;
}

type Runs = Record<string, { wallMs: number[]; peakKiB: number[]; instantMs: number[] }>;

const VIEW = join(import.meta.dirname, '../test/oci/support/view.sh');
const directory = mkdtempSync('/dev/shm/coracle-oci-bench-');
const [part] = process.argv.slice(2);
try {
  if (part === undefined) inViews();
  else if (part === 'v2') plainContainers(subjectsOfAll());
  else limitedContainers(subjectsOfAll());
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** This program anew, with the cgroups of one version. */
function inViews(): void {
  if (process.getuid?.() !== 0) {
    line('skipped: containers with cgroups and devices need root');
    return;
  }
  for (const version of ['v2', 'v1']) {
    const argv = [VIEW, version, `coracle-bench-${process.pid}`, process.execPath, import.meta.filename, version];
    const { status } = spawnSync('sh', argv, { stdio: 'inherit' });
    if (status !== 0) line(`${version} ended with ${status}`);
  }
}

interface Machine {
  readonly runtimes: Readonly<Record<string, string>>;
  readonly ours: string;
  readonly root: string;
}

function subjectsOfAll(): Machine {
  const ours = builtRuntime();
  const runtimes: Record<string, string> = { 'coracle-oci': ours };
  for (const name of ['crun', 'runc']) {
    const found = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
    if (found === '') line(`without ${name}: it is not installed`);
    else runtimes[name] = found;
  }
  return { runtimes, ours, root: makeRoot() };
}

function plainContainers({ runtimes, ours, root }: Machine): void {
  const floor = compile('floor.c', join(directory, 'floor'));
  const plain = bundle('plain', root, plainConfig(ours));
  const subjects = [...runSubjects(runtimes, plain), { name: 'floor', argv: [floor, root] }];
  const run = measure('run /bin/true, no seccomp', subjects);
  ratioGoal(run, 'runc', 7.4);
  ratioGoal(run, 'crun', 2.2);
  goal('ours / floor', wall(run, 'coracle-oci') / wall(run, 'floor'), 1.5, times);
  memory(runtimes, plain, root);
  if (existsSync(PROFILE)) {
    const stock = bundle('stock', root, withSeccomp(plainConfig(ours)));
    const filtered = measure('run /bin/true with the stock seccomp profile', runSubjects(runtimes, stock));
    ratioGoal(filtered, 'runc', 9);
    ratioGoal(filtered, 'crun', 4.5);
  } else {
    line(`without the stock seccomp profile: there is no ${PROFILE}`);
  }
  starts(runtimes, root, ours);
  line(`\nprogram: ${(statSync(ours).size / 1e6).toFixed(2)} MB`);
  goal('program', statSync(ours).size / 1e6, 1.5, (size) => `${size.toFixed(2)} MB`);
}

function limitedContainers({ runtimes, ours, root }: Machine): void {
  const config = existsSync(PROFILE) ? withSeccomp(plainConfig(ours)) : plainConfig(ours);
  const what = `run with limits, a terminal${existsSync(PROFILE) ? ' and seccomp' : ''}, as podman sends it`;
  const limited = measure(what, terminalSubjects(runtimes, bundle('podman', root, asPodman(config))), false);
  ratioGoal(limited, 'crun', 2);
}

function builtRuntime(): string {
  const runtime = runtimeUnderTest();
  if ('reason' in runtime) throw new Error(runtime.reason);
  return runtime.path;
}

function compile(source: string, program: string): string {
  const argv = ['-static', '-Os', '-s', '-o', program, join(PROGRAMS, source)];
  const { status, stderr } = spawnSync('gcc', argv, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return program;
}

/** A root file system of busybox and the payload. */
function makeRoot(): string {
  const root = join(directory, 'root');
  for (const name of ['bin', 'proc', 'sys', 'dev', 'etc']) mkdirSync(join(root, name), { recursive: true });
  cpSync('/bin/busybox', join(root, 'bin/true'));
  compile('instant.c', join(root, 'bin/instant'));
  writeFileSync(join(root, 'instant'), '');
  return root;
}

function bundle(name: string, root: string, config: object): string {
  const path = join(directory, name);
  mkdirSync(path);
  writeFileSync(join(path, 'config.json'), JSON.stringify({ ...config, root: { path: root, readonly: false } }));
  return path;
}

/** What `spec` writes, as the oldest of the runtimes understands it. */
function plainConfig(ours: string): Config {
  const spec = join(directory, 'spec');
  rmSync(spec, { recursive: true, force: true });
  mkdirSync(spec);
  spawnSync(ours, ['spec'], { cwd: spec });
  const config = JSON.parse(readFileSync(join(spec, 'config.json'), 'utf8')) as Config;
  const namespaces = ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type }));
  const mounts = (config['mounts'] as { type: string }[]).filter(({ type }) => type !== 'cgroup');
  const { resources: _, ...linux } = config.linux;
  return {
    ...config,
    ociVersion: '1.0.2',
    mounts,
    process: { ...config.process, terminal: false, args: ['/bin/true'] },
    linux: { ...linux, namespaces },
  };
}

/** The profile of podman and docker, without what depends on capabilities that the process does not have. */
function withSeccomp(config: Config): Config {
  interface Rule {
    readonly includes?: { readonly arches?: string[]; readonly caps?: string[]; readonly minKernel?: string };
    readonly excludes?: object;
    readonly names: string[];
    readonly action: string;
    readonly args?: object[];
    readonly errnoRet?: number;
  }
  const profile = JSON.parse(readFileSync(PROFILE, 'utf8')) as {
    defaultAction: string;
    defaultErrnoRet?: number;
    syscalls: Rule[];
  };
  const holds = ({ includes = {} }: Rule) =>
    (includes.caps ?? []).length === 0 && (includes.arches === undefined || includes.arches.includes('amd64'));
  const always = profile.syscalls.filter(holds);
  const seccomp = {
    defaultAction: profile.defaultAction,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    syscalls: always.map(({ names, action, args, errnoRet }) => ({
      names,
      action,
      ...(args && args.length > 0 ? { args } : {}),
      ...(errnoRet === undefined ? {} : { errnoRet }),
    })),
  };
  return { ...config, linux: { ...config.linux, seccomp } };
}

function asPodman(config: Config): Config {
  const resources = {
    devices: [{ allow: false, access: 'rwm' }],
    memory: { limit: 64 << 20 },
    cpu: { quota: 50_000, period: 100_000 },
    pids: { limit: 100 },
  };
  return { ...config, process: { ...config.process, terminal: true }, linux: { ...config.linux, resources } };
}

function runSubjects(runtimes: Readonly<Record<string, string>>, path: string): Subject[] {
  return Object.entries(runtimes).map(([name, program]) => ({
    name,
    argv: [program, '--root', join(directory, `state-${name}`), 'run', '--bundle', path, `${name}-{}`],
  }));
}

/** `script` is the terminal, the same for all. */
function terminalSubjects(runtimes: Readonly<Record<string, string>>, path: string): Subject[] {
  return runSubjects(runtimes, path).map(({ name, argv }) => ({
    name,
    argv: ['script', '--quiet', '--return', '--command', argv.join(' '), '/dev/null'],
  }));
}

function measure(what: string, subjects: readonly Subject[], realTime = true): Runs {
  const { status, stdout, stderr } = spawnSync('python3', [join(PROGRAMS, 'turns.py')], {
    input: JSON.stringify({ rounds: ROUNDS, realTime, subjects }),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${what}: ${stderr}`);
  const runs = JSON.parse(stdout) as Runs;
  line(`\n${what}, medians of ${ROUNDS}`);
  for (const { name } of subjects) {
    const ratio = wall(runs, name) / wall(runs, 'coracle-oci');
    line(`  ${name.padEnd(12)} ${duration(wall(runs, name))}  ${ratio.toFixed(2)} of ours`);
  }
  return runs;
}

function wall(runs: Runs, name: string): number {
  return median(runs[name]?.wallMs ?? []);
}

function ratioGoal(runs: Runs, name: string, limit: number): void {
  if (runs[name] === undefined) return;
  goal(`${name} / ours`, wall(runs, name) / wall(runs, 'coracle-oci'), limit, times, 'large');
}

/** What one process had in memory at the most; started by a small program, since who starts one counts with its own. */
function memory(runtimes: Readonly<Record<string, string>>, path: string, root: string): void {
  const peak = compile('peak.c', join(directory, 'peak'));
  const of = (argv: readonly string[]) => Number(spawnSync(peak, argv, { encoding: 'utf8' }).stdout);
  const payload = of([join(root, 'bin/true')]);
  const all = runSubjects(runtimes, path).map(({ name, argv }) => ({
    name,
    kib: median(Array.from({ length: 9 }, (_, round) => of(argv.map((word) => word.replace('{}', `peak-${round}`))))),
  }));
  line(`\npeak memory of one process, the payload among them (alone ${payload} KiB)`);
  for (const { name, kib } of all) line(`  ${name.padEnd(12)} ${kib} KiB`);
  const ours = all.find(({ name }) => name === 'coracle-oci')?.kib ?? 0;
  for (const [name, limit] of [
    ['runc', 6.5],
    ['crun', 2.2],
  ] as const) {
    const other = all.find((subject) => subject.name === name);
    if (other !== undefined) goal(`${name} / ours`, other.kib / ours, limit, times, 'large');
  }
}

/** From the call of `start` to the first instruction of the program, in a container that waits. */
function starts(runtimes: Readonly<Record<string, string>>, root: string, ours: string): void {
  const config = plainConfig(ours);
  const path = bundle('waiting', root, { ...config, process: { ...config.process, args: ['/bin/instant'] } });
  const processFile = join(directory, 'process.json');
  writeFileSync(processFile, JSON.stringify({ ...config.process, args: ['/bin/instant'] }));
  const instant = join(root, 'instant');
  const subject = (name: string, program: string, label: string, ...options: string[]): Subject => {
    const command = (...words: string[]) => [program, '--root', join(directory, `state-${label}`), ...words];
    const id = `${label}-{}`;
    return {
      name,
      before: [command('create', '--bundle', path, id)],
      argv: command('start', ...options, id),
      after: [command('delete', '--force', id)],
      instant,
    };
  };
  const subjects = Object.entries(runtimes).map(([name, program]) => subject(name, program, name));
  subjects.push(subject('ours with --process', ours, 'fast', '--process', processFile));
  const whole: Subject[] = [
    { name: 'create and start', argv: runSubjects({ 'coracle-oci': ours }, path)[0]?.argv ?? [], instant },
  ];
  const runs = measure('start of a container that waits', [...subjects, ...whole]);
  const first = (name: string) => median(runs[name]?.instantMs ?? []);
  line('  to the first instruction of its program:');
  for (const name of Object.keys(runs)) line(`  ${name.padEnd(20)} ${duration(first(name))}`);
  for (const [name, limit] of [
    ['runc', 8],
    ['crun', 5],
  ] as const) {
    if (runs[name] !== undefined)
      goal(`${name} start / ours`, first(name) / first('coracle-oci'), limit, times, 'large');
  }
  goal(
    'our create and start / fast start',
    first('create and start') / first('ours with --process'),
    3,
    times,
    'large',
  );
}
