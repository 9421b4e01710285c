/**
 * Commands of layers: which file in `extensions/` runs one. A layer of ours has an executable of the command's name, with
 * or without a file extension; a layer of SkiffOS has targets of a Makefile (scripts/enumerate_configs.sh and
 * execute_command.sh), also some that its metadata/commands does not name.
 */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../failure.ts';
import { isDirectory, lookAt, readText } from '../host/look-at.ts';
import { didYouMean } from '../kconfig/nearest.ts';
import type { CommandProgram, Layer, LayerCommand } from './layer.ts';
import { listDirectory } from './layer-contents.ts';

const MAKEFILE = 'Makefile';

/** @param extensions the layer's directory of that name */
export function withPrograms(
  commands: readonly LayerCommand[],
  extensions: string | undefined,
): readonly LayerCommand[] {
  if (extensions === undefined || commands.length === 0) return commands;
  const files = [...listDirectory(extensions)].flatMap(([name, kind]) => (kind === 'file' ? [name] : []));
  const targets = makeTargets(extensions);
  return commands.map((command) => {
    const file = files.find((name) => name !== MAKEFILE && name.replace(/\.[^.]*$/, '') === command.name);
    const program: CommandProgram | undefined =
      file !== undefined
        ? { kind: 'executable', file: join(extensions, file) }
        : targets.includes(command.name)
          ? { kind: 'make-target', makefile: join(extensions, MAKEFILE) }
          : undefined;
    return program === undefined ? command : { ...command, program };
  });
}

/** Names of rules, without patterns and those of make itself; empty without a Makefile. */
function makeTargets(extensions: string): readonly string[] {
  const file = join(extensions, MAKEFILE);
  if (lookAt(file)?.isFile() !== true) return [];
  const rules = readText(file).matchAll(/^([A-Za-z0-9_][A-Za-z0-9._ -]*?)\s*:(?![=:])/gm);
  return [...new Set([...rules].flatMap(([, names = '']) => names.split(/\s+/)))];
}

/**
 * @throws Failure `unknown-command` with the nearest name, and those of {@link programFailure}
 */
export function findCommand(layer: Layer, name: string): Required<LayerCommand> {
  const { extensions } = layer.contents;
  const targets = extensions === undefined ? [] : makeTargets(extensions);
  const unnamed = targets.includes(name) ? withPrograms([{ name, description: '' }], extensions) : [];
  const found = layer.commands.find((command) => command.name === name) ?? unnamed[0];
  if (found === undefined) {
    const names = layer.commands.map((command) => command.name);
    throw new Failure({
      code: 'unknown-command',
      message: `${layer.name} has no command ${name}`,
      place: { file: layer.directory },
      hint: [
        didYouMean(name, new Set([...names, ...targets])),
        names.length > 0 ? `its commands: ${names.join(', ')}` : 'coracle cmd lists the commands of layers',
      ]
        .filter((part) => part !== undefined)
        .join('\n'),
      layer: layer.name,
    });
  }
  const failure = programFailure(layer, found);
  if (failure !== undefined) throw failure;
  return found as Required<LayerCommand>;
}

/** Why a command cannot be run: `command-without-program`, `command-not-executable`. */
export function programFailure(layer: Layer, { name, program }: LayerCommand): Failure | undefined {
  if (program === undefined) {
    return new Failure({
      code: 'command-without-program',
      message: `${layer.name} names a command ${name}, but has nothing that runs it`,
      place: { file: layer.directory },
      cause: isDirectory(join(layer.directory, 'extensions'))
        ? `extensions/ has neither a file ${name} nor a Makefile with that target`
        : 'it has no directory extensions/',
      layer: layer.name,
    });
  }
  if (program.kind === 'make-target' || isExecutable(program.file)) return undefined;
  return new Failure({
    code: 'command-not-executable',
    message: `the command ${name} of ${layer.name} is not executable`,
    place: { file: program.file },
    hint: 'chmod +x it, and in a git repository: git update-index --chmod=+x',
    layer: layer.name,
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
