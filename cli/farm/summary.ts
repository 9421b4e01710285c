/** What a finished build tells a person: where the image is and how large its parts are. */
import { relative } from 'node:path';
import { readImage } from '../run/image.ts';
import type { BuiltImage } from './build.ts';

/** @throws Failure `not-built`, `bad-manifest`, if somebody was faster than we are */
export async function imageSummary(image: BuiltImage, cwd: string): Promise<string> {
  const { version, files } = (await readImage(image)).facts;
  const sizes = files.map((file) => `${file.path} ${megabytes(file.size)}`).join(', ');
  return [
    `${image.name} ${version}: ${sizes}`,
    `  slot  ${relative(cwd, image.slot)}`,
    `  disk  ${relative(cwd, image.disk)}`,
  ].join('\n');
}

/** Decimal megabytes, one digit. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
