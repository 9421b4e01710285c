/**
 * Buildroot's own menu, on what the layers of a workspace ask for. It is given the request and not the final `.config`: what
 * follows from a default goes on following it while the user works, instead of being taken for the user's own word.
 *
 * The toolchain is the one that the layers ask for, also where another one stands in for it in a build.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../failure.ts';
import { runInteractive } from '../../../host/interactive.ts';
import { type DotConfig, parseDotConfig } from '../../../kconfig/dotconfig.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildPlaces } from '../build-places.ts';
import { buildrootRequest } from '../configure/request.ts';
import { type ConfOptions, compactConfig, kconfigEnvironment, runConf } from '../configure/run-conf.ts';
import { kconfigProgram } from '../tree/kconfig-programs.ts';
import { type ConfigurationMenu, type Configured, MENU_PROGRAMS, type MenuName } from './configuration-menu.ts';

export interface BuildrootMenuParts {
  readonly name: MenuName;
  readonly places: BuildPlaces;
  /** For conf and for the menu. */
  readonly options: ConfOptions;
}

export function buildrootMenu({ name, places, options }: BuildrootMenuParts): ConfigurationMenu {
  const { tree } = options;
  // The same is asked again, when what was tried is written and read back.
  const known = new Map<string, Pick<Configured, 'text' | 'final'>>();
  const finalOf = async (request: string) => {
    const made = known.get(request);
    if (made !== undefined) return made;
    const { text } = await runConf(request, options);
    const final = { text, final: parse(text) };
    known.set(request, final);
    return final;
  };
  return {
    namespace: 'buildroot',
    what: `Buildroot ${tree.version}`,
    isQuick: true,
    configure: async (config) => {
      const { text, own } = buildrootRequest(config, places);
      return { ...(await finalOf(text)), own };
    },
    open: (config) => open(config, { name, places, options }),
    compact: async (dotConfig) => parse(await compactConfig(dotConfig, options)),
  };
}

async function open(config: ResolvedConfig, parts: BuildrootMenuParts): Promise<string | undefined> {
  const { name, places } = parts;
  const options = { ...parts.options, scratch: join(parts.options.scratch, 'menu') };
  const { tree, cache, log, signal, scratch } = options;
  const program = await kconfigProgram(MENU_PROGRAMS[name], tree, { cache, log, signal });
  await mkdir(scratch, { recursive: true });
  const file = join(scratch, '.config');
  const request = buildrootRequest(config, places).text;
  await writeFile(file, request);
  const env = await kconfigEnvironment(options);
  // Silent: its last words are about what make to run next.
  const argv = [program, '-s', 'Config.in'] as const;
  const exitCode = await runInteractive({ argv, cwd: tree.directory, env, signal });
  const text = await readFile(file, 'utf8');
  if (text !== request) return text;
  if (exitCode !== 0 && exitCode !== 130) {
    throw new Failure({
      code: 'menu-failed',
      message: `the menu of Buildroot ${tree.version} ended with exit code ${exitCode}`,
      cause: 'what it said is above',
      hint: name === 'xconfig' ? 'it needs a display' : 'it needs a terminal of 80 columns and 19 lines at least',
    });
  }
  return undefined;
}

function parse(text: string): DotConfig {
  return parseDotConfig(text, { file: '.config', layer: 'Buildroot' });
}
