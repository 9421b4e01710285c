/**
 * Running layers' hooks: each in layer order, in a process group of its own, with a time limit. A hook that fails stops
 * the build with the layer, the hook, what it said and where all of it is written.
 */
import { Failure } from '../failure.ts';
import { runCommand } from '../host/process.ts';
import type { Layer } from '../layers/layer.ts';
import { type HookContext, hookEnvironment, hookTimeoutMs } from './hook-environment.ts';
import { type HookName, hooksAt, type PlannedHook } from './hook-moments.ts';
import { checkHookProgram } from './hook-program.ts';

/** Runs all layers' hooks of a moment; returns those that ran. */
export async function runHooks(moment: HookName, context: HookContext): Promise<PlannedHook[]> {
  const hooks = hooksAt(
    moment,
    context.config.layers.map(({ layer }) => layer),
    context.config.engine,
  );
  for (const hook of hooks) await runPlannedHook(moment, hook, context);
  return hooks;
}

/** Runs one layer's hook of a moment, if it has one; whether it had. */
export async function runHook(layer: Layer, moment: HookName, context: HookContext): Promise<boolean> {
  const hooks = hooksAt(moment, [layer], context.config.engine);
  for (const hook of hooks) await runPlannedHook(moment, hook, context);
  return hooks.length > 0;
}

/**
 * @throws Failure `hook-missing`, `hook-not-executable`, `hook-bad-interpreter`, `hook-failed`, `hook-timeout`, `stopped`
 */
export async function runPlannedHook(moment: HookName, hook: PlannedHook, context: HookContext): Promise<void> {
  await checkHookProgram(hook);
  const timeoutMs = context.timeoutMs ?? hookTimeoutMs(process.env);
  // New files of a hook get their mode from this, and must not get it from the user's shell.
  process.umask(0o022);
  try {
    await runCommand({
      argv: [hook.program, context.directory],
      cwd: context.directory,
      env: hookEnvironment(moment, hook, context),
      log: context.log,
      signal: context.signal,
      timeoutMs,
      endLeftovers: true,
    });
  } catch (error) {
    throw explain(error, hook, context, timeoutMs);
  }
}

function explain(
  error: unknown,
  { layer, name, program }: PlannedHook,
  context: HookContext,
  timeoutMs: number,
): unknown {
  if (error instanceof Failure && error.parts.code === 'stopped') return error;
  const about = { place: { file: program }, layer: layer.name, log: context.log, retry: context.retry };
  const who = `hook ${name} of ${layer.name}`;
  if (!(error instanceof Failure)) {
    // The system's own answer to starting it, for instance EACCES on a file system mounted noexec.
    if (!isSystemError(error)) return error;
    return new Failure({ ...about, code: 'hook-failed', message: `${who} cannot be started`, cause: error.message });
  }
  const { code, cause, message } = error.parts;
  if (code === 'command-timeout') {
    return new Failure({
      ...about,
      code: 'hook-timeout',
      message: `${who} did not end within ${timeoutMs / 1000} s and was stopped`,
      cause,
      hint: 'CORACLE_HOOK_TIMEOUT=<seconds> allows more',
    });
  }
  // The program's name in the message is the hook's whole path, which is the place already.
  const how = message.replace(program, who);
  return new Failure({ ...about, code: 'hook-failed', message: how, cause });
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string';
}
