/**
 * The machine's own programs in place of the host packages that Buildroot would build first: text of a makefile for
 * BR2_PACKAGE_OVERRIDE_FILE. That file is read before the packages' recipes, and what it says with `override` stands
 * against them. An answered package has no source of its own (`_OVERRIDE_SRCDIR` is an empty directory, so that nothing
 * is downloaded or patched), depends on nothing but the skeleton, and installs links.
 *
 * For development builds: the result depends on the machine. Where the machine's autoconf is older than Buildroot's, a
 * package that asks for the newer one cannot be reconfigured. Archives that Buildroot packs by itself (git, cargo, go) may
 * have another hash than its recipes say where the machine's tar is older than Buildroot wants.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Failure } from '../../../failure.ts';
import { BUILDROOT_TOOLS, type BuildrootTool, libraryFiles } from '../../../host/buildroot-tools.ts';
import { findProgram, gnuTriplet, type Host } from '../../../host/this-host.ts';
import { patchelfStandIn } from './patchelf.ts';

export interface MachineHostPackages {
  /** The makefile. */
  readonly text: string;
  /** What answers what, e.g. `host-m4` → `/usr/bin/m4`; for the manifest. */
  readonly answered: ReadonlyMap<string, readonly string[]>;
}

export interface MachineOptions {
  readonly host: Host;
  /** Absolute path of a directory with nothing in it, which stays for as long as the output directory is used. */
  readonly emptyDirectory: string;
  /** Buildroot's names of the host packages that the build has (`host-m4`); what is not in the table is passed over. */
  readonly uses: readonly string[];
}

/**
 * Packages that the build does not use are answered too, where the machine can: another configuration may want them.
 *
 * @throws Failure `host-packages-missing` if a package that the build uses cannot be answered
 */
export function machineHostPackages(options: MachineOptions): MachineHostPackages {
  const looked = BUILDROOT_TOOLS.map((tool) => ({ tool, links: linksOf(tool, options.host) }));
  const missing = looked.filter(({ tool, links }) => links === undefined && options.uses.includes(`host-${tool.name}`));
  if (missing.length > 0) throw toolsMissing(missing.map(({ tool }) => tool));
  const answers = looked.flatMap(({ tool, links }) => (links === undefined ? [] : [{ tool, links }]));
  return {
    text: [
      '# Written by Coracle: programs of this machine in place of host packages.',
      ...answers.map(({ tool, links }) => answer(tool, links, options.emptyDirectory)),
      '',
    ].join('\n\n'),
    answered: new Map(answers.map(({ tool, links }) => [`host-${tool.name}`, links.map(({ from }) => from)])),
  };
}

interface Link {
  readonly kind: 'program' | 'library' | 'directory';
  /** Of a directory: its path below HOST_DIR. */
  readonly name: string;
  /** Absolute path on the machine. */
  readonly from: string;
}

/** Undefined if one is missing. */
function linksOf(tool: BuildrootTool, host: Host): readonly Link[] | undefined {
  const links: Link[] = [];
  for (const name of tool.programs ?? []) {
    const from = findProgram(host, name);
    if (from === undefined) return undefined;
    links.push({ kind: 'program', name, from });
  }
  for (const name of tool.libraries ?? []) {
    const from = pkgConfigFiles(name, host).find((path) => existsSync(join(host.root, path)));
    if (from === undefined) return undefined;
    links.push({ kind: 'library', name, from });
  }
  if (tool.directory !== undefined) {
    const { from, with: file, to } = tool.directory;
    if (!existsSync(join(host.root, from, file))) return undefined;
    links.push({ kind: 'directory', name: to, from });
  }
  return links;
}

function pkgConfigFiles(library: string, host: Host): readonly string[] {
  return host.arch === 'other' ? [] : libraryFiles(library, gnuTriplet(host.arch));
}

/** Hooks that belong to the source that is not there, e.g. the patch of libtool in every unpacked package. */
const HOOKS = ['PRE_RSYNC', 'POST_RSYNC', 'PRE_PATCH', 'POST_PATCH', 'POST_PREPARE']
  .concat(['PRE_CONFIGURE', 'POST_CONFIGURE', 'PRE_BUILD', 'POST_BUILD', 'PRE_INSTALL'])
  .map((moment) => `${moment}_HOOKS`);
const DEPENDENCIES = ['DOWNLOAD_DEPENDENCIES', 'EXTRACT_DEPENDENCIES', 'PATCH_DEPENDENCIES'];

function answer(tool: BuildrootTool, links: readonly Link[], emptyDirectory: string): string {
  const prefix = `HOST_${tool.name.toUpperCase().replaceAll('-', '_')}`;
  const empty = [...DEPENDENCIES, ...HOOKS, ...(tool.finishedByBuildroot ? [] : ['POST_INSTALL_HOOKS'])];
  return [
    `override ${prefix}_OVERRIDE_SRCDIR := ${inMake(emptyDirectory).replaceAll('#', '\\#')}`,
    `override ${prefix}_DEPENDENCIES := host-skeleton`,
    ...[...empty, 'CONFIGURE_CMDS', 'BUILD_CMDS', 'LICENSE_FILES'].map((name) => `override ${prefix}_${name} :=`),
    `override define ${prefix}_INSTALL_CMDS`,
    '\tmkdir -p $(HOST_DIR)/bin $(HOST_DIR)/sbin $(HOST_DIR)/lib/pkgconfig',
    ...links.flatMap(install),
    'endef',
  ].join('\n');
}

/** Recipes call a program by its directory, which is not the same in all releases: it is in both. */
function install({ kind, name, from }: Link): readonly string[] {
  const source = inMake(quoted(from));
  if (kind === 'program' && name === 'patchelf') return installScript(name, patchelfStandIn(quoted(from)));
  if (kind === 'program')
    return ['bin', 'sbin'].map((directory) => `\tln -sf ${source} $(HOST_DIR)/${directory}/${name}`);
  if (kind === 'directory')
    return [`\tmkdir -p $(HOST_DIR)/${dirname(name)}`, `\tln -sfn ${source} $(HOST_DIR)/${name}`];
  // What only a static link needs would have to be there as well.
  return [`\tsed '/^Requires.private:/d' ${source} >$(HOST_DIR)/lib/pkgconfig/${name}.pc`];
}

function installScript(name: string, lines: readonly string[]): readonly string[] {
  const script = inMake(lines.map(quoted).join(' '));
  return ['bin', 'sbin'].flatMap((directory) => [
    `\trm -f $(HOST_DIR)/${directory}/${name}`,
    `\tprintf '%s\\n' ${script} >$(HOST_DIR)/${directory}/${name}`,
    `\tchmod 755 $(HOST_DIR)/${directory}/${name}`,
  ]);
}

/** For the shell that make starts. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}

/** In a recipe, where a `#` begins no comment. */
function inMake(text: string): string {
  return text.replaceAll('$', '$$$$');
}

function toolsMissing(tools: readonly BuildrootTool[]): Failure {
  const packages = [...new Set(tools.flatMap((tool) => tool.packages))].sort();
  return new Failure({
    code: 'host-packages-missing',
    message: `this machine cannot stand in for ${tools.map((tool) => `host-${tool.name}`).join(', ')}`,
    cause: tools
      .map((tool) => `host-${tool.name}: ${[...(tool.programs ?? []), ...(tool.libraries ?? [])].join(', ')}`)
      .join('\n'),
    wholeCause: true,
    hint: `apt-get install ${packages.join(' ')} (coracle doctor --for buildroot-machine --fix does it), or let Buildroot build them`,
  });
}
