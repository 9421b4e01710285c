/**
 * BR2_EXTERNAL trees: Coracle's own, if it is wanted, and those of the layers, in layer order. Checked here, so that a mistake
 * is told with its layer and not as an error of a makefile.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, Failures, throwAny } from '../../../failure.ts';
import { lookAt } from '../../../host/look-at.ts';
import type { Layer } from '../../../layers/layer.ts';
import { checkPathForMake } from './path-for-make.ts';

export interface ExternalTree {
  readonly layer: string;
  /** Absolute, links followed. */
  readonly directory: string;
  /** Of external.desc: BR2_EXTERNAL_<name>_PATH is the tree's directory in its own files. */
  readonly name: string;
  /** Environment of make that the tree's makefiles read. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** What Buildroot asks of such a tree (its manual, "Keeping customizations outside of Buildroot"). */
const NEEDED = ['external.desc', 'external.mk', 'Config.in'] as const;

/** @param first the trees before those of layers. @throws Failure `bad-external-tree`, `path-not-for-make`, all at once */
export function externalTrees(layers: readonly Layer[], first: readonly ExternalTree[] = []): readonly ExternalTree[] {
  const failures: Failure[] = [];
  const trees = [...first];
  for (const layer of layers) {
    const directory = layer.contents.buildrootExternal;
    if (directory === undefined) continue;
    try {
      trees.push(readExternalTree(layer.name, directory, trees));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(...(error instanceof Failures ? error.all : [error]));
    }
  }
  throwAny(failures);
  return trees;
}

/** What such a tree lacks, a failure for each file. @param directory of the tree */
export function missingFiles(layer: string, directory: string): readonly Failure[] {
  return NEEDED.filter((name) => lookAt(join(directory, name))?.isFile() !== true).map(
    (name) =>
      new Failure({
        code: 'bad-external-tree',
        message: `the BR2_EXTERNAL tree of ${layer} has no ${name}`,
        place: { file: join(directory, name) },
        cause: `Buildroot asks for ${NEEDED.join(', ')}`,
        hint: name === 'external.desc' ? 'one line is enough: name: MY_PRODUCT' : 'an empty file is enough',
        layer,
      }),
  );
}

function readExternalTree(layer: string, directory: string, before: readonly ExternalTree[]): ExternalTree {
  const refuse = (file: string, message: string, cause: string, hint: string): Failure =>
    new Failure({ code: 'bad-external-tree', message, place: { file }, cause, hint, layer });
  throwAny(missingFiles(layer, directory));
  const file = join(directory, 'external.desc');
  const name = /^name:[ \t]*(.*?)[ \t]*$/m.exec(readFileSync(file, 'utf8'))?.[1];
  if (name === undefined || !/^[A-Za-z0-9_]+$/.test(name)) {
    const cause = name === undefined ? 'there is no line "name: …"' : `${JSON.stringify(name)} is not one`;
    throw refuse(file, `the BR2_EXTERNAL tree of ${layer} has no name`, cause, 'letters, digits and _');
  }
  const same = before.find((one) => one.name === name);
  if (same !== undefined) {
    const message = `two BR2_EXTERNAL trees have the name ${name}`;
    throw refuse(file, message, `${same.layer} and ${layer}`, 'give one of them another name in its external.desc');
  }
  const real = realpathSync(directory);
  checkPathForMake(real, `the BR2_EXTERNAL tree of ${layer}`, layer);
  return { layer, directory: real, name };
}

/** As Buildroot takes it. */
export function externalVariable(trees: readonly ExternalTree[]): string {
  return trees.map(({ directory }) => directory).join(':');
}
