/**
 * Looks for everything that is wrong with one layer before a build meets it. In comes a layer that could be read, out come
 * all mistakes found, and what is odd but allowed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingFiles } from '../engines/buildroot/tree/external-trees.ts';
import { readPackageLists } from '../engines/debian/apt/package-lists.ts';
import { readEffects } from '../engines/debian/effects/effect-schema.ts';
import { Failure, type FailureParts, Failures } from '../failure.ts';
import { checkHookProgram } from '../hooks/hook-program.ts';
import { NAMESPACES } from '../kconfig/assignment.ts';
import { mergeFragments } from '../kconfig/merge.ts';
import { ARCHITECTURES, HOOK_NAMES, type Layer } from '../layers/layer.ts';
import { programFailure } from '../layers/layer-commands.ts';
import type { LayerLibrary } from '../layers/layer-library.ts';
import { orderLayers } from '../layers/order-layers.ts';
import { addLayerOverlay } from '../rootfs/layer-overlay.ts';
import { lostModeWarning } from '../rootfs/overlay-modes.ts';
import { RootTree } from '../rootfs/tree.ts';
import { parseUsersTable } from '../rootfs/users-table.ts';
import { BUILT_IN_VALUES, reservedSlots } from '../workspace/slot-values.ts';

export interface LintResult {
  readonly failures: readonly Failure[];
  readonly warnings: readonly FailureParts[];
}

type Warn = (warning: FailureParts) => void;

/** @param ownDirectories of the project and of Coracle, see rootfs/layer-overlay.ts */
export async function lintLayer(
  layer: Layer,
  library: LayerLibrary,
  ownDirectories: readonly string[],
): Promise<LintResult> {
  const failures: Failure[] = [];
  const warnings: FailureParts[] = [...(layer.warnings ?? [])];
  const warn: Warn = (warning) => warnings.push(warning);
  const lints = [
    () => lintFragments(layer, warn),
    () => lintDependencies(layer, library, warn),
    () => lintHooks(layer),
    () => lintOverlay(layer, library, ownDirectories, warn),
    () => lintUsers(layer),
    () => lintPackages(layer),
    () => void readEffects([layer]),
    () => lintExtensions(layer, warn),
    () => reservedSlots(layer),
  ];
  for (const lint of lints) {
    try {
      failures.push(...((await lint()) ?? []));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(...(error instanceof Failures ? error.all : [error]));
    }
  }
  return { failures, warnings };
}

async function lintFragments(layer: Layer, warn: Warn): Promise<void> {
  for (const namespace of NAMESPACES) {
    const source = {
      layer: layer.name,
      files: layer.contents.fragments[namespace],
      tolerant: layer.form === 'skiffos',
    };
    await mergeFragments([source], {
      namespace,
      onDropped: (dropped) => warn(dropped.parts),
      onRepeated: ({ kind, first, second }) => {
        if (kind === 'repeated') return;
        warn({
          code: 'contradicted-symbol',
          message: `${second.symbol} is set to something else in line ${first.origin.line} of the same file; the last one counts`,
          place: { file: second.origin.file, line: second.origin.line },
          layer: layer.name,
        });
      },
    });
  }
}

/** That what it needs exists and leads to no circle; a conflict with a layer that nobody has is only odd. */
function lintDependencies(layer: Layer, library: LayerLibrary, warn: Warn): void {
  for (const { value, place } of layer.conflicts) {
    try {
      library.find({ name: value, place });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.parts.code === 'unknown-layer') warn(error.parts);
    }
  }
  dependenciesOf(layer, library);
}

/** The layer and all that it needs. */
function dependenciesOf(layer: Layer, library: LayerLibrary): readonly Layer[] {
  // The user's own overrides are in no library.
  const ordered = orderLayers([{ request: { name: layer.name }, reason: { kind: 'asked' } }], (request) =>
    request.name === layer.name ? layer : library.find(request),
  );
  return ordered.map((one) => one.layer);
}

async function lintHooks(layer: Layer): Promise<readonly Failure[]> {
  const failures: Failure[] = [];
  for (const name of HOOK_NAMES) {
    const program = layer.contents.hooks[name];
    if (program === undefined) continue;
    try {
      await checkHookProgram({ layer, name, program });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(error);
    }
  }
  return failures;
}

/** Puts the overlay on an empty root: links that escape, templates that do not compile or use what nobody declares. */
async function lintOverlay(
  layer: Layer,
  library: LayerLibrary,
  ownDirectories: readonly string[],
  warn: Warn,
): Promise<void> {
  const slots = attemptDependencies(layer, library).flatMap((one) => one.slots);
  const values = Object.fromEntries([
    ...BUILT_IN_VALUES.map((name) => [name, name] as const),
    ...slots.map((slot) => [slot.name, slot.default ?? slot.name] as const),
  ]);
  const tree = new RootTree();
  const lost = await addLayerOverlay(tree, layer, { values, ownDirectories });
  // What a hook makes of them, only the build knows, which tells of those that are left.
  if (layer.contents.hooks['root'] === undefined) for (const one of lost) warn(lostModeWarning(one));
  lintMounts(tree, layer, warn);
}

/** Where the device mounts something over the root or, as in /tmp with systemd, removes everything when it starts. */
const COVERED = ['dev', 'proc', 'run', 'sys', 'tmp', 'var/lock', 'var/run'];

function lintMounts(tree: RootTree, { name: layer, contents: { overlay = '' } }: Layer, warn: Warn): void {
  for (const name of COVERED) {
    // The directory itself is what is mounted on.
    if (tree.below(`/${name}`).length <= 1) continue;
    warn({
      code: 'covered-path',
      message: `what an overlay has below /${name} is covered or removed when the device starts`,
      place: { file: join(overlay, name) },
      hint: 'make it at boot, with a file in usr/lib/tmpfiles.d/',
      layer,
    });
  }
}

/** What is wrong with a dependency is told by its own lint. */
function attemptDependencies(layer: Layer, library: LayerLibrary): readonly Layer[] {
  try {
    return dependenciesOf(layer, library);
  } catch (error) {
    if (error instanceof Failure) return [layer];
    throw error;
  }
}

function lintUsers(layer: Layer): readonly Failure[] {
  return layer.contents.users.flatMap((file) => parseUsersTable(readFileSync(file, 'utf8'), file, layer.name).failures);
}

function lintPackages(layer: Layer): void {
  for (const arch of ARCHITECTURES) readPackageLists([layer], arch);
}

/** What Buildroot and SkiffOS ask of these directories. */
function lintExtensions(layer: Layer, warn: Warn): readonly Failure[] {
  const { buildrootExternal } = layer.contents;
  for (const command of layer.commands) {
    const failure = programFailure(layer, command);
    if (failure !== undefined) warn(failure.parts);
  }
  return buildrootExternal === undefined ? [] : missingFiles(layer.name, buildrootExternal);
}
