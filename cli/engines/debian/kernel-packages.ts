/** Which packages a workspace's kernel comes from. They are fetched beside the root. */
import { Failure } from '../../failure.ts';
import type { LockedPackage } from '../../workspace/lock-schema.ts';
import type { ResolvedConfig } from '../../workspace/resolved.ts';
import type { NamedAt } from './apt/resolve.ts';

/** Debian's packages when no layer names one: small, with what virtual machines need. */
const DEFAULT_KERNEL = { x86_64: 'linux-image-cloud-amd64', arm64: 'linux-image-cloud-arm64' } as const;
const SOURCE = 'linux-source';

/** What to resolve: a kernel's name may be that of an empty package which depends on the kernel of the day. */
export function kernelPackages(config: ResolvedConfig): NamedAt[] {
  return [chosenKernel(config), ...(config.settings.kernel === 'source' ? [{ name: SOURCE }] : [])];
}

function chosenKernel(config: ResolvedConfig): NamedAt {
  for (const { layer } of config.layers.toReversed()) {
    const name = layer.debian.kernel[config.arch];
    if (name !== undefined) return { name, layer: layer.name, place: { file: `${layer.directory}/layer.yaml` } };
  }
  return { name: DEFAULT_KERNEL[config.arch] };
}

/** Of the locked packages the one with the kernel, by its version in the name. */
export function lockedKernel(packages: readonly LockedPackage[], kind: 'image' | 'source'): LockedPackage {
  const found = packages.find((one) => one.beside === true && new RegExp(`^linux-${kind}-\\d`).test(one.name));
  const other = packages.find((one) => one.beside === true && one.name.startsWith(`linux-${kind}`));
  const kernel = found ?? other;
  if (kernel !== undefined) return kernel;
  throw new Failure({
    code: 'no-kernel',
    message: `no package of the workspace is a linux-${kind}`,
    hint: 'name one under engines: debian: kernel: in a layer, e.g. linux-image-cloud-amd64',
  });
}
