/** What a finished build tells a person: where the image is and how large its parts are. */
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import type { BuiltImage } from './build.ts';

interface ManifestSizes {
  readonly version: string;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

export async function imageSummary(image: BuiltImage, cwd: string): Promise<string> {
  const manifest = JSON.parse(await readFile(image.manifest, 'utf8')) as ManifestSizes;
  const files = manifest.files.map((file) => `${file.path} ${megabytes(file.size)}`).join(', ');
  return [
    `${image.name} ${manifest.version}: ${files}`,
    `  slot  ${relative(cwd, image.slot)}`,
    `  disk  ${relative(cwd, image.disk)}`,
  ].join('\n');
}

/** Decimal megabytes, one digit. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
