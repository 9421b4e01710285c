/**
 * What the image stage knows of a board: a small file of data beside the layer that provides it. Shipped boards have it in
 * board-support/<layer>/image.yaml, any other layer in its resources/. docs/image.md describes it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { ARCHITECTURES, type Architecture, type Layer } from '../layers/layer.ts';
import { KernelParameter } from '../layers/layer-schema.ts';
import { readYamlFile } from '../layers/yaml-file.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';

const IMAGE_FILE = 'image.yaml';
/** What an image gets if no layer of it is a board, or the board says nothing: any machine with UEFI. */
const GENERIC_BOARD = 'generic';

/** How the board starts a slot. One so far; the place for extlinux and the boards' own ways is here. */
export const BOOT_METHODS = ['systemd-boot'] as const;
export type BootMethod = (typeof BOOT_METHODS)[number];

const Parameters = z.array(KernelParameter);

export const BoardSchema = z.strictObject({
  description: z.string().check(z.meta({ description: 'One line: which machines these are.' })),
  boot: z.enum(BOOT_METHODS).check(z.meta({ description: 'How the firmware finds and starts a slot.' })),
  kernelParameters: z.optional(
    z
      .union([Parameters, z.partialRecord(z.enum(ARCHITECTURES), Parameters)])
      .check(
        z.meta({ description: 'Kernel command line, one parameter an item; a list, or one for each architecture.' }),
      ),
  ),
});

export interface Board {
  /** The layer that provides it, `virt/qemu`; `generic` if none does. */
  readonly name: string;
  readonly boot: BootMethod;
  readonly kernelParameters: readonly string[];
}

/** Where a workspace's board is described. Looks for files, reads none. */
export interface BoardFile {
  readonly name: string;
  readonly path: string;
}

export function boardFile(config: ResolvedConfig, installation: string): BoardFile {
  const support = join(installation, 'board-support');
  const layer = boardLayer(config);
  const places =
    layer === undefined
      ? []
      : [join(layer.contents.resources ?? layer.directory, IMAGE_FILE), join(support, layer.name, IMAGE_FILE)];
  const path = places.find((place) => existsSync(place)) ?? join(support, GENERIC_BOARD, IMAGE_FILE);
  return { name: layer?.name ?? GENERIC_BOARD, path };
}

function boardLayer(config: ResolvedConfig): Layer | undefined {
  return config.layers.findLast(({ layer }) => layer.provides.some((role) => role.value === 'board'))?.layer;
}

/** @throws Failure with place for what is wrong in the file */
export function readBoard(file: BoardFile, arch: Architecture): Board {
  const { data } = readYamlFile(file.path, BoardSchema, file.name);
  const parameters = data.kernelParameters ?? [];
  return {
    name: file.name,
    boot: data.boot,
    kernelParameters: Array.isArray(parameters) ? parameters : (parameters[arch] ?? []),
  };
}
