/**
 * The configuration of a kernel that is compiled: a base, the layers' merged fragments on top of it, and what the kernel's
 * own Kconfig makes of both. Nothing is compiled before all that was asked for is in the result.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure, throwAny } from '../../../../failure.ts';
import type { MergedConfig, Value } from '../../../../kconfig/assignment.ts';
import { type DotConfig, parseDotConfig } from '../../../../kconfig/dotconfig.ts';
import { explainSymbol } from '../../../../kconfig/language/explain.ts';
import { readKconfig } from '../../../../kconfig/language/read-kconfig.ts';
import { renderReason } from '../../../../kconfig/language/render-reason.ts';
import { winner } from '../../../../kconfig/merge.ts';
import { PREFIX } from '../../../../kconfig/namespace.ts';
import { formatAssignment, NOT_SET, sameValue } from '../../../../kconfig/value.ts';
import type { KernelBase } from '../../../../layers/layer.ts';
import type { ResolvedConfig } from '../../../../workspace/resolved.ts';
import { type CheckOptions, checkSymbols } from '../check-symbols.ts';
import { readKbuildModules, type SymbolModules, symbolsByModule } from '../kbuild-modules.ts';
import type { KernelTree } from '../kernel-tree.ts';
import { moduleRequests } from '../module-requests.ts';
import { baseName, unknownModule } from '../select-modules.ts';
import type { KernelMake } from './make.ts';

/**
 * What is different from the distribution's configuration before layers have their say: no debugging data, which takes most
 * of the time and of the room, and no signatures with keys that only the distribution has.
 */
const ADJUSTMENTS = `
CONFIG_LOCALVERSION=""
# CONFIG_LOCALVERSION_AUTO is not set
CONFIG_BUILD_SALT=""
CONFIG_DEBUG_INFO_NONE=y
# CONFIG_DEBUG_INFO_DWARF_TOOLCHAIN_DEFAULT is not set
# CONFIG_DEBUG_INFO_DWARF4 is not set
# CONFIG_DEBUG_INFO_DWARF5 is not set
# CONFIG_DEBUG_INFO_BTF is not set
# CONFIG_MODULE_SIG is not set
# CONFIG_SECURITY_LOCKDOWN_LSM is not set
CONFIG_SYSTEM_TRUSTED_KEYS=""
CONFIG_SYSTEM_REVOCATION_KEYS=""
`;

export interface ConfigureOptions {
  readonly config: ResolvedConfig;
  readonly base: KernelBase;
  /** The distribution's configuration; only for the base `package`. */
  readonly packageConfig: DotConfig | undefined;
  readonly make: KernelMake;
  /** For messages: `linux 6.1.192`. */
  readonly origin: string;
}

export interface ConfiguredKernel {
  /** The final .config. */
  readonly text: string;
  readonly dotConfig: DotConfig;
  readonly symbolModules: SymbolModules;
}

/** @throws Failure `kernel-symbol` for each symbol that Kconfig did not take */
export async function configureKernel(options: ConfigureOptions): Promise<ConfiguredKernel> {
  const { make, config, origin } = options;
  const file = join(make.source, '.config');
  const base = await baseConfig(options);
  await writeFile(file, overlayConfig(base, config.symbols.kernel));
  await make.run(['olddefconfig']);
  const text = await readFile(file, 'utf8');
  const dotConfig = parseDotConfig(text, { layer: origin, file });
  const symbolModules = readKbuildModules(make.source);
  const check = (more: Partial<CheckOptions>): void => {
    const tree = unbuiltTree(origin, dotConfig, symbolModules);
    // Which modules are loaded early is checked once they exist, and their dependencies are known.
    const early = { has: () => true };
    throwAny(checkSymbols(config, { tree, symbolModules, early, ...more }).failures);
  };
  try {
    check({});
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    check(explainer(make, dotConfig));
  }
  checkLoadedModules(options, dotConfig, symbolModules);
  return { text, dotConfig, symbolModules };
}

/** Reads the kernel's Kconfig files, which is not needed unless something was not taken. */
function explainer({ source, architecture }: KernelMake, actual: DotConfig): Pick<CheckOptions, 'known' | 'explain'> {
  const model = readKconfig({
    tree: source,
    file: 'Kconfig',
    dialect: 'macros',
    prefix: PREFIX.kernel,
    variables: { ARCH: architecture, SRCARCH: architecture },
  });
  return {
    known: [...model.symbols.keys()].map((name) => PREFIX.kernel + name),
    explain(symbol, wanted) {
      const reason = explainSymbol(model, { symbol, wanted, actual });
      return reason.kind === 'unknown-symbol' ? undefined : renderReason(reason, model);
    },
  };
}

/** Modules that have to be loaded must be there; better told now than after half an hour of compiling. */
function checkLoadedModules({ config, origin }: ConfigureOptions, dotConfig: DotConfig, modules: SymbolModules): void {
  const byModule = symbolsByModule(modules);
  const { initramfs, early } = moduleRequests(config);
  const failures = [...initramfs, ...early].flatMap((request) => {
    const symbols = byModule.get(baseName(request.pattern));
    const isOff = symbols?.every((symbol) => sameValue(dotConfig.get(symbol), NOT_SET)) === true;
    const nothing = { origin, modules: new Map(), builtIn: new Map() };
    return isOff ? [unknownModule(nothing, request, symbols)] : [];
  });
  throwAny(failures);
}

async function baseConfig({ base, packageConfig, make, origin }: ConfigureOptions): Promise<DotConfig> {
  if (base === 'package' && packageConfig !== undefined) {
    const adjustments = parseDotConfig(ADJUSTMENTS, { layer: origin, file: 'adjustments' });
    return new Map([...packageConfig, ...adjustments]);
  }
  await make.run([base]);
  const file = join(make.source, '.config');
  return parseDotConfig(await readFile(file, 'utf8'), { layer: origin, file });
}

/** The base without what is asked for otherwise, then all that is asked for: of a choice, Kconfig takes the last `y`. */
export function overlayConfig(base: DotConfig, asked: MergedConfig): string {
  const lines: string[] = [];
  const add = (symbol: string, value: Value): void => {
    lines.push(`${formatAssignment(symbol, value)}\n`);
  };
  for (const [symbol, value] of base) if (!asked.has(symbol)) add(symbol, value);
  for (const chain of asked.values()) add(chain.symbol, winner(chain).value);
  return lines.join('');
}

/** A kernel as it will be: every module that its build files name. */
function unbuiltTree(origin: string, config: DotConfig, symbolModules: SymbolModules): KernelTree {
  const content = { kind: 'bytes', data: new Uint8Array() } as const;
  const names = new Set([...symbolModules.values()].flat());
  return {
    origin,
    release: '',
    image: content,
    config,
    modules: new Map([...names].map((name) => [name, { name, path: name, suffix: '.ko', content }])),
    builtIn: new Map(),
    builtInAliases: new Set(),
    moduleLists: new Map(),
  };
}
