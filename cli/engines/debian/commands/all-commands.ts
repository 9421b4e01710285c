/** Every command that has a model, and how a call finds its own. */
import { Failure } from '../../../failure.ts';
import type { Call, Outcome } from '../shell/host.ts';
import { isKnown, showUnknown } from '../shell/unknown.ts';
import { ACCESS } from './access.ts';
import { ACCOUNTS } from './accounts.ts';
import { ALTERNATIVES } from './alternatives.ts';
import { CAPABILITIES } from './capabilities.ts';
import { FILES } from './files.ts';
import { FILTERS } from './filters.ts';
import { INERT } from './inert.ts';
import { LISTING } from './listing.ts';
import { LOOKING } from './looking.ts';
import { type CommandContext, DONE, type Model, type Models, problem } from './model.ts';
import { PACKAGING } from './packaging.ts';
import { SYSTEM_FILES } from './system-files.ts';
import { SYSTEMD } from './systemd.ts';

const MODELS: Models = {
  ...INERT,
  ...FILES,
  ...ACCESS,
  ...LOOKING,
  ...FILTERS,
  ...LISTING,
  ...PACKAGING,
  ...ACCOUNTS,
  ...ALTERNATIVES,
  ...CAPABILITIES,
  ...SYSTEMD,
  ...SYSTEM_FILES,
};

/** Byte code is not made: Python does without, and an image has no place to keep what it makes. */
const python: Model = (call) =>
  call.argv.some((arg) => arg.endsWith('/py_compile.py'))
    ? DONE
    : problem('what a Python program does is not modelled');

export function runModel(call: Call, context: CommandContext): Outcome {
  const [program = ''] = call.argv;
  if (!isKnown(program)) return problem('which program it runs is not known before');
  const name = program.slice(program.lastIndexOf('/') + 1);
  const model = Object.hasOwn(MODELS, name) ? MODELS[name] : /^python3(?:\.\d+)?$/.test(name) ? python : undefined;
  if (model === undefined) return problem(`there is no model of ${showUnknown(name)}`);
  try {
    return model({ ...call, argv: [name, ...call.argv.slice(1)] }, context);
  } catch (error) {
    // What a tree does not take, a path that climbs or a file in place of a directory, is no mistake of ours.
    if (error instanceof Failure) return problem(error.parts.message);
    throw error;
  }
}
