/**
 * What the layers of a workspace want of kernel modules, with where each wish was written. A wish may be for one
 * architecture only: `kvm_intel [x86_64]`, as in package lists.
 */
import { Failure, type Place, throwAny } from '../../../failure.ts';
import { ARCHITECTURES, type Architecture, type DebianPart } from '../../../layers/layer.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';

export interface ModuleRequest {
  /** A module's name, or a glob of paths below `kernel/` (or of names, if it has no slash). */
  readonly pattern: string;
  /** If it is a glob: what it matches, with underscores for dashes. */
  readonly glob?: RegExp;
  readonly layer: string;
  readonly place: Place;
}

export interface ModuleRequests {
  /** To keep in the root. */
  readonly root: readonly ModuleRequest[];
  /** To load in the initramfs, in order. */
  readonly initramfs: readonly ModuleRequest[];
  /** To load early in the root, in order. */
  readonly early: readonly ModuleRequest[];
}

/** @throws Failure `bad-module-request` */
export function moduleRequests(config: ResolvedConfig): ModuleRequests {
  const failures: Failure[] = [];
  const collect = (key: 'modules' | 'initramfsModules' | 'earlyModules'): ModuleRequest[] =>
    config.layers.flatMap(({ layer }) =>
      layer.debian[key].flatMap((written) => {
        const request = readRequest(written, layer.name, config.arch);
        if (request instanceof Failure) failures.push(request);
        return request instanceof Failure || request === undefined ? [] : [request];
      }),
    );
  const requests = {
    root: collect('modules'),
    initramfs: collect('initramfsModules'),
    early: collect('earlyModules'),
  };
  for (const request of [...requests.initramfs, ...requests.early]) {
    if (request.glob !== undefined) failures.push(notOneModule(request));
  }
  throwAny(failures);
  return requests;
}

/** Undefined if it is for another architecture. */
function readRequest(
  { value, place }: DebianPart['modules'][number],
  layer: string,
  arch: Architecture,
): ModuleRequest | Failure | undefined {
  const [, text = '', only] = /^(.*?)(?:\s+\[([^\]]*)\])?$/s.exec(value.trim()) ?? [];
  const pattern = text.replace(/^kernel\//, '').replace(/\.ko(\.(xz|zst|gz))?$/, '');
  const architectures = only?.split(/[\s,]+/).filter((word) => word !== '') ?? [];
  const unknown = architectures.find((word) => !(ARCHITECTURES as readonly string[]).includes(word));
  const glob = /[*?[]/.test(pattern) ? globPattern(pattern) : undefined;
  if (!/^[\w./*?![\]-]+$/.test(pattern) || unknown !== undefined || glob === 'bad') {
    return new Failure({
      code: 'bad-module-request',
      message: `${JSON.stringify(value)} names no kernel module`,
      place,
      layer,
      cause:
        unknown === undefined ? undefined : `${unknown} is no architecture: there are ${ARCHITECTURES.join(' and ')}`,
      hint: 'write a name (overlay), a glob of paths below kernel/ (fs/overlayfs/*), or name [x86_64]',
    });
  }
  if (architectures.length > 0 && !architectures.includes(arch)) return undefined;
  return { pattern, layer, place, ...(glob === undefined ? {} : { glob }) };
}

/** `*` and `?` stop at slashes, `**` does not; `[…]` is a class. `-` and `_` are the same, but not inside of a class. */
function globPattern(glob: string): RegExp | 'bad' {
  const source = glob.replace(/\*\*|\*|\?|\[[^\]]*\]|[^\w/]/g, (token) => {
    if (token === '-') return '_';
    if (token === '**') return '.*';
    if (token === '*') return '[^/]*';
    if (token === '?') return '[^/]';
    return token.startsWith('[') && token.endsWith(']') ? token.replace(/^\[!/, '[^') : `\\${token}`;
  });
  try {
    return new RegExp(`^${source}$`);
  } catch {
    // A class like [z-a].
    return 'bad';
  }
}

function notOneModule({ pattern, layer, place }: ModuleRequest): Failure {
  return new Failure({
    code: 'bad-module-request',
    message: `${pattern} is a glob, and modules are loaded by name`,
    place,
    layer,
    hint: 'name each module; globs are for modules that are only kept',
  });
}
