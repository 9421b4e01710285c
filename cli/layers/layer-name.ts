/** Names of layers and lists of them: what is allowed, and how a list is written on a command line or in a variable. */
import { Failure, type Place } from '../failure.ts';

const PART = '[A-Za-z0-9_+][A-Za-z0-9._+-]*';

/** `<group>/<name>`: nothing that a path, a shell or a URL would give a meaning of its own. */
export const LAYER_NAME = new RegExp(`^${PART}/${PART}$`);

export const LAYER_NAME_RULE =
  'a layer is named <group>/<name>, of letters, digits and . _ + -, not starting with . or -';

/** A layer that somebody asked for, with the place if it was written in a file. */
export interface LayerRequest {
  readonly name: string;
  readonly place?: Place;
}

/** Separated by commas or white space, as in SKIFF_CONFIG. A name that comes twice counts once, where it came first. */
export function parseLayerList(list: string): readonly LayerRequest[] {
  const names = new Set(list.split(/[\s,]+/).filter((name) => name !== ''));
  return [...names].map((name) => ({ name }));
}

/** @throws Failure `bad-layer-name` */
export function checkLayerName({ name, place }: LayerRequest): void {
  if (LAYER_NAME.test(name)) return;
  throw new Failure({
    code: 'bad-layer-name',
    message: `${JSON.stringify(name)} is not a layer name`,
    place,
    hint: LAYER_NAME_RULE,
  });
}
