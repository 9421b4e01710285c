/**
 * A layer, read and checked: the one value that both forms on disk (layer.yaml and SkiffOS's metadata/) become.
 *
 * All paths are absolute; every list of files is sorted by name as C strings, the order in which they are merged.
 */
import type { FailureParts, Place } from '../failure.ts';
import type { Namespace } from '../kconfig/assignment.ts';

export const ARCHITECTURES = ['x86_64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** A value from a user's file, with where it was written. */
export interface Located<T> {
  readonly value: T;
  readonly place: Place;
}

/** A place where layers are looked for. Earlier roots win over later ones. */
export interface LayerRoot {
  readonly kind: 'overrides' | 'environment' | 'path' | 'git' | 'shipped';
  readonly directory: string;
  /** What the user wrote, for messages: a path, `https://…@v3`, a variable's name. */
  readonly label: string;
  /** Commit of a git root. */
  readonly commit?: string;
}

export interface Layer {
  /** `<group>/<name>`; `overrides` and `overrides/workspaces/<name>` for the user's own. */
  readonly name: string;
  readonly root: LayerRoot;
  readonly directory: string;
  readonly form: 'coracle' | 'skiffos';
  readonly description: string;
  readonly depends: readonly Located<string>[];
  readonly conflicts: readonly Located<string>[];
  /** Roles that only one layer of a list may fill: `board`, `base`, … */
  readonly provides: readonly Located<string>[];
  readonly unlisted: boolean;
  /** Empty: any. */
  readonly arch: readonly Architecture[];
  readonly commands: readonly LayerCommand[];
  /** Differences between what is asked for and what the engine's Kconfig gives, that this layer accepts. */
  readonly accept: readonly AcceptedDifference[];
  /** Words of the kernel's command line. */
  readonly kernelParameters?: readonly Located<string>[];
  /** Coracle's own programs that the root has because of this layer. */
  readonly programs?: readonly Located<RootProgram>[];
  /** Values for templates: name → default (`undefined`: the workspace must give one). */
  readonly slots: readonly TemplateSlot[];
  readonly debian: DebianPart;
  readonly contents: LayerContents;
  /** What is allowed but hardly meant, for instance a directory of a SkiffOS layer that nothing reads. */
  readonly warnings?: readonly FailureParts[];
}

/**
 * Names that a hook may have, without its file extension. `pre` runs before the engine, `root` on the finished root tree,
 * `image` on the boot files, `post` after the image; SkiffOS has `pre` and `post`. The others are the moments at which
 * Buildroot runs scripts.
 */
export const HOOK_NAMES = ['pre', 'post-build', 'post-fakeroot', 'post-image', 'root', 'image', 'post'] as const;

export interface LayerCommand {
  readonly name: string;
  readonly description: string;
  /** Undefined if the layer names a command that nothing in its `extensions/` runs. */
  readonly program?: CommandProgram;
}

/** An executable of the command's name, or a target of `extensions/Makefile`, as SkiffOS has them. */
export type CommandProgram =
  | { readonly kind: 'executable'; readonly file: string }
  | { readonly kind: 'make-target'; readonly makefile: string };

export interface AcceptedDifference {
  readonly namespace: Namespace;
  readonly symbol: string;
  readonly reason: string;
  readonly place: Place;
}

export interface TemplateSlot {
  readonly name: string;
  readonly description: string;
  readonly default?: string;
}

/** `package` is the configuration of the kernel's package; the others are the kernel's own for the architecture. */
export const KERNEL_BASES = ['package', 'tinyconfig', 'defconfig'] as const;
export type KernelBase = (typeof KERNEL_BASES)[number];

/**
 * Programs of device/ that a layer can have in the root, as /usr/bin/<name>: names of their crates. The buildroot engine has
 * a package of the same name for each (device/buildroot/package).
 */
export const ROOT_PROGRAMS = ['coracle-oci', 'coracle-oci-agent'] as const;
export type RootProgram = (typeof ROOT_PROGRAMS)[number];

/** What a layer says to the debian engine in layer.yaml (`engines: {debian: …}`). */
export interface DebianPart {
  /** The kernel's package for each architecture; later layers win. */
  readonly kernel: Readonly<Partial<Record<Architecture, string>>>;
  /** What fragments go on top of where the kernel is compiled; later layers win, `package` if none says. */
  readonly kernelBase?: KernelBase;
  /** Kernel modules to keep in the root: module names or globs of paths below kernel/, e.g. `fs/overlayfs/*`. */
  readonly modules: readonly Located<string>[];
  /** Modules that the initramfs loads, in order, with their dependencies. */
  readonly initramfsModules: readonly Located<string>[];
  /** Modules that the root loads early (modules-load.d). */
  readonly earlyModules: readonly Located<string>[];
  /** Paths (globs) that are left out of the root, e.g. `/usr/share/doc/**`. */
  readonly exclude: readonly Located<string>[];
  /** Packages that are taken for installed and left out, e.g. `perl-base`. */
  readonly assume: readonly Located<string>[];
  /** Effects that stand in for maintainer scripts; interpreted by the engine. */
  readonly effects: readonly Located<unknown>[];
  /** Files that packages give to the boot partition without being in the root. */
  readonly bootFiles: readonly BootFileRequest[];
}

export interface BootFileRequest {
  readonly package: Readonly<Partial<Record<Architecture, string>>>;
  /** Path inside of the package. */
  readonly from: Readonly<Partial<Record<Architecture, string>>>;
  /** Path on the boot partition. */
  readonly to: Readonly<Partial<Record<Architecture, string>>>;
}

export const PATCH_KINDS = ['kernel', 'uboot', 'buildroot'] as const;
export type PatchKind = (typeof PATCH_KINDS)[number];

/** Files and directories that a layer holds, by kind. Empty lists and absent directories mean: none. */
export interface LayerContents {
  readonly fragments: Readonly<Record<Namespace, readonly string[]>>;
  readonly patches: Readonly<Record<PatchKind, readonly string[]>>;
  readonly cflags: readonly string[];
  /** Buildroot users tables. */
  readonly users: readonly string[];
  /** Package lists of the debian engine. */
  readonly debianPackages: readonly string[];
  readonly overlay?: string;
  readonly buildrootExternal?: string;
  /** Hook name (`pre`, `post`, `root`, `image` …) → executable. */
  readonly hooks: Readonly<Record<string, string>>;
  readonly extensions?: string;
  readonly resources?: string;
  readonly scripts?: string;
}
