/**
 * From what an output directory was made of, and what it is to be made of, to the work that leads from one to the other: no
 * more than needed, and where Buildroot does not tell what is needed, rather too much than too little.
 *
 * make itself only knows whether a package is built; that one of its options, its patches or its compiler changed, it does
 * not notice. So whatever is to be built again is taken back first (apply-work.ts), and make does the rest.
 */
import type { DotConfig } from '../../../kconfig/dotconfig.ts';
import { sameValue } from '../../../kconfig/value.ts';
import { type PackageInfos, packageSymbol } from '../build/package-info.ts';
import { LAYER_FILES } from '../build-places.ts';
import type { TreeParts } from '../tree/buildroot-tree.ts';
import { reachOf, TIDIED_AT_THE_END } from './classify.ts';
import type { Mentions } from './mentions.ts';
import type { Work } from './work.ts';

/** What an output directory is made of. */
export interface BuildFacts {
  readonly dotConfig: DotConfig;
  readonly parts: TreeParts;
  /** Path below the layer files → hash of content. */
  readonly layerFiles: ReadonlyMap<string, string>;
  /** Path in the root → what is there, of the layers' overlays. */
  readonly overlay: ReadonlyMap<string, string>;
  /** Symbol → hash of the files that its value names. */
  readonly named: ReadonlyMap<string, string>;
  readonly packages: PackageInfos;
}

/** @param mentions of `after` */
export function planWork(before: BuildFacts, after: BuildFacts, mentions: Mentions): readonly Work[] {
  const planner = new Planner(before, after, mentions);
  planner.symbols();
  planner.tree();
  planner.layerFiles();
  planner.packages();
  return planner.result();
}

class Planner {
  readonly #before: BuildFacts;
  readonly #after: BuildFacts;
  readonly #mentions: Mentions;
  readonly #packages = new Map<string, Extract<Work, { kind: 'package' }>>();
  readonly #rest: Work[] = [];
  #everything: string | undefined;

  constructor(before: BuildFacts, after: BuildFacts, mentions: Mentions) {
    this.#before = before;
    this.#after = after;
    this.#mentions = mentions;
  }

  symbols(): void {
    for (const symbol of changedSymbols(this.#before, this.#after)) this.#symbol(symbol);
  }

  #symbol(symbol: string): void {
    const reach = reachOf(symbol);
    const because = `${symbol} changed`;
    switch (reach) {
      case 'nothing':
        return;
      case 'finish':
      case 'target':
        this.#rest.push({ kind: reach, because });
        return;
      case 'flags':
        this.#flags(because);
        return;
      case undefined:
        break;
    }
    if (FRAGMENT_FILES.has(symbol)) {
      this.#reconfigure(FRAGMENT_FILES.get(symbol) ?? '');
      return;
    }
    const provider = /^BR2_PACKAGE_PROVIDES_(\w+)$/.exec(symbol)?.[1];
    if (provider !== undefined) {
      this.#scratch(provider.toLowerCase().replaceAll('_', '-'), because);
      return;
    }
    const enabled = this.#packageOf(symbol);
    if (enabled === undefined && !TIDIED_AT_THE_END.has(symbol) && this.#mentions.byAll(symbol)) {
      this.#everything ??= `${symbol} changed, which all packages are built by`;
      return;
    }
    const named = this.#mentions.packages(symbol).filter((name) => name !== enabled);
    const owner = named.length === 0 && enabled === undefined ? this.#ownerOf(symbol) : undefined;
    for (const name of owner === undefined ? named : [owner]) this.#scratch(name, because);
  }

  /** The package that the symbol turns on or off, if it does. */
  #packageOf(symbol: string): string | undefined {
    const names = [...this.#before.packages.keys(), ...this.#after.packages.keys()];
    if (symbol === 'BR2_LINUX_KERNEL') return 'linux';
    if (symbol.startsWith('BR2_TARGET_')) return names.find((name) => `BR2_TARGET_${upper(name)}` === symbol);
    return names.find((name) => packageSymbol(name) === symbol);
  }

  /** A symbol whose name is made up by a makefile: the package whose own symbol begins it. */
  #ownerOf(symbol: string): string | undefined {
    return [...this.#after.packages.keys()]
      .filter((name) => symbol.startsWith(`${packageSymbol(name)}_`))
      .sort((a, b) => b.length - a.length)[0];
  }

  #flags(because: string): void {
    if (this.#after.dotConfig.get('BR2_TOOLCHAIN_BUILDROOT')?.value === 'y') {
      this.#everything ??= `${because}, and the C library of the toolchain is built with it`;
      return;
    }
    for (const [name, { type }] of this.#after.packages) if (type === 'target') this.#add(name, 'scratch', because);
  }

  tree(): void {
    for (const part of new Set([...this.#before.parts.keys(), ...this.#after.parts.keys()])) {
      const [was, is] = [this.#before.parts.get(part), this.#after.parts.get(part)];
      if (was === is) continue;
      if (part.endsWith('infrastructure')) {
        const where = part === 'infrastructure' ? 'the Buildroot tree' : `the BR2_EXTERNAL tree ${part.split('/')[0]}`;
        this.#everything ??= `${where} changed where it is for all packages`;
        continue;
      }
      // Of an external tree, its name comes first, and Buildroot names packages' directories by absolute paths.
      const directory = part.replace(/^.*?(?=(?:package|boot)\/)/, '');
      for (const [name, { package_dir: own }] of this.#after.packages) {
        if (
          own === undefined ||
          !(own === directory || own.endsWith(`/${directory}`) || own.includes(`${directory}/`))
        ) {
          continue;
        }
        this.#scratch(name, `its files in ${part} changed`);
      }
    }
  }

  layerFiles(): void {
    const changed = changedKeys(this.#before.layerFiles, this.#after.layerFiles);
    for (const file of changed) {
      const packagePatch = new RegExp(`^${LAYER_FILES.packagePatches}/[^/]+/([^/]+)/`).exec(file)?.[1];
      if (packagePatch !== undefined) {
        for (const name of [packagePatch, `host-${packagePatch}`]) this.#scratch(name, 'its patches changed');
      } else if (file.startsWith(`${LAYER_FILES.kernelPatches}/`)) this.#scratch('linux', 'its patches changed');
      else if (file.startsWith(`${LAYER_FILES.ubootPatches}/`)) this.#scratch('uboot', 'its patches changed');
      else if (file === LAYER_FILES.kernelFragment) this.#reconfigure('linux');
      else if (file === LAYER_FILES.ubootFragment) this.#reconfigure('uboot');
      else if (file === LAYER_FILES.busyboxFragment) this.#reconfigure('busybox');
      else if (file === LAYER_FILES.users) this.#rest.push({ kind: 'finish', because: 'the users changed' });
      else if (file === LAYER_FILES.postBuild) {
        // What the old hooks did to the target directory, nobody else knows.
        this.#rest.push({ kind: 'target', because: 'the post-build hooks changed' });
      } else if (file.startsWith('scripts/')) this.#rest.push({ kind: 'finish', because: 'hooks changed' });
      else this.#everything ??= `${file} changed`;
    }
    const overlay = changedKeys(this.#before.overlay, this.#after.overlay);
    if (overlay.length > 0) {
      const first = overlay.slice(0, 3).join(', ');
      const more = overlay.length > 3 ? ` and ${overlay.length - 3} more` : '';
      this.#rest.push({ kind: 'finish', because: `overlays changed: ${first}${more}` });
    }
  }

  packages(): void {
    for (const [name, info] of this.#after.packages) {
      const was = this.#before.packages.get(name);
      if (info.type === 'rootfs') continue;
      if (was === undefined) {
        if (info.type === 'target' && info.virtual !== true) this.#rest.push({ kind: 'new', name });
        continue;
      }
      if (was.version !== info.version) this.#scratch(name, `its version is ${info.version ?? 'another'} now`);
      else if ([...was.dependencies].sort().join() !== [...info.dependencies].sort().join()) {
        this.#scratch(name, 'what it depends on changed');
      }
    }
    for (const [name, { type, virtual }] of this.#before.packages) {
      if (!this.#after.packages.has(name) && type === 'target' && virtual !== true)
        this.#rest.push({ kind: 'left', name });
    }
  }

  /** From scratch, with all that may have taken something of it into itself. */
  #scratch(name: string, because: string): void {
    const info = this.#after.packages.get(name);
    if (info === undefined || !this.#before.packages.has(name)) return;
    this.#add(name, 'scratch', because);
    const isUsed = info.install_staging === true || info.type === 'host' || info.virtual === true || name === 'linux';
    if (!isUsed) return;
    for (const [user, { type, dependencies }] of this.#after.packages) {
      if (type === 'rootfs' || !dependencies.includes(name) || this.#packages.has(user)) continue;
      // A tool that runs in the build leaves nothing of itself in what it makes, unless it is a compiler.
      if (info.type === 'host' && type === 'target' && !COMPILERS.test(name)) continue;
      this.#scratch(user, `it is built with ${name}`);
      const added = this.#packages.get(user);
      if (added !== undefined) this.#packages.set(user, { ...added, careful: true });
    }
  }

  #reconfigure(name: string): void {
    if (!this.#before.packages.has(name) || !this.#after.packages.has(name)) return;
    this.#add(name, 'reconfigure', 'its configuration changed');
    if (name !== 'linux') return;
    for (const [user, { type, dependencies }] of this.#after.packages) {
      if (type === 'target' && dependencies.includes('linux')) this.#scratch(user, 'it is built with linux');
    }
  }

  #add(name: string, how: 'scratch' | 'reconfigure', because: string): void {
    const known = this.#packages.get(name);
    if (known?.how === 'scratch' || !this.#before.packages.has(name)) return;
    this.#packages.set(name, { kind: 'package', name, how, because });
  }

  result(): readonly Work[] {
    if (this.#everything !== undefined) return [{ kind: 'everything', because: this.#everything }];
    const target = this.#together('target');
    // In a target directory that is made anew, nothing is left, and the end of the build comes by itself.
    const others = target.length > 0 ? [] : [...this.#together('finish'), ...this.#of('left')];
    return [...this.#packages.values(), ...target, ...others, ...this.#of('new')];
  }

  #of(kind: 'new' | 'left'): readonly Work[] {
    return this.#rest.filter((work) => work.kind === kind);
  }

  /** One piece of work for all that asks for it. */
  #together(kind: 'target' | 'finish'): readonly Work[] {
    const reasons = this.#rest.flatMap((work) => (work.kind === kind ? [work.because] : []));
    const [first, ...more] = new Set(reasons);
    if (first === undefined) return [];
    return [{ kind, because: [first, ...more].slice(0, MOST_REASONS).join('; ') }];
  }
}

const MOST_REASONS = 4;

const FRAGMENT_FILES: ReadonlyMap<string, string> = new Map([
  ['BR2_LINUX_KERNEL_CONFIG_FRAGMENT_FILES', 'linux'],
  ['BR2_TARGET_UBOOT_CONFIG_FRAGMENT_FILES', 'uboot'],
  ['BR2_PACKAGE_BUSYBOX_CONFIG_FRAGMENT_FILES', 'busybox'],
]);

const COMPILERS = /^host-(?:gcc|binutils|rust|go|clang|llvm|python3|perl)/;

function changedSymbols(before: BuildFacts, after: BuildFacts): readonly string[] {
  const symbols = new Set([...before.dotConfig.keys(), ...after.dotConfig.keys()]);
  const changed = [...symbols].filter((one) => !sameValue(before.dotConfig.get(one), after.dotConfig.get(one)));
  return [...new Set([...changed, ...changedKeys(before.named, after.named)])];
}

function changedKeys(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): readonly string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key)).sort();
}

function upper(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
}
