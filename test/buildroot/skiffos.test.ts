/**
 * SkiffOS's own repository as an extension repository: what Coracle makes of each of its layers, alone and with skiff/core,
 * is what SkiffOS's own scripts make of it. Where the two differ, the difference is named here, with its reason.
 *
 * A checkout is in CORACLE_SKIFFOS, and nothing of it is changed. Its scripts take seconds for a list, and minutes for all;
 * CORACLE_SKIFFOS_LISTS, separated by spaces, are looked at instead of all.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { NAMESPACES, type Namespace } from '../../cli/kconfig/assignment.ts';
import { winner } from '../../cli/kconfig/merge.ts';
import { formatValue } from '../../cli/kconfig/value.ts';
import type { Layer, PatchKind } from '../../cli/layers/layer.ts';
import { LayerLibrary } from '../../cli/layers/layer-library.ts';
import { otherOrder } from '../../cli/layers/skiffos-order.ts';
import { layerRoots } from '../../cli/workspace/layer-roots.ts';
import { loadProject, type Project } from '../../cli/workspace/project.ts';
import { type ResolvedLayers, resolveLayers } from '../../cli/workspace/resolve-workspace.ts';
import { listedLayers } from '../../cli/workspace/skiffos-base.ts';
import { type Tree, writeTree } from '../support/files.ts';
import { SkiffosScripts, type TheirResult, words } from '../support/skiffos-scripts.ts';

/** An extension repository as SkiffOS's template has it, with what the layers of SkiffOS itself do not have. */
const EXTENSION: Tree = {
  'configs/mine/common/metadata/description': 'What my boards have in common\n',
  'configs/mine/common/metadata/dependencies': 'mine/middle\n',
  'configs/mine/common/metadata/unlisted': '',
  'configs/mine/common/users/people': 'ann -1 ann -1 * /home/ann - - Ann\n',
  'configs/mine/common/uboot/base': 'CONFIG_BOOTDELAY=3\nCONFIG_CMD_NET=y\n',
  'configs/mine/common/cflags/cpu': '# for this processor\n-O2\n-pipe\n',
  'configs/mine/middle/metadata/description': 'Between them\n',
  'configs/mine/middle/kernel/middle': 'CONFIG_USB=y\nCONFIG_HID=m\n# CONFIG_SOUND is not set\n',
  'configs/mine/middle/uboot/base': 'CONFIG_BOOTDELAY=5\n',
  'configs/mine/middle/users/10-b': 'bob 1001 bob -1 * - - - \n',
  'configs/mine/middle/users/9-a': 'eve 1000 eve -1 * - - - \n',
  'configs/mine/middle/uboot_patches/0001-x.patch': '',
  'configs/mine/glued/metadata/description': 'Whose users table lacks its last line end\n',
  'configs/mine/glued/users/a': 'kim -1 kim -1 * - - - Kim',
  'configs/mine/glued/users/b': 'lee -1 lee -1 * - - - Lee',
  'configs/mine/device/metadata/description': 'My board\n',
  'configs/mine/device/metadata/dependencies': ' mine/common, mine/middle\n',
  'configs/mine/device/metadata/commands': 'flash Writes it to the board.\n',
  'configs/mine/device/extensions/Makefile': 'flash:\n\t@echo flashing $(SKIFF_CURRENT_CONF_NAME)\n',
  'configs/mine/device/buildroot/10-board':
    'BR2_aarch64=y\nBR2_ROOTFS_DEVICE_TABLE="SKIFF_CONFIG_ROOT/resources/devices"\n',
  'configs/mine/device/buildroot/9-board': 'BR2_x86_64=y\nBR2_PACKAGE_HTOP=y',
  'configs/mine/device/busybox/more': 'CONFIG_VI=y\n# CONFIG_TELNET is not set\n',
  'configs/mine/device/kernel/more':
    'CONFIG_HID=y\nCONFIG_SOUND=m\nCONFIG_LOCALVERSION="-mine"\nCONFIG_NR_CPUS=4\nCONFIG_PHYS=0x1000\n',
  'configs/mine/device/kernel_patches/0001-a.patch': '',
  'configs/mine/device/kernel_patches/0002-b.patch': '',
  'configs/mine/device/buildroot_patches/htop/0001-x.patch': '',
  'configs/mine/device/root_overlay/etc/mine': '',
  'configs/mine/device/cflags/more': '-mtune=generic\n',
  'configs/mine/device/buildroot_ext/external.desc': 'name: MINE\n',
  'configs/mine/device/buildroot_ext/external.mk': '',
  'configs/mine/device/buildroot_ext/Config.in': '',
  'configs/mine/device/hooks/pre.sh': { program: '#!/bin/sh\n' },
  'configs/mine/device/hooks/post.sh': { program: '#!/bin/sh\n' },
  'configs/mine/device/hooks/other.sh': { program: '#!/bin/sh\n' },
};

/**
 * Lists that SkiffOS orders otherwise: it leaves a dependency behind the layer that needs it. Without a tail, its own layers
 * bring the two in; with skiff/core behind it, the list does.
 */
const OTHER_ORDER: Readonly<Record<string, readonly string[]>> = {
  'mine/device': ['mine/middle behind mine/common'],
  'mine/device,skiff/core': ['mine/middle behind mine/common'],
  'pine64/phone': ['skiff/moduleimg behind pine64/common'],
  'pine64/phone_pro': ['skiff/moduleimg behind pine64/common'],
  'pine64/rock64': ['skiff/moduleimg behind pine64/common'],
  'pine64/rockpro64': ['skiff/moduleimg behind pine64/common'],
  'rockchip/rk3328': ['skiff/moduleimg behind pine64/common'],
  'auvidea/j121,skiff/core': ['skiff/core behind jetson/tx2'],
  'core/alpine,skiff/core': ['skiff/core behind core/alpine'],
  'core/arch,skiff/core': ['skiff/core behind core/arch'],
  'core/cachyos,skiff/core': ['skiff/core behind core/cachyos'],
  'core/debian,skiff/core': ['skiff/core behind core/debian'],
  'core/fedora,skiff/core': ['skiff/core behind core/fedora'],
  'core/gentoo,skiff/core': ['skiff/core behind core/gentoo'],
  'core/jellyfin,skiff/core': ['skiff/core behind core/jellyfin'],
  'core/libreelec,skiff/core': ['skiff/core behind core/libreelec'],
  'core/nasa_cfs,skiff/core': ['skiff/core behind core/nasa_cfs'],
  'core/nasa_fprime,skiff/core': ['skiff/core behind core/nasa_fprime'],
  'core/nixos,skiff/core': ['skiff/core behind core/nixos'],
  'core/nixos_xfce,skiff/core': ['skiff/core behind core/nixos', 'skiff/core behind core/nixos_xfce'],
  'core/pinebook_gentoo,skiff/core': ['skiff/core behind core/gentoo'],
  'core/pinebook_manjaro_kde,skiff/core': ['skiff/core behind core/pinebook_manjaro_kde'],
  'core/pinephone_manjaro_kde,skiff/core': ['skiff/core behind core/pinephone_manjaro_kde'],
  'core/pinephone_manjaro_phosh,skiff/core': ['skiff/core behind core/pinephone_manjaro_phosh'],
  'core/pinephone_nixos,skiff/core': ['skiff/core behind core/nixos', 'skiff/core behind core/pinephone_nixos'],
  'core/steam,skiff/core': ['skiff/core behind core/steam'],
  'core/ubuntu,skiff/core': ['skiff/core behind core/ubuntu'],
  'jetson/agx,skiff/core': ['skiff/core behind jetson/agx'],
  'jetson/nano,skiff/core': ['skiff/core behind jetson/nano'],
  'jetson/tx2,skiff/core': ['skiff/core behind jetson/tx2'],
  'modalai/voxl2,skiff/core': ['skiff/core behind modalai/voxl2'],
  'pine64/phone,skiff/core': ['skiff/moduleimg behind pine64/common'],
  'pine64/phone_pro,skiff/core': ['skiff/moduleimg behind pine64/common'],
  'pine64/rock64,skiff/core': ['skiff/moduleimg behind pine64/common'],
  'pine64/rockpro64,skiff/core': ['skiff/moduleimg behind pine64/common'],
  'rockchip/rk3328,skiff/core': ['skiff/moduleimg behind pine64/common'],
  'usbarmory/common,skiff/core': ['skiff/core behind usbarmory/common'],
  'usbarmory/mk2,skiff/core': ['skiff/core behind usbarmory/common'],
};

/** Symbols by which SkiffOS hands its results to Buildroot; here, that is the engine's. */
const RESULTS = {
  overlay: 'BR2_ROOTFS_OVERLAY',
  buildroot: 'BR2_GLOBAL_PATCH_DIR',
  kernel: 'BR2_LINUX_KERNEL_PATCH',
  uboot: 'BR2_TARGET_UBOOT_PATCH',
  cflags: 'BR2_TARGET_OPTIMIZATION',
} as const;
const OTHER_RESULTS = [
  'BR2_CCACHE_DIR',
  'BR2_LINUX_KERNEL_CONFIG_FRAGMENT_FILES',
  'BR2_PACKAGE_BUSYBOX_CONFIG_FRAGMENT_FILES',
  'BR2_ROOTFS_POST_BUILD_SCRIPT',
  'BR2_ROOTFS_POST_IMAGE_SCRIPT',
  'BR2_ROOTFS_USERS_TABLES',
  'BR2_TARGET_UBOOT_CONFIG_FRAGMENT_FILES',
];

/** Not by the fragments of configs-base/post, but by scripts/build_configs.sh itself. */
const ADDED_LATE: readonly string[] = ['BR2_CCACHE_DIR', RESULTS.cflags];

const CHECKOUT = process.env['CORACLE_SKIFFOS'] ?? '';
const AN_HOUR_MS = 3_600_000;

describe('every layer of SkiffOS', { timeout: AN_HOUR_MS }, () => {
  let scripts: SkiffosScripts;
  let theirs: ReadonlyMap<string, TheirResult>;
  let project: Project;
  /** In SkiffOS's order. */
  let ours: ReadonlyMap<string, ResolvedLayers>;

  beforeAll(async () => {
    if (CHECKOUT === '') return;
    scripts = await SkiffosScripts.on(CHECKOUT, EXTENSION);
    const all = scripts.layers.flatMap((name) => (name === 'skiff/core' ? [name] : [name, `${name},skiff/core`]));
    const lists = process.env['CORACLE_SKIFFOS_LISTS']?.split(' ') ?? all;
    theirs = await scripts.configureAll(lists);
    // A version, because the copy has no git to ask for one.
    const workspaces = lists.map((list, index) => `  w${index}: {layers: [${list}], version: unknown}\n`);
    writeTree(scripts.checkout, {
      'coracle.yaml': `layers: [{path: ${scripts.extension}}, {path: .}]\nworkspaces:\n${workspaces.join('')}`,
    });
    project = await loadProject(scripts.checkout, {}, '/nowhere');
    ours = await resolveAll({ skiffOrder: true });
  }, AN_HOUR_MS);
  afterAll(() => scripts?.remove());
  beforeEach((context) => {
    if (CHECKOUT !== '') return;
    process.stderr.write(`skipped: ${context.task.name}: CORACLE_SKIFFOS names no checkout of SkiffOS\n`);
    context.skip('CORACLE_SKIFFOS names no checkout of SkiffOS');
  });

  async function resolveAll(options: { readonly skiffOrder: boolean }): Promise<ReadonlyMap<string, ResolvedLayers>> {
    const resolved = new Map<string, ResolvedLayers>();
    for (const [index, list] of [...theirs.keys()].entries()) {
      resolved.set(list, await resolveLayers(project, `w${index}`, options));
    }
    return resolved;
  }

  /** What differs, by list; nothing for those that are the same. */
  function differences<T>(
    mine: (config: ResolvedLayers) => T,
    their: (result: TheirResult) => T,
  ): Record<string, { readonly mine: T; readonly their: T }> {
    const pairs = [...theirs].map(([list, result]) => {
      const config = ours.get(list);
      if (config === undefined) throw new Error(`${list} is not resolved`);
      return [list, { mine: mine(config), their: their(result) }] as const;
    });
    return Object.fromEntries(pairs.filter(([, pair]) => JSON.stringify(pair.mine) !== JSON.stringify(pair.their)));
  }

  test('is listed', async () => {
    const listed = new LayerLibrary(await layerRoots(project)).list().map(({ name }) => name);
    expect(listed).toEqual(scripts.layers);
  });

  test('is built by Buildroot, with the base of SkiffOS around it', () => {
    const around = [...ours.values()].map(({ engine, layers }) => [
      engine,
      layers[0]?.layer.name,
      layers.at(-1)?.layer.name,
    ]);
    expect(new Set(around.map((one) => one.join()))).toEqual(new Set(['buildroot,configs-base/pre,configs-base/post']));
  });

  test('has the chain of SkiffOS with --skiff-order', () => {
    expect(differences(chain, (result) => result.chain)).toEqual({});
  });

  test('has the same chain in our order, but where a dependency is misplaced', async () => {
    const found: Record<string, readonly string[]> = {};
    for (const [list, config] of await resolveAll({ skiffOrder: false })) {
      if (chain(config).join() === theirs.get(list)?.chain.join()) continue;
      const { cause = '' } = otherOrder(ours.get(list)?.layers ?? []) ?? {};
      found[list] = cause.split('\n').map((line) => line.replace(/^SkiffOS lets (.*) overrule /, '$1 behind '));
    }
    const known = Object.entries(OTHER_ORDER).filter(([list]) => theirs.has(list));
    expect(found).toEqual(Object.fromEntries(known));
  });

  test.each(NAMESPACES)('has the same %s fragments in effect', (namespace) => {
    const results = [...Object.values(RESULTS), ...OTHER_RESULTS];
    const sorted = (values: Iterable<readonly [string, string]>) =>
      [...values].filter(([symbol]) => !results.includes(symbol)).sort(([a], [b]) => (a < b ? -1 : 1));
    const found = differences(
      (config) => sorted(lastValues(config, namespace)),
      (result) => sorted(result.symbols[namespace]),
    );
    expect(found).toEqual({});
  });

  test('leaves to the engine what the scripts of SkiffOS say to Buildroot, whatever a layer says of it', () => {
    const symbols = [...Object.values(RESULTS), ...OTHER_RESULTS].filter((symbol) => !ADDED_LATE.includes(symbol));
    for (const [list, config] of ours) {
      const values = new Map(lastValues(config, 'buildroot'));
      for (const symbol of symbols) expect(values.get(symbol), `${symbol} of ${list}`).toBe('""');
    }
  });

  test('has the same trees of BR2_EXTERNAL, in their order', () => {
    const mine = (config: ResolvedLayers) =>
      layersOf(config).flatMap((layer) => layer.contents.buildrootExternal ?? []);
    expect(differences(mine, (result) => result.externals)).toEqual({});
  });

  test('has the same overlays, in their order', () => {
    const mine = (config: ResolvedLayers) => layersOf(config).flatMap((layer) => layer.contents.overlay ?? []);
    expect(differences(mine, (result) => texts(result, RESULTS.overlay))).toEqual({});
  });

  test.each(['kernel', 'uboot', 'buildroot'] as const)('has the same %s patches, in their order', (kind: PatchKind) => {
    const mine = (config: ResolvedLayers) => layersOf(config).flatMap((layer) => layer.contents.patches[kind]);
    expect(differences(mine, (result) => texts(result, RESULTS[kind]).flatMap(filesBelow))).toEqual({});
  });

  test('has the same compiler flags', () => {
    const mine = (config: ResolvedLayers) =>
      layersOf(config)
        .flatMap((layer) => layer.contents.cflags)
        .flatMap((file) =>
          readFileSync(file, 'utf8')
            .replaceAll(/^[ \t]*#.*$/gm, '')
            .split(/\s+/),
        )
        .filter((flag) => flag !== '');
    expect(differences(mine, (result) => texts(result, RESULTS.cflags))).toEqual({});
  });

  test('has the same users, but where SkiffOS glues two of them together', () => {
    const mine = (config: ResolvedLayers) => layersOf(config).flatMap((layer) => layer.contents.users.flatMap(linesOf));
    const found = differences(mine, (result) => words(result.users, '\n'));
    for (const { mine: apart, their } of Object.values(found)) expect(their.join()).toBe(apart.join(''));
    expect(Object.keys(found)).toEqual([...theirs.keys()].filter((list) => list.startsWith('mine/glued')));
  });

  test.each(['pre', 'post'] as const)('has the same %s hooks, in their order', (name) => {
    const mine = (config: ResolvedLayers) =>
      layersOf(config).flatMap(({ directory, contents }) => {
        const program = contents.hooks[name];
        return program === undefined ? [] : [{ layer: directory, program }];
      });
    expect(differences(mine, (result) => result.hooks[name])).toEqual({});
  });

  function texts(result: TheirResult, symbol: string): readonly string[] {
    return words((result.symbols.buildroot.get(symbol) ?? '""').slice(1, -1), ' ');
  }
});

function layersOf(config: ResolvedLayers): readonly Layer[] {
  return config.layers.map(({ layer }) => layer);
}

function chain(config: ResolvedLayers): readonly string[] {
  return listedLayers(config.layers).map(({ name }) => name);
}

function lastValues(config: ResolvedLayers, namespace: Namespace): Iterable<readonly [string, string]> {
  return [...config.symbols[namespace]].map(([symbol, found]) => [symbol, formatValue(winner(found).value)]);
}

function linesOf(file: string): readonly string[] {
  return words(readFileSync(file, 'utf8'), '\n');
}

/** As Coracle lists patches: sorted by path, without what begins with a dot. */
function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => !name.startsWith('.'))
    .sort()
    .map((name) => join(directory, name))
    .flatMap((path) => (statSync(path).isDirectory() ? filesBelow(path) : [path]));
}
