/** A built image as other verbs need it: the slot's manifest, checked as far as they read it, and its files. */
import { existsSync } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { Failure } from '../failure.ts';
import { ARCHITECTURES } from '../layers/layer.ts';

const ManifestSchema = z.object({
  format: z.literal(1),
  version: z.string(),
  arch: z.enum(ARCHITECTURES),
  kernelParameters: z._default(z.array(z.string()), []),
  files: z.array(z.object({ path: z.string(), size: z.number() })),
  verity: z.object({ file: z.string(), hashOffset: z.number() }),
});

/** Where a build left the image; what `buildWorkspaces` returns fits. */
export interface ImagePlaces {
  /** Of the workspace. */
  readonly name: string;
  /** The command line that builds it; `coracle build <name>` unless told. */
  readonly build?: string;
  /** The workspace's directory. */
  readonly directory: string;
  readonly slot: string;
  readonly disk: string;
  readonly manifest: string;
}

export interface RunImage extends ImagePlaces {
  readonly facts: z.infer<typeof ManifestSchema>;
}

/** @throws Failure `not-built`, `bad-manifest` */
export async function readImage(places: ImagePlaces): Promise<RunImage> {
  let text: string;
  try {
    text = await readFile(places.manifest, 'utf8');
  } catch (error) {
    if (!missing(error)) throw error;
    throw notBuilt(places, existsSync(places.slot) ? places.manifest : undefined);
  }
  try {
    return { ...places, facts: z.parse(ManifestSchema, JSON.parse(text)) };
  } catch (error) {
    throw new Failure({
      code: 'bad-manifest',
      message: `the manifest of workspace ${places.name} cannot be read`,
      place: { file: places.manifest },
      cause: (error as Error).message,
      hint: `${places.build ?? `coracle build ${places.name}`} writes it anew`,
    });
  }
}

type NamedImage = Pick<ImagePlaces, 'name' | 'build'>;

/** @throws Failure `not-built` if one of the image's files is gone */
export async function mustBeThere(image: NamedImage, files: readonly string[]): Promise<void> {
  for (const file of files) {
    await access(file).catch((error: unknown) => {
      throw missing(error) ? notBuilt(image, file) : error;
    });
  }
}

function missing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** @param file the one that is not there, of an image that has others */
function notBuilt({ name, build }: NamedImage, file?: string): Failure {
  return new Failure({
    code: 'not-built',
    message:
      file === undefined
        ? `workspace ${name} has no image yet`
        : `the image of workspace ${name} is not whole: ${file} is missing`,
    hint: build ?? `coracle build ${name}`,
  });
}

/** What the boot entry on the medium says, too. */
export function kernelCommandLine(image: RunImage): string {
  return [`coracle.slot=${image.facts.version}`, ...image.facts.kernelParameters].join(' ');
}

export function slotFile(image: RunImage, name: 'kernel' | 'initramfs'): string {
  return join(image.slot, name);
}
