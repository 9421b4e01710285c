/**
 * Installs what the machine lacks, by apt, after asking. Where it may not or cannot, it says what to do instead.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Failure } from '../failure.ts';
import type { Report } from '../ui/events.ts';
import { checkHost, type HostReport, hostReportText } from './doctor.ts';
import type { Purpose } from './host-packages.ts';
import { runCommand } from './process.ts';
import { requiredRust } from './rust-toolchain.ts';
import { findProgram, type Host, thisHost } from './this-host.ts';

/** The part of a session that this needs; a verb passes its session as it is. */
export interface InstallSession {
  readonly installation: string;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface InstallOptions {
  /** Do not ask. */
  readonly yes?: boolean;
  /** Asks a person; undefined when there is no terminal. */
  readonly ask?: ((question: string) => Promise<boolean>) | undefined;
  readonly host?: Host;
}

/** What demo, run and test call first. Milliseconds when everything is there. */
export async function ensureHostPackages(
  purposes: readonly Purpose[],
  session: InstallSession,
  options: InstallOptions = {},
): Promise<void> {
  const host = options.host ?? thisHost();
  const report = await checkHost(host, purposes, requiredRust(session.installation));
  if (report.missing.length === 0) return;
  await installMissing(report, session, { ask: terminalQuestion(), ...options });
  const after = await checkHost(host, purposes, requiredRust(session.installation));
  if (after.missing.length > 0) {
    throw new Failure({
      code: 'host-packages-missing',
      message: `the packages are installed, and still there is no ${after.missing.map((need) => need.name).join(', ')}`,
      cause: hostReportText(after),
      wholeCause: true,
      hint: 'this distribution may be too old; coracle doctor --json says what was looked for',
    });
  }
}

/** @throws Failure `host-packages-missing` when this user or this system cannot install them, or does not want to. */
export async function installMissing(
  report: HostReport,
  session: InstallSession,
  options: InstallOptions,
): Promise<void> {
  const { host } = report;
  if (!report.distribution.debianLike) {
    throw new Failure({
      code: 'host-packages-missing',
      message: `${report.distribution.name} is not Debian or like it, so Coracle cannot install what is missing`,
      cause: hostReportText(report),
      wholeCause: true,
      hint: "install these by your system's own means, or work in a container: docker run --rm -it -v .:/src -w /src debian:stable",
    });
  }
  if (!host.isRoot) throw lacking(report, 'only root may install them');
  if (options.yes !== true && options.ask !== undefined) {
    const agreed = await options.ask(`${hostReportText(report)}\n\nInstall ${report.packages.join(' ')} with apt?`);
    if (!agreed) throw lacking(report, 'you said no');
  }
  const step = 'host-packages';
  const started = performance.now();
  session.report({ kind: 'step-started', step, title: `install ${report.packages.length} host packages` });
  let outcome: 'done' | 'failed' = 'failed';
  try {
    await runAll(installCommands(host, report.packages), session, step);
    outcome = 'done';
  } finally {
    session.report({ kind: 'step-ended', step, outcome, ms: performance.now() - started });
  }
}

type Argv = readonly [string, ...string[]];

/** What has to be run, in order. */
export function installCommands(host: Host, packages: readonly string[]): readonly Argv[] {
  // Debian's newer Rust excludes the older one, and a rustup that is a package: nobody's tools are to go unasked.
  const install: Argv = ['apt-get', 'install', '--yes', '--no-remove', '--no-install-recommends', ...packages];
  return hasPackageLists(host) ? [install] : [['apt-get', 'update'], install];
}

async function runAll(commands: readonly Argv[], session: InstallSession, step: string): Promise<void> {
  const run = async (argv: Argv): Promise<void> => {
    session.report({ kind: 'step-progress', step, text: argv.join(' ') });
    await runCommand({
      argv,
      cwd: '/',
      env: { DEBIAN_FRONTEND: 'noninteractive' },
      signal: session.signal,
      onLine: (text) => session.report({ kind: 'step-progress', step, text }),
    });
  };
  for (const argv of commands) {
    try {
      await run(argv);
    } catch (error) {
      // Lists that are there but old name packages that the mirror has replaced since: once more, with new ones.
      const isInstall = argv[0] === 'apt-get' && argv[1] === 'install';
      const stale =
        error instanceof Failure && /Unable to (locate|fetch)|404|has no installation/.test(error.parts.cause ?? '');
      if (!isInstall || !stale || commands.some((one) => one[1] === 'update')) throw explain(error);
      await run(['apt-get', 'update']);
      await run(argv).catch((again: unknown) => {
        throw explain(again);
      });
    }
  }
}

function explain(error: unknown): unknown {
  if (!(error instanceof Failure) || error.parts.code !== 'command-failed') return error;
  const [message, hint] = /remove is disabled/.test(error.parts.cause ?? '')
    ? [
        'apt would have to remove packages of this machine to install those that are missing',
        'without --no-remove the command says which, and asks; where it is Rust, a newer one by rustup will do as well',
      ]
    : [
        'apt could not install the packages that are missing',
        'another apt may be running, or the package sources of this machine are not reachable; apt says why above',
      ];
  return new Failure({ ...error.parts, code: 'host-packages-install', message, hint, retry: 'coracle doctor --fix' });
}

function lacking(report: HostReport, why: string): Failure {
  return new Failure({
    code: 'host-packages-missing',
    message: `${report.missing.length} things that are needed are missing, and ${why}`,
    cause: hostReportText(report),
    wholeCause: true,
    hint: installAdvice(report),
  });
}

/** What this user has to type: `as root, run: apt-get install …`. */
export function installAdvice({ host, packages }: HostReport): string {
  const sudo = host.isRoot || findProgram(host, 'sudo') === undefined ? '' : 'sudo ';
  const commands = installCommands(host, packages).map((argv) => sudo + argv.join(' '));
  return `${sudo === '' && !host.isRoot ? 'as root, ' : ''}run: ${commands.join(' && ')}`;
}

function hasPackageLists(host: Host): boolean {
  try {
    return readdirSync(join(host.root, 'var/lib/apt/lists')).some((name) => name.includes('_Packages'));
  } catch {
    return false;
  }
}

/** A question on the terminal, or undefined if there is none. Anything but yes is no. */
export function terminalQuestion(): ((question: string) => Promise<boolean>) | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  return async (question) => {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
    } finally {
      terminal.close();
    }
  };
}
