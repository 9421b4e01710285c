/**
 * What Buildroot is asked for: the layers' merged Buildroot fragments, and on top of them what wires the rest of the layers
 * into Buildroot, as a configuration for the tree's own Kconfig.
 */
import { join } from 'node:path';
import { hooksAt } from '../../../hooks/hook-moments.ts';
import type { Assignment, Namespace, Value } from '../../../kconfig/assignment.ts';
import { winner } from '../../../kconfig/merge.ts';
import { formatAssignment, NOT_SET } from '../../../kconfig/value.ts';
import { BUILDROOT_SYMBOLS } from '../../../layers/buildroot-architecture.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import { askedPrograms } from '../../root-programs.ts';
import { type BuildPlaces, LAYER_FILES } from '../build-places.ts';
import { PROGRAM_SYMBOLS } from '../device-source/device-source.ts';
import { layerCflags } from '../layer-files/cflags.ts';
import { layerPatches } from '../layer-files/patches.ts';
import { SCRIPT_MOMENTS } from '../layer-files/scripts.ts';
import type { OwnAssignment } from './own-assignment.ts';
import type { OwnSymbol } from './symbols-of-coracle.ts';

export interface BuildrootRequest {
  /** What the user's layers ask for: the winners, in the order in which they were written. */
  readonly asked: readonly Assignment[];
  /** What Coracle adds; where both say something, this wins. */
  readonly own: readonly OwnAssignment[];
  /** For the tree's `conf`. */
  readonly text: string;
}

/** What other parts of the engine ask for: the toolchain, the machine's tools. */
export interface MoreRequest {
  readonly own: readonly OwnAssignment[];
  /** Whether they answer a symbol of the layers, so that those are not asked for it. */
  readonly answers: (symbol: string) => boolean;
}

export const NO_MORE: MoreRequest = { own: [], answers: () => false };

export function buildrootRequest(
  config: ResolvedConfig,
  places: BuildPlaces,
  more: MoreRequest = NO_MORE,
): BuildrootRequest {
  const all = askedOf(config, 'buildroot');
  const own = [...ownAssignments(config, places, all), ...more.own];
  const asked = all.filter(({ symbol }) => !more.answers(symbol));
  const replaced = new Set(own.map(({ symbol }) => symbol));
  const lines = [
    ...asked.filter(({ symbol }) => !replaced.has(symbol)),
    // A symbol that Coracle sets twice is set by who comes last.
    ...new Map(own.map((one) => [one.symbol, one])).values(),
  ].map(({ symbol, value }) => `${formatAssignment(symbol, value)}\n`);
  return { asked, own, text: lines.join('') };
}

/**
 * The assignments of a namespace that count, in the order in which they were written: of a choice, Kconfig takes the last
 * that is on.
 */
export function askedOf(config: ResolvedConfig, namespace: Namespace): readonly Assignment[] {
  const rank = new Map<string, number>();
  for (const { layer } of config.layers)
    for (const file of layer.contents.fragments[namespace]) rank.set(file, rank.size);
  const rankOf = ({ origin }: Assignment): number => rank.get(origin.file) ?? 0;
  return [...config.symbols[namespace].values()]
    .map(winner)
    .sort((a, b) => rankOf(a) - rankOf(b) || a.origin.line - b.origin.line);
}

const YES: Value = { kind: 'tristate', value: 'y' };

function ownAssignments(config: ResolvedConfig, places: BuildPlaces, asked: readonly Assignment[]): OwnAssignment[] {
  const layers = config.layers.map(({ layer }) => layer);
  const before = new Map(asked.map(({ symbol, value }) => [symbol, value]));
  const own: OwnAssignment[] = [];
  const set = (symbol: OwnSymbol, value: Value, why: string): void => void own.push({ symbol, value, why });
  const setDefault = (symbol: OwnSymbol, value: Value, why: string): void => {
    if (!before.has(symbol)) set(symbol, value, why);
  };
  /** Adds to a list of names what the layers hold; what fragments put into it stays, before it. */
  const append = (symbol: OwnSymbol, names: readonly string[], why: string): void => {
    if (names.length === 0) return;
    const there = before.get(symbol);
    const first = there?.kind === 'string' && there.value !== '' ? [there.value] : [];
    set(symbol, { kind: 'string', value: [...first, ...names].join(' ') }, why);
  };
  const at = (name: string): string => join(places.layers, name);

  setDefault(BUILDROOT_SYMBOLS[config.arch], YES, 'the architecture of the workspace');
  set('BR2_TARGET_ROOTFS_TAR', YES, 'the root is taken from an archive that keeps owners and devices');
  set('BR2_TARGET_ROOTFS_TAR_NONE', YES, 'the archive is read in place');
  setDefault('BR2_REPRODUCIBLE', YES, 'the same inputs are to give the same image');
  // Buildroot builds its own ccache, which the machine's programs do not stand in for.
  if (config.settings.buildroot.hostTools === 'buildroot') {
    setDefault('BR2_CCACHE', YES, 'workspaces do not compile the same twice');
  }
  if (config.settings.buildroot.mirror !== undefined) {
    set('BR2_PRIMARY_SITE', { kind: 'string', value: config.settings.buildroot.mirror }, 'mirror of the workspace');
  }
  const fragments = [
    ['kernel', 'BR2_LINUX_KERNEL_CONFIG_FRAGMENT_FILES', LAYER_FILES.kernelFragment, 'BR2_LINUX_KERNEL'],
    ['uboot', 'BR2_TARGET_UBOOT_CONFIG_FRAGMENT_FILES', LAYER_FILES.ubootFragment, 'BR2_TARGET_UBOOT'],
    ['busybox', 'BR2_PACKAGE_BUSYBOX_CONFIG_FRAGMENT_FILES', LAYER_FILES.busyboxFragment, undefined],
  ] as const;
  for (const [namespace, symbol, file, needs] of fragments) {
    const isBuilt = needs === undefined || isOn(before.get(needs));
    if (isBuilt && config.symbols[namespace].size > 0) append(symbol, [at(file)], `${namespace} fragments of layers`);
  }
  for (const { name, layers: asking } of askedPrograms(layers)) {
    setDefault(PROGRAM_SYMBOLS[name], YES, `program of layer ${asking[0]}`);
  }
  const patches = layerPatches(layers);
  const directories = (kind: keyof typeof patches, below: string): string[] =>
    patches[kind].map(({ directory }) => join(places.layers, below, directory));
  if (isOn(before.get('BR2_LINUX_KERNEL'))) {
    append('BR2_LINUX_KERNEL_PATCH', directories('kernel', LAYER_FILES.kernelPatches), 'kernel patches of layers');
  }
  if (isOn(before.get('BR2_TARGET_UBOOT'))) {
    append('BR2_TARGET_UBOOT_PATCH', directories('uboot', LAYER_FILES.ubootPatches), 'U-Boot patches of layers');
  }
  append('BR2_GLOBAL_PATCH_DIR', directories('buildroot', LAYER_FILES.packagePatches), 'package patches of layers');
  if (layers.some(({ contents }) => contents.overlay !== undefined)) {
    append('BR2_ROOTFS_OVERLAY', [at(LAYER_FILES.overlay)], 'root overlays of layers');
  }
  if (layers.some(({ contents }) => contents.users.length > 0)) {
    append('BR2_ROOTFS_USERS_TABLES', [at(LAYER_FILES.users)], 'users tables of layers');
  }
  for (const { moment, symbol, file } of SCRIPT_MOMENTS) {
    if (hooksAt(moment, layers, config.engine).length > 0) append(symbol, [at(file)], `${moment} hooks of layers`);
  }
  const cflags = layerCflags(layers);
  if (cflags.length > 0) {
    const flags = cflags.map(({ flags: text }) => text).join(' ');
    set('BR2_TARGET_OPTIMIZATION', { kind: 'string', value: flags }, 'cflags of layers');
  }
  return own;
}

function isOn(value: Value | undefined): boolean {
  return value !== undefined && value.kind === 'tristate' && value.value !== NOT_SET.value;
}
