/** Paths that stay out of the root, as globs: `**` matches across slashes, `*` and `?` do not. */
import type { Layer, Located } from '../../layers/layer.ts';

/** What nothing on a device reads. Layers add to it. */
export const DEFAULT_EXCLUSIONS: readonly string[] = [
  '/usr/share/doc/**',
  '/usr/share/man/**',
  '/usr/share/info/**',
  '/usr/share/locale/**',
  '/usr/share/lintian/**',
  '/usr/share/doc-base/**',
  '/usr/share/bug/**',
  '/usr/share/menu/**',
];

export type PathTest = (path: string) => boolean;

export function pathTest(globs: readonly string[]): PathTest {
  if (globs.length === 0) return () => false;
  const any = new RegExp(`^(?:${globs.map(globSource).join('|')})$`, 'u');
  return (path) => any.test(path);
}

export function layerExclusions(layers: readonly Layer[]): Located<string>[] {
  return layers.flatMap((layer) => layer.debian.exclude);
}

/** On a merged root `/lib/x` is `/usr/lib/x`, however it was written. */
function globSource(glob: string): string {
  const merged = glob.replace(/^\/?(?=(?:bin|sbin|lib|lib64)\/)/, '/usr/');
  const absolute = merged.startsWith('/') ? merged : `/${merged}`;
  return absolute.replace(/\*\*|\*|\?|\[[^\]]*\]|[\\^$.+()|{}/-]/g, (token) => {
    if (token === '**') return '.*';
    if (token === '*') return '[^/]*';
    if (token === '?') return '[^/]';
    if (token.startsWith('[')) return token.replace(/^\[!/, '[^');
    return token === '-' ? '-' : `\\${token}`;
  });
}
