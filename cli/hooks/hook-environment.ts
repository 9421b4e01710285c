/** What a hook finds in its environment: Coracle's names, and those that SkiffOS's and Buildroot's scripts rely on. */
import { Failure } from '../failure.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import { skiffosVariables } from '../workspace/skiffos-variables.ts';
import { HOOK_MOMENTS, type HookName, type PlannedHook } from './hook-moments.ts';

/** What all hooks of one moment share. */
export interface HookContext {
  readonly config: ResolvedConfig;
  /** The directory that the moment is about. */
  readonly directory: string;
  /** The directory of the workspace, or what a SkiffOS hook may take for it: it holds `target/` and `images/`. */
  readonly workspaceDirectory: string;
  /** The hooks' output is appended here. */
  readonly log: string;
  /** The one time that everything in the image has, in seconds since 1970. */
  readonly sourceDateEpoch: number;
  readonly signal?: AbortSignal;
  /** For messages: a command line that builds again. */
  readonly retry?: string;
  /** Instead of CORACLE_HOOK_TIMEOUT. */
  readonly timeoutMs?: number;
}

export function hookEnvironment(moment: HookName, hook: PlannedHook, context: HookContext): Record<string, string> {
  const { config, directory, workspaceDirectory } = context;
  const layers = config.layers.map(({ layer }) => layer);
  const environment: Record<string, string> = {
    CORACLE_WORKSPACE: config.workspace,
    CORACLE_WORKSPACE_DIR: workspaceDirectory,
    CORACLE_ARCH: config.arch,
    CORACLE_ENGINE: config.engine,
    CORACLE_VERSION: config.settings.version,
    CORACLE_LAYER: hook.layer.name,
    CORACLE_LAYER_DIR: hook.layer.directory,
    CORACLE_LAYERS: layers.map((layer) => layer.name).join(' '),
    [HOOK_MOMENTS[moment].variable]: directory,
    SOURCE_DATE_EPOCH: String(context.sourceDateEpoch),
    ...skiffosVariables(config, workspaceDirectory),
    SKIFF_CURRENT_CONF_DIR: hook.layer.directory,
  };
  // Buildroot gives these to post-build and post-image scripts.
  if (moment === 'root') environment['TARGET_DIR'] = directory;
  if (moment === 'post') environment['BINARIES_DIR'] = directory;
  return environment;
}

const DEFAULT_TIMEOUT_S = 600;

/** How long a hook may take: CORACLE_HOOK_TIMEOUT in seconds, else ten minutes. @throws Failure `bad-hook-timeout` */
export function hookTimeoutMs(environment: Readonly<Record<string, string | undefined>>): number {
  const text = environment['CORACLE_HOOK_TIMEOUT'];
  if (text === undefined || text === '') return DEFAULT_TIMEOUT_S * 1000;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds > 0) return seconds * 1000;
  throw new Failure({
    code: 'bad-hook-timeout',
    message: `CORACLE_HOOK_TIMEOUT is ${JSON.stringify(text)}, not a number of seconds above 0`,
  });
}
