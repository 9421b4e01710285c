/** The verbs by name. A verb's module is loaded when it is asked for, so that the others cost nothing. */
import type { Verb } from './verb.ts';

export interface VerbEntry {
  readonly command: string;
  readonly summary: string;
  /** What comes behind its first name is for another program, see passed-on.ts. */
  readonly passesOn?: true;
  readonly load: () => Promise<Verb>;
}

export const VERBS: readonly VerbEntry[] = [
  {
    command: 'demo [workspace]',
    summary: 'Build the default workspace, boot it and prove it',
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    command: 'build [workspace..]',
    summary: 'Build images',
    load: async () => (await import('./build.ts')).build,
  },
  {
    command: 'configure [workspace..]',
    summary: 'Hold what layers ask for against what there is, and build nothing',
    load: async () => (await import('./configure.ts')).configure,
  },
  {
    command: 'run [workspace]',
    summary: 'Boot an image under QEMU',
    load: async () => (await import('./run.ts')).run,
  },
  {
    command: 'status [workspace]',
    summary: 'Say what is stale, and because of what',
    load: async () => (await import('./status.ts')).status,
  },
  {
    command: 'resolve [workspace]',
    summary: 'Show the layers of a workspace in their final order, and why each is there',
    load: async () => (await import('./resolve.ts')).resolve,
  },
  {
    command: 'layers',
    summary: 'List the layers that can be used, boards apart',
    load: async () => (await import('./layers.ts')).layers,
  },
  {
    command: 'show <layer>',
    summary: 'Show one layer: what it contributes, and where it comes from',
    load: async () => (await import('./show.ts')).show,
  },
  {
    command: 'check [layer..]',
    summary: 'Look for mistakes in every layer and workspace that can be reached',
    load: async () => (await import('./check.ts')).check,
  },
  {
    command: 'explain <symbol> [workspace]',
    summary: 'Show who sets a Kconfig symbol, first to last, and who wins',
    load: async () => (await import('./explain.ts')).explain,
  },
  {
    command: 'menuconfig [what] [workspace]',
    summary: 'Change symbols in the menu of Kconfig, and write the changes into a layer',
    load: async () => (await import('./menuconfig.ts')).menuconfig,
  },
  {
    command: 'nconfig [what] [workspace]',
    summary: 'The same as menuconfig, with the newer menu for terminals',
    load: async () => (await import('./menuconfig.ts')).nconfig,
  },
  {
    command: 'xconfig [what] [workspace]',
    summary: 'The same as menuconfig, in a window (Qt)',
    load: async () => (await import('./menuconfig.ts')).xconfig,
  },
  {
    command: 'diff <a> <b>',
    summary: 'Compare what two workspaces or layer lists ask for, symbol by symbol',
    load: async () => (await import('./diff.ts')).diff,
  },
  {
    command: 'size [workspace]',
    summary: 'Show what takes the room in an image',
    load: async () => (await import('./size.ts')).size,
  },
  {
    command: 'graph <what> [workspace]',
    summary: 'Draw what takes the time, what takes the room, or what needs what',
    load: async () => (await import('./graph.ts')).graph,
  },
  {
    command: 'source [workspace..]',
    summary: 'Fetch and check everything that workspaces need',
    load: async () => (await import('./source.ts')).source,
  },
  {
    command: 'sbom [workspace] [other]',
    summary: 'Write the bill of materials of an image (CycloneDX), or compare two',
    load: async () => (await import('./sbom.ts')).sbom,
  },
  {
    command: 'legal-info [workspace]',
    summary: 'Gather the licences of all that is in an image',
    load: async () => (await import('./legal-info.ts')).legalInfo,
  },
  {
    command: 'br <target..>',
    summary: "Pass targets through to Buildroot's make",
    load: async () => (await import('./br.ts')).br,
  },
  {
    command: 'clean [workspace..]',
    summary: 'Remove what a build made and can make again',
    load: async () => (await import('./clean.ts')).clean,
  },
  {
    command: 'update [workspace..]',
    summary: 'Move to newer versions: pins of layer repositories, and packages',
    load: async () => (await import('./update.ts')).update,
  },
  {
    command: 'cmd [name]',
    summary: 'Run a command of a layer, or list them',
    passesOn: true,
    load: async () => (await import('./cmd.ts')).cmd,
  },
  {
    command: 'new <kind> <name>',
    summary: 'Start a project, or a layer in one',
    load: async () => (await import('./new.ts')).newVerb,
  },
  {
    command: 'doctor',
    summary: 'Say what this machine lacks, and install it with --fix',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    command: 'test [files..]',
    summary: 'Run every test of Coracle itself: what CI runs',
    load: async () => (await import('./test.ts')).test,
  },
];
