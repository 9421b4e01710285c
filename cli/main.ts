/**
 * The command line's edge: finds the verb, loads only that, chooses a rendering, and turns whatever ends the run into
 * an exit code (0 good, 1 the user's input or the build, 2 a bug, 130 stopped by the user).
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Argv } from 'yargs';
import { Failure, Failures } from './failure.ts';
import type { Report } from './ui/events.ts';
import { jsonEvents, jsonValue } from './ui/json.ts';
import { liveReport } from './ui/live.ts';
import { type Output, watchOutput } from './ui/output.ts';
import { plainReport } from './ui/plain.ts';
import { GLOBAL_OPTIONS } from './verbs/global-options.ts';
import { throwRefused } from './verbs/number-option.ts';
import { splitPassedOn } from './verbs/passed-on.ts';
import type { Session, Verb } from './verbs/verb.ts';
import { VERBS } from './verbs/verbs.ts';

/** Of a Failure that holds the words of yargs. */
const USAGE = 'yargs';

const installation = dirname(dirname(fileURLToPath(import.meta.url)));

function version(): string {
  return (JSON.parse(readFileSync(join(installation, 'package.json'), 'utf8')) as { version: string }).version;
}

async function main(given: readonly string[], output: Output): Promise<number> {
  if (given.length === 1 && (given[0] === '--version' || given[0] === '-V')) {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  mustBeSomewhere();
  const { own, passedOn } = await splitPassedOn(given, VERBS);
  const argv = withoutDashes(own);
  const { default: yargs } = await import('yargs');
  let chosen: { verb: Verb; args: Parameters<Verb['run']>[0] } | undefined;
  let asked: Verb | undefined;
  const parser = yargs(argv)
    .scriptName('coracle')
    .version(version())
    .usage('$0 <verb>: layers to a booted, immutable image')
    .options(GLOBAL_OPTIONS)
    .strict()
    .recommendCommands()
    .demandCommand(1)
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .help()
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new Failure({ code: USAGE, message });
    });
  for (const entry of VERBS) {
    parser.command(
      entry.command,
      entry.summary,
      async (builder: Argv) => {
        asked = await entry.load();
        return declare(builder, asked);
      },
      async (args) => {
        chosen = { verb: await entry.load(), args: args as Parameters<Verb['run']>[0] };
      },
    );
  }
  try {
    await parser.parse();
  } catch (error) {
    if (!(error instanceof Failure) || error.parts.code !== USAGE) throw error;
    const { usageFailure } = await import('./verbs/usage.ts');
    const [word] = parser.parsed === false ? [] : parser.parsed.argv._;
    throw usageFailure(error.message, argv, asked ?? word);
  }
  if (chosen === undefined) return 0;
  throwRefused(chosen.args);
  if (chosen.verb.streams === true) output.goOn();
  return runVerb(chosen.verb, chosen.args, passedOn);
}

/** Everything else asks for the working directory sooner or later. @throws Failure `no-directory` */
function mustBeSomewhere(): void {
  if (workingDirectory() !== undefined) return;
  throw new Failure({
    code: 'no-directory',
    message: 'the directory that you are in does not exist any more, or may not be looked at',
    hint: 'change to one that does: cd',
  });
}

function workingDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

/**
 * Yargs drops what is behind `--`. Names are the same on both sides of it, and no name begins with a dash.
 *
 * @throws Failure `usage`
 */
function withoutDashes(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  if (end === -1) return argv;
  const late = argv.slice(end + 1).find((word) => word.startsWith('-'));
  if (late === undefined) return argv.toSpliced(end, 1);
  throw new Failure({
    code: 'usage',
    message: `${late} is behind --, where only names can be`,
    hint: 'write options before --, or leave the -- out',
  });
}

function declare(builder: Argv, verb: Verb): Argv {
  for (const [name, options] of Object.entries(verb.positionals ?? {})) {
    builder.positional(name, options as Parameters<Argv['positional']>[1]);
  }
  return builder.options(verb.options);
}

async function runVerb(verb: Verb, args: Parameters<Verb['run']>[0], passedOn: readonly string[]): Promise<number> {
  const stopper = new AbortController();
  let signalled = 0;
  const onSignal = (): void => {
    signalled += 1;
    stopper.abort();
    // A second Ctrl-C does not wait for children to end in good order.
    if (signalled > 1) process.exit(130);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('SIGHUP', onSignal);
  const { report, close } = await chooseReport(verb, args);
  const session: Session = {
    cwd: process.cwd(),
    installation,
    environment: process.env,
    passedOn,
    report,
    signal: stopper.signal,
  };
  try {
    return (await verb.run(args, session)) ?? 0;
  } catch (error) {
    if (stopper.signal.aborted) {
      report({ kind: 'note', text: 'stopped' });
      return 130;
    }
    if (!(error instanceof Failure)) throw error;
    for (const failure of allOf(error)) report({ kind: 'failure', failure: failure.parts });
    return 1;
  } finally {
    await close();
  }
}

function allOf(failure: Failure): readonly Failure[] {
  return failure instanceof Failures ? failure.all : [failure];
}

async function chooseReport(
  verb: Verb,
  args: Readonly<Record<string, unknown>>,
): Promise<{ report: Report; close: () => Promise<void> }> {
  const plain = plainReport(process.stdout, process.stderr, process.cwd());
  const close = async (): Promise<void> => undefined;
  if (args['json'] === true) {
    return { report: verb.streams === true ? jsonEvents(process.stdout) : jsonValue(process.stdout, plain), close };
  }
  // Some terminals, of scripts mostly, say that they are 0 columns wide.
  const onTerminal = process.stderr.isTTY && process.stdout.columns !== 0;
  const live = verb.streams === true && onTerminal && process.env['CI'] === undefined;
  if (!live || args['plainOutput'] === true) return { report: plain, close };
  return liveReport(plain);
}

async function reportBug(error: unknown): Promise<number> {
  if (error instanceof Failure) {
    const report = plainReport(process.stdout, process.stderr, workingDirectory() ?? '/');
    for (const failure of allOf(error)) report({ kind: 'failure', failure: failure.parts });
    return 1;
  }
  const { sourceStack } = await import('./ui/source-stack.ts');
  const stack = error instanceof Error ? sourceStack(error) : String(error);
  process.stderr.write(`coracle: a bug in Coracle itself, please report it:\n${stack}\n`);
  return 2;
}

const output = watchOutput();
process.exitCode = output.exitCode(await main(process.argv.slice(2), output).catch(reportBug));
