/**
 * The layers' debian/ lists: one package a line, `#` starts a comment. `name/suite` and `name=version` pin, `name
 * [x86_64]` is for one architecture only. Every name keeps the layer, file and line that asked for it.
 */
import { Failure, throwAny } from '../../../failure.ts';
import { readText } from '../../../host/look-at.ts';
import { ARCHITECTURES, type Architecture, type Layer } from '../../../layers/layer.ts';

export interface PackageRequest {
  readonly name: string;
  /** As apt takes it behind the name: `=1.2-3`, `/bookworm-backports`, or nothing. */
  readonly pin: string;
  readonly layer: string;
  readonly file: string;
  readonly line: number;
}

const LINE = /^([a-z0-9][a-z0-9+.-]*[a-z0-9+.])((?:=[A-Za-z0-9.+:~-]+)|(?:\/[A-Za-z0-9._-]+))?(?:\s+\[([^\]]*)\])?$/;

/** What the layers ask for on this architecture, in layer order; a name asked for twice is there twice. */
export function readPackageLists(layers: readonly Layer[], arch: Architecture): PackageRequest[] {
  const requests: PackageRequest[] = [];
  const failures: Failure[] = [];
  for (const layer of layers) {
    for (const file of layer.contents.debianPackages) {
      for (const [index, raw] of readText(file, layer.name).split(/\r?\n/).entries()) {
        const text = raw.replace(/(?:^|\s)#.*$/, '').trim();
        if (text === '') continue;
        const parsed = LINE.exec(text);
        const line = index + 1;
        if (parsed === null) {
          failures.push(badLine(text, layer.name, { file, line }));
          continue;
        }
        const [, name = '', pin = '', only] = parsed;
        const architectures = only?.split(/[\s,]+/).filter((word) => word !== '');
        const unknown = architectures?.find((word) => !(ARCHITECTURES as readonly string[]).includes(word));
        if (unknown !== undefined) failures.push(badArchitecture(unknown, layer.name, { file, line }));
        if (architectures === undefined || architectures.includes(arch)) {
          requests.push({ name, pin, layer: layer.name, file, line });
        }
      }
    }
  }
  throwAny(failures);
  return requests;
}

function badLine(text: string, layer: string, place: { file: string; line: number }): Failure {
  return new Failure({
    code: 'bad-package-line',
    message: `${JSON.stringify(text)} is no package`,
    place,
    hint: 'one package a line: name, name=version, name/suite or name [x86_64]',
    layer,
  });
}

function badArchitecture(word: string, layer: string, place: { file: string; line: number }): Failure {
  return new Failure({
    code: 'bad-package-line',
    message: `${word} is no architecture`,
    place,
    hint: `architectures are ${ARCHITECTURES.join(' and ')}`,
    layer,
  });
}
