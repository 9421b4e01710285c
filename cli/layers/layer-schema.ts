/**
 * layer.yaml as a schema: what is allowed, and what each key is for. Reading a layer, its JSON Schema for editors and its
 * reference page all come from here.
 */
import * as z from 'zod/mini';
import { NAMESPACES } from '../kconfig/assignment.ts';
import { ARCHITECTURES, KERNEL_BASES, ROOT_PROGRAMS } from './layer.ts';
import { LAYER_NAME, LAYER_NAME_RULE } from './layer-name.ts';

export const LayerName = z.string().check(z.regex(LAYER_NAME, LAYER_NAME_RULE));

const WORD = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const word = (what: string) => z.string().check(z.regex(WORD, `${what} is made of letters, digits and . _ -`));

/** Handlebars takes anything else for syntax. */
export const SlotName = z
  .string()
  .check(z.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of a value is made of letters, digits and _'));

/** One value for every architecture, or one for each. */
const PerArchitecture = z.union([z.string(), z.partialRecord(z.enum(ARCHITECTURES), z.string())]);

/** A word of the kernel's command line. */
export const KernelParameter = z
  .string()
  .check(z.regex(/^[!-~]+$/, 'a kernel parameter is one word of printable ASCII; give each its own item'));

export const AcceptedDifferences = z.array(
  z.strictObject({
    namespace: z
      .enum(NAMESPACES)
      .check(z.meta({ description: 'Which configuration: kernel, buildroot, uboot or busybox.' })),
    symbol: z
      .string()
      .check(
        z.regex(/^[A-Za-z0-9_]+$/, 'a symbol is made of letters, digits and _'),
        z.meta({ description: 'Symbol, with its prefix: `CONFIG_ZRAM`.' }),
      ),
    reason: z
      .string()
      .check(z.minLength(1), z.meta({ description: 'Why it does not matter; shown when the difference is reported.' })),
  }),
);

const BootFiles = z.array(
  z.strictObject({
    package: PerArchitecture.check(
      z.meta({ description: 'Package that the file comes from; it does not get into the root.' }),
    ),
    from: PerArchitecture.check(z.meta({ description: 'Path inside of the package.' })),
    to: PerArchitecture.check(z.meta({ description: 'Path on the boot partition.' })),
  }),
);

const strings = (description: string) =>
  z.optional(z.array(z.string().check(z.minLength(1))).check(z.meta({ description })));

const DebianPartSchema = z.strictObject({
  kernel: z.optional(
    PerArchitecture.check(
      z.meta({ description: "The kernel's package, one for all architectures or one for each. Later layers win." }),
    ),
  ),
  kernelBase: z.optional(
    z.enum(KERNEL_BASES).check(
      z.meta({
        description:
          'With `kernel: source`, what the fragments go on top of: the configuration of the kernel package (the default), ' +
          "or the kernel's own `tinyconfig` or `defconfig`. Later layers win.",
      }),
    ),
  ),
  modules: strings(
    'Kernel modules to keep in the root: names, or globs of paths below `kernel/` such as `fs/overlayfs/*`; `name [x86_64]` is for one architecture.',
  ),
  initramfsModules: strings('Modules that the initramfs loads, in order; their dependencies come by themselves.'),
  earlyModules: strings('Modules that the root loads early.'),
  exclude: strings('Paths, as globs, that are left out of the root: `/usr/share/doc/**`.'),
  assume: strings('Packages that are taken for installed and left out: `perl-base`.'),
  effects: z.optional(
    z.array(z.unknown()).check(z.meta({ description: "Effects that stand in for packages' maintainer scripts." })),
  ),
  bootFiles: z.optional(BootFiles.check(z.meta({ description: 'Files that packages give to the boot partition.' }))),
});

export const LayerSchema = z.strictObject({
  description: z
    .string()
    .check(z.minLength(1), z.meta({ description: 'One line: what the layer adds. Shown by `coracle layers`.' })),
  depends: z.optional(
    z
      .array(LayerName)
      .check(z.meta({ description: 'Layers that come before this one, added if nobody asked for them.' })),
  ),
  conflicts: z.optional(z.array(LayerName).check(z.meta({ description: 'Layers that cannot be in the same list.' }))),
  provides: z.optional(
    z.array(word('a role')).check(
      z.meta({
        description: 'Roles that only one layer of a list may fill: `board`, `base`, or one of your own.',
        examples: [['board']],
      }),
    ),
  ),
  unlisted: z.optional(
    z.boolean().check(z.meta({ description: 'Leave it out of `coracle layers`: a part of others, not for itself.' })),
  ),
  arch: z.optional(
    z
      .array(z.enum(ARCHITECTURES))
      .check(z.meta({ description: 'Architectures that it works on; without the key, any.' })),
  ),
  commands: z.optional(
    z
      .record(word('a command'), z.string())
      .check(z.meta({ description: "Commands of the layer's `extensions/`, each with one line of description." })),
  ),
  accept: z.optional(
    AcceptedDifferences.check(
      z.meta({ description: 'Differences between what fragments ask for and what the engine has, that are fine.' }),
    ),
  ),
  kernelParameters: z.optional(
    z.array(KernelParameter).check(
      z.meta({
        description: "Words of the kernel's command line, after those of the board and of the layers before.",
        examples: [['quiet', 'zswap.enabled=1']],
      }),
    ),
  ),
  programs: z.optional(
    z.array(z.enum(ROOT_PROGRAMS)).check(
      z.meta({
        description:
          "Coracle's own programs that the root has, compiled for its architecture, as `/usr/bin/<name>`: " +
          '`coracle-oci` is the [OCI runtime](../oci-runtime.md), `coracle-oci-agent` its [agent](../rootless-agent.md).',
        examples: [['coracle-oci']],
      }),
    ),
  ),
  slots: z.optional(
    z
      .record(
        SlotName,
        z.strictObject({
          description: z.string().check(z.meta({ description: 'What the value is for.' })),
          default: z.optional(
            z
              .union([z.string(), z.number(), z.boolean()])
              .check(z.meta({ description: 'Without a default, the workspace must give the value.' })),
          ),
        }),
      )
      .check(
        z.meta({
          description:
            'Values that the templates (`.hbs`) of the root overlay use; a workspace sets them under `values`.',
        }),
      ),
  ),
  engines: z.optional(
    z
      .strictObject({ debian: z.optional(DebianPartSchema.check(z.meta({ description: 'For the debian engine.' }))) })
      .check(z.meta({ description: 'What the layer says to one engine.' })),
  ),
});

export type LayerData = z.infer<typeof LayerSchema>;
