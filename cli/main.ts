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
import { plainReport } from './ui/plain.ts';
import { GLOBAL_OPTIONS } from './verbs/global-options.ts';
import type { Session, Verb } from './verbs/verb.ts';
import { VERBS } from './verbs/verbs.ts';

const installation = dirname(dirname(fileURLToPath(import.meta.url)));

function version(): string {
  return (JSON.parse(readFileSync(join(installation, 'package.json'), 'utf8')) as { version: string }).version;
}

async function main(argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  const { default: yargs } = await import('yargs');
  let chosen: { verb: Verb; args: Parameters<Verb['run']>[0] } | undefined;
  const parser = yargs(argv)
    .scriptName('coracle')
    .version(version())
    .usage('$0 <verb>: layers to a booted, immutable image')
    .options(GLOBAL_OPTIONS)
    .strict()
    .recommendCommands()
    .demandCommand(1, 'Which verb? `coracle help` lists them.')
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .help()
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new Failure({ code: 'usage', message, hint: 'coracle --help, or coracle <verb> --help' });
    });
  for (const entry of VERBS) {
    parser.command(
      entry.command,
      entry.summary,
      async (builder: Argv) => declare(builder, await entry.load()),
      async (args) => {
        chosen = { verb: await entry.load(), args: args as Parameters<Verb['run']>[0] };
      },
    );
  }
  await parser.parse();
  if (chosen === undefined) return 0;
  return runVerb(chosen.verb, chosen.args);
}

function declare(builder: Argv, verb: Verb): Argv {
  for (const [name, options] of Object.entries(verb.positionals ?? {})) {
    builder.positional(name, options as Parameters<Argv['positional']>[1]);
  }
  return builder.options(verb.options);
}

async function runVerb(verb: Verb, args: Parameters<Verb['run']>[0]): Promise<number> {
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
    const all = error instanceof Failures ? error.all : [error];
    for (const failure of all) report({ kind: 'failure', failure: failure.parts });
    return 1;
  } finally {
    await close();
  }
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
    plainReport(process.stdout, process.stderr, process.cwd())({ kind: 'failure', failure: error.parts });
    return 1;
  }
  const { sourceStack } = await import('./ui/source-stack.ts');
  const stack = error instanceof Error ? sourceStack(error) : String(error);
  process.stderr.write(`coracle: a bug in Coracle itself, please report it:\n${stack}\n`);
  return 2;
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `coracle layers | head` closes the pipe; that is no failure.
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.exitCode = await main(process.argv.slice(2)).catch(reportBug);
