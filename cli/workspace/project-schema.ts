/**
 * coracle.yaml as a schema: what is allowed, what each key is for and what it is without being written. Reading a project,
 * its JSON Schema for editors and its reference page all come from here.
 */
import * as z from 'zod/mini';
import { ARCHITECTURES } from '../layers/layer.ts';
import { AcceptedDifferences, LayerName, SlotName } from '../layers/layer-schema.ts';
import { ENGINES, HOST_TOOLS, TOOLCHAINS } from './resolved.ts';

/** Also the name of a directory. A plus sign is left for the names that ad-hoc lists get. */
const WORKSPACE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
export const WORKSPACE_NAME_RULE =
  'the name of a workspace is made of letters, digits and . _ -, and does not start with . or -';
const WorkspaceName = z.string().check(z.regex(WORKSPACE_NAME, WORKSPACE_NAME_RULE));

export function isWorkspaceName(name: string): boolean {
  return WORKSPACE_NAME.test(name);
}

/** What a workspace has if coracle.yaml does not say. */
export const DEFAULTS = {
  engine: 'debian',
  kernel: 'package',
  scripts: 'model',
  version: '0.1.0',
  bootPartitionMiB: 512,
  persistMiB: 512,
  toolchain: 'shared',
  hostTools: 'buildroot',
} as const;

const text = (description: string) => z.string().check(z.minLength(1), z.meta({ description }));

const PathRoot = z.strictObject({
  path: text('Directory with layers, or with `layers/` or `configs/`; relative to this file.'),
});

const GitRoot = z.strictObject({
  git: z.string().check(
    z.regex(/^[^-\s][^\n]*$/, 'not the address of a repository'),
    z.meta({
      description: 'Address of a git repository. Pinned to a commit in coracle.lock; `coracle update` moves the pin.',
    }),
  ),
  rev: z.optional(
    z
      .string()
      .check(
        z.regex(/^[A-Za-z0-9_][A-Za-z0-9._/+-]*$/, 'not a tag, branch or commit'),
        z.meta({ description: "Tag, branch or commit; without it, the repository's default branch." }),
      ),
  ),
});

const archiveWord = (description: string) =>
  z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/, 'not a word of an archive'), z.meta({ description }));

const DebianSourceSchema = z.strictObject({
  mirror: z.optional(
    z.string().check(
      // It goes into a file of apt's.
      z.regex(/^[a-z]+:[!-~]+$/, 'an address like http://mirror.example.org/debian, in which %20 stands for a space'),
      z.meta({ description: "Address of a mirror, instead of those in the host's apt sources." }),
    ),
  ),
  suites: z.optional(z.array(archiveWord('`bookworm`, `bookworm-security`, …')).check(z.minLength(1))),
  components: z.optional(z.array(archiveWord('`main`, `non-free-firmware`, …')).check(z.minLength(1))),
  keyring: z.optional(text('File with the keys that sign the mirror; relative to this file.')),
});

/** A list of make's ends at a blank, and a `$` is make's own. */
const SITE = /^[a-z]+:[!#%-~]+$/;

const BuildrootSchema = z.strictObject({
  tree: z.optional(text('The Buildroot tree of this workspace; relative to this file.')),
  mirror: z.optional(
    z
      .string()
      .check(
        z.regex(
          SITE,
          'an address like https://sources.example.org or file:///srv/sources, in which %20 stands for a space',
        ),
        z.meta({ description: "Where sources are looked for before the packages' own sites (BR2_PRIMARY_SITE)." }),
      ),
  ),
  toolchain: z.optional(
    z.enum(TOOLCHAINS).check(
      z.meta({
        description:
          '`shared` builds one toolchain for all workspaces with equal toolchain settings (the default); `own` builds it ' +
          'inside of the workspace, as plain Buildroot does; `machine` is put together from the compiler of this machine, ' +
          'for development builds only (musl, C).',
      }),
    ),
  ),
  hostTools: z.optional(
    z.enum(HOST_TOOLS).check(
      z.meta({
        description:
          '`buildroot` builds the tools of the build itself (the default); `machine` takes those of this machine where ' +
          'they serve, for development builds only. The manifest says which it was.',
      }),
    ),
  ),
});

const WorkspaceSchema = z.strictObject({
  layers: z
    .array(LayerName)
    .check(
      z.minLength(1, 'a workspace needs at least one layer'),
      z.meta({ description: 'Layers, in order; later wins. What they depend on comes by itself.' }),
    ),
  layerOrder: z.optional(
    z.enum(['dependencies-first', 'skiffos']).check(
      z.meta({
        description:
          'What a layer depends on comes before it, always; or, with `skiffos`, as in the resolver of SkiffOS, only if ' +
          'nothing else put it into the list. `dependencies-first` if not given.',
      }),
    ),
  ),
  engine: z.optional(
    z.enum(ENGINES).check(
      z.meta({
        description: `What builds it; if not given, buildroot for a list of nothing but SkiffOS layers, else ${DEFAULTS.engine}.`,
      }),
    ),
  ),
  arch: z.optional(
    z.enum(ARCHITECTURES).check(z.meta({ description: 'Without it, the first architecture that all layers support.' })),
  ),
  kernel: z.optional(
    z.enum(['package', 'source']).check(
      z.meta({
        description: "`package` is the distribution's kernel; `source` compiles it with the merged fragments.",
      }),
    ),
  ),
  scripts: z.optional(
    z.enum(['model', 'run']).check(
      z.meta({
        description: "`model` replaces packages' maintainer scripts by declared effects; `run` runs them (slower).",
      }),
    ),
  ),
  version: z.optional(
    z.string().check(
      z.regex(/^[A-Za-z0-9][A-Za-z0-9._+~]*$/, 'a version is made of letters, digits and . _ + ~'),
      z.meta({
        description: `Version of the product, a part of its slots' names; ${DEFAULTS.version} if not given.`,
      }),
    ),
  ),
  values: z.optional(
    z
      .record(SlotName, z.union([z.string(), z.number(), z.boolean()]))
      .check(z.meta({ description: "Values for the slots that the layers' templates use." })),
  ),
  accept: z.optional(
    AcceptedDifferences.check(
      z.meta({ description: 'Differences between what fragments ask for and what the engine has, that are fine.' }),
    ),
  ),
  bootPartitionMiB: z.optional(
    z.int().check(
      z.minimum(33),
      z.maximum(1 << 20),
      z.meta({
        description: `Size of the boot partition; it holds two slots or more. ${DEFAULTS.bootPartitionMiB} if not given.`,
      }),
    ),
  ),
  persistMiB: z.optional(
    z.int().check(
      z.minimum(16),
      z.maximum(1 << 20),
      z.meta({
        description: `Size of the persist partition before the first boot grows it. ${DEFAULTS.persistMiB} if not given.`,
      }),
    ),
  ),
  debian: z.optional(
    DebianSourceSchema.check(
      z.meta({ description: "Where the debian engine gets packages; without it, from the host's apt sources." }),
    ),
  ),
  buildroot: z.optional(BuildrootSchema.check(z.meta({ description: 'How the buildroot engine builds it.' }))),
});

export const ProjectSchema = z.strictObject({
  default: z.optional(z.string().check(z.meta({ description: 'Workspace that commands without a name mean.' }))),
  buildroot: z.optional(
    text(
      "The Buildroot tree, relative to this file; without it, Coracle's own submodule. CORACLE_BUILDROOT goes before it.",
    ),
  ),
  layers: z.optional(
    z.array(z.union([PathRoot, GitRoot])).check(
      z.meta({
        description: 'Where layers are looked for; the first that has a layer wins, and the shipped layers come last.',
      }),
    ),
  ),
  workspaces: z.optional(
    z.record(WorkspaceName, WorkspaceSchema).check(z.meta({ description: 'Workspaces by name.' })),
  ),
});

export type ProjectData = z.infer<typeof ProjectSchema>;
export type WorkspaceData = z.infer<typeof WorkspaceSchema>;
