/** Resolved workspaces for tests of the kernel's side: layers that say nothing but what the test is about. */
import { assignmentsOf, parseFragment } from '../../cli/kconfig/fragment.ts';
import { mergeAssignments } from '../../cli/kconfig/merge.ts';
import type { AcceptedDifference, DebianPart, Layer, Located } from '../../cli/layers/layer.ts';
import type { ResolvedConfig, WorkspaceSettings } from '../../cli/workspace/resolved.ts';

export interface FakeLayer {
  readonly name?: string;
  /** Text of a kernel fragment. */
  readonly kernel?: string;
  readonly modules?: readonly string[];
  readonly initramfsModules?: readonly string[];
  readonly earlyModules?: readonly string[];
  /** Symbols of accepted differences. */
  readonly accept?: readonly string[];
  readonly debian?: Partial<DebianPart>;
  readonly kernelPatches?: readonly string[];
}

export function fakeWorkspace(layers: readonly FakeLayer[], settings: Partial<WorkspaceSettings> = {}): ResolvedConfig {
  const named = layers.map((layer, index) => ({ ...layer, name: layer.name ?? `test/layer${index}` }));
  const assignments = named.flatMap(({ name, kernel = '' }) =>
    assignmentsOf(parseFragment(kernel, { layer: name, file: `/layers/${name}/kernel/base`, namespace: 'kernel' })),
  );
  return {
    workspace: 'test',
    engine: 'debian',
    arch: 'x86_64',
    layers: named.map((layer) => ({ layer: fullLayer(layer), reason: { kind: 'asked' } })),
    symbols: {
      buildroot: new Map(),
      kernel: mergeAssignments(assignments),
      uboot: new Map(),
      busybox: new Map(),
    },
    values: {},
    settings: {
      version: '0',
      kernel: 'package',
      scripts: 'model',
      bootPartitionMiB: 64,
      persistMiB: 64,
      debian: {},
      buildroot: { tree: '/nowhere', treeFrom: 'a test', toolchain: 'own', hostTools: 'buildroot' },
      ...settings,
    },
  };
}

function fullLayer(layer: FakeLayer & { name: string }): Layer {
  const file = `/layers/${layer.name}/layer.yaml`;
  const located = (values: readonly string[] = []): Located<string>[] =>
    values.map((value, index) => ({ value, place: { file, line: index + 1 } }));
  const accept = (layer.accept ?? []).map(
    (symbol): AcceptedDifference => ({ namespace: 'kernel', symbol, reason: 'a test', place: { file } }),
  );
  return {
    name: layer.name,
    root: { kind: 'path', directory: '/layers', label: '/layers' },
    directory: `/layers/${layer.name}`,
    form: 'coracle',
    description: 'a test',
    depends: [],
    conflicts: [],
    provides: [],
    unlisted: false,
    arch: [],
    commands: [],
    accept,
    slots: [],
    debian: {
      kernel: {},
      modules: located(layer.modules),
      initramfsModules: located(layer.initramfsModules),
      earlyModules: located(layer.earlyModules),
      exclude: [],
      assume: [],
      effects: [],
      bootFiles: [],
      ...layer.debian,
    },
    contents: {
      fragments: { buildroot: [], kernel: [], uboot: [], busybox: [] },
      patches: { kernel: layer.kernelPatches ?? [], uboot: [], buildroot: [] },
      cflags: [],
      users: [],
      debianPackages: [],
      hooks: {},
    },
  };
}
