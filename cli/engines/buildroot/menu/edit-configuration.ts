/**
 * The round trip: a menu on what a workspace's layers ask for, and back into one of them what the user changed there, as the
 * fewest settings that give the saved configuration again. What cannot be kept is told, and then nothing is changed and the
 * saved configuration stays in a file.
 */

import { Failure } from '../../../failure.ts';
import { writeFileAtomic } from '../../../host/files.ts';
import {
  changesBetween,
  type Setting,
  type SymbolChange,
  settingsBetween,
  withoutNeedless,
} from '../../../kconfig/changes.ts';
import { type DotConfig, parseDotConfig } from '../../../kconfig/dotconfig.ts';
import { NOT_SET, sameValue } from '../../../kconfig/value.ts';
import type { Layer } from '../../../layers/layer.ts';
import { editedFiles, type LayerFragments, readLayerFragments, withSettings } from '../../../layers/layer-fragments.ts';
import { withFragments } from '../../../workspace/edited-config.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import { describeValue } from '../configure/check-request.ts';
import { askedOf } from '../configure/request.ts';
import type { ConfigurationMenu, Configured } from './configuration-menu.ts';
import { refuseOwnSymbols } from './own-symbols.ts';
import { replaceFiles } from './replace-files.ts';

/** The fragment that takes symbols of which the layer says nothing yet. */
const NEW_FRAGMENT = 'menuconfig';

export interface EditParts {
  readonly menu: ConfigurationMenu;
  readonly config: ResolvedConfig;
  /** What is changed is written into it. */
  readonly layer: Layer;
  /** The workspace anew, after files were written. */
  readonly resolve: () => Promise<ResolvedConfig>;
  /** Where the saved configuration is kept if it cannot be written back. */
  readonly keep: string;
  /** Called once there is something to write back: to work out what may take a while. */
  readonly onSaved?: () => void;
}

export interface Edited {
  readonly settings: readonly Setting[];
  /** Fragments that were written, absolute. */
  readonly files: readonly string[];
}

/**
 * @returns nothing where nothing was changed
 * @throws Failure `symbol-of-coracle`, `change-not-kept`, and whatever the edited layers are refused for
 */
export async function editConfiguration(parts: EditParts): Promise<Edited> {
  const { menu, config, layer, keep } = parts;
  const fragments = await readLayerFragments(layer, menu.namespace);
  const before = await menu.configure(config);
  const text = await menu.open(config);
  const saved = text === undefined ? before.final : parse(text);
  if (text === undefined || changesBetween(before.final, saved).length === 0) return { settings: [], files: [] };
  parts.onSaved?.();
  try {
    return await writeBack({ ...parts, fragments, before, saved, text });
  } catch (error) {
    await writeFileAtomic(keep, text);
    if (!(error instanceof Failure)) throw error;
    const { hint } = error.parts;
    const kept = `nothing was changed; what you saved is in ${keep}, which the menu can load`;
    throw new Failure({ ...error.parts, hint: hint === undefined ? kept : `${hint}\n${kept}` });
  }
}

interface WriteBackParts extends EditParts {
  readonly fragments: LayerFragments;
  readonly before: Configured;
  readonly saved: DotConfig;
  /** Of the saved configuration. */
  readonly text: string;
}

async function writeBack(parts: WriteBackParts): Promise<Edited> {
  const { menu, fragments, resolve } = parts;
  const settings = await fewestSettings(parts);
  const files = editedFiles(fragments, edit(parts, settings));
  const written = await replaceFiles(files);
  try {
    const left = differences(await menu.configure(await resolve()), parts.saved);
    if (left.length > 0) throw notKept(parts, left);
  } catch (error) {
    await written.undo();
    throw error;
  }
  return { settings, files: [...files.keys()] };
}

function edit({ fragments, layer, menu }: WriteBackParts, settings: readonly Setting[]): LayerFragments {
  return withSettings(fragments, settings, { layer, namespace: menu.namespace, newFile: NEW_FRAGMENT });
}

/** What has a value of its own in the saved configuration, and is not as the user left it. */
function differences({ final, own }: Configured, saved: DotConfig): readonly SymbolChange[] {
  return changesBetween(saved, final).filter(({ symbol }) => !own.some((one) => one.symbol === symbol));
}

async function fewestSettings(parts: WriteBackParts): Promise<readonly Setting[]> {
  const { menu, config, layer, before, saved } = parts;
  const configure = (settings: readonly Setting[]): Promise<Configured> =>
    menu.configure(withFragments(config, layer, menu.namespace, edit(parts, settings)));
  const needed = dishonoured(parts);
  const isNeeded = new Set(needed.map(({ symbol }) => symbol));
  let all = settingsBetween(before.final, saved).filter(({ symbol }) => !isNeeded.has(symbol));
  for (;;) {
    const configured = await configure([...needed, ...all]);
    refuseOwnSymbols(before, configured, saved);
    const left = differences(configured, saved);
    if (left.length === 0) break;
    // What stayed as it was, and followed from something that did not, has to be said now.
    const said = new Set([...isNeeded, ...all.map(({ symbol }) => symbol)]);
    const more = left.filter(({ symbol }) => !said.has(symbol));
    const settings = more.flatMap(({ symbol, before: value }) => (value === undefined ? [] : [{ symbol, value }]));
    if (settings.length === 0) throw notKept(parts, left);
    all = [...all, ...settings];
  }
  const holds = async (some: readonly Setting[]): Promise<boolean> =>
    differences(await configure([...needed, ...some]), saved).length === 0;
  let settings = all;
  for (const fewer of await likelySettings(parts, all)) {
    if (!(await holds(fewer))) continue;
    settings = fewer;
    break;
  }
  const kept = menu.isQuick ? await withoutNeedless(leastTelling(settings), holds) : settings;
  const order = new Map([...saved.keys()].map((symbol, index) => [symbol, index]));
  return [...needed, ...kept].sort((a, b) => (order.get(a.symbol) ?? order.size) - (order.get(b.symbol) ?? order.size));
}

/** What layers ask for, and had, and would not have any more: somebody has to say so, or the next build refuses it. */
function dishonoured({ menu, config, before, saved }: WriteBackParts): readonly Setting[] {
  return askedOf(config, menu.namespace)
    .filter(({ symbol, value }) => sameValue(value, before.final.get(symbol)) && !sameValue(value, saved.get(symbol)))
    .filter(({ symbol }) => !before.own.some((one) => one.symbol === symbol))
    .map(({ symbol }) => ({ symbol, value: saved.get(symbol) ?? NOT_SET }));
}

/** Parts of all that differs which are likely to say it all, best first. */
async function likelySettings({ menu, before, text, saved }: WriteBackParts, all: readonly Setting[]) {
  const changed = new Set(changesBetween(before.final, saved).map(({ symbol }) => symbol));
  const likely = [all.filter(({ symbol }) => changed.has(symbol))];
  if (menu.compact === undefined) return likely;
  const compact = settingsBetween(await menu.compact(before.text), await menu.compact(text), saved);
  return [all.filter(({ symbol }) => compact.some((one) => one.symbol === symbol)), ...likely];
}

/** Those first that say what is off: of a choice, what is on says more. */
function leastTelling(settings: readonly Setting[]): readonly Setting[] {
  const isOff = ({ value }: Setting): boolean => sameValue(value, NOT_SET);
  return [...settings.filter(isOff), ...settings.filter((one) => !isOff(one))];
}

function notKept({ menu, layer, config }: WriteBackParts, left: readonly SymbolChange[]): Failure {
  const lines = left.map(
    ({ symbol, before, after }) => `${symbol}: saved ${describeValue(before)}, would be ${describeValue(after)}`,
  );
  return new Failure({
    code: 'change-not-kept',
    message: `${menu.what} would not be as you saved it`,
    cause: lines.join('\n'),
    wholeCause: true,
    hint: `a layer behind ${layer.name} sets it otherwise, or it is set by what is no symbol: coracle explain ${left[0]?.symbol} ${config.workspace}`,
    layer: layer.name,
  });
}

function parse(text: string): DotConfig {
  return parseDotConfig(text, { file: '.config', layer: 'the menu' });
}
