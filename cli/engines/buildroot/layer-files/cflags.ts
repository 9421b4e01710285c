/** Compiler flags for the target: layers' `cflags/`, one or more flags a line, `#` comments. */
import { Failure } from '../../../failure.ts';
import { readFragmentText } from '../../../kconfig/fragment-text.ts';
import type { Layer } from '../../../layers/layer.ts';

export interface LayerCflags {
  readonly layer: string;
  /** Separated by single spaces; never empty. */
  readonly flags: string;
}

/** @throws Failure `bad-cflags`, `unreadable-file`, `fragment-not-text` */
export function layerCflags(layers: readonly Layer[]): readonly LayerCflags[] {
  return layers.flatMap((layer) =>
    layer.contents.cflags.flatMap((file) => {
      const lines = readFragmentText(file, layer.name).split(/\r?\n/);
      const words = lines.flatMap((text, index) => flagsOf(text, layer.name, file, index + 1));
      return words.length === 0 ? [] : [{ layer: layer.name, flags: words.join(' ') }];
    }),
  );
}

function flagsOf(text: string, layer: string, file: string, line: number): string[] {
  if (/^\s*#/.test(text)) return [];
  const odd = /["'`$\\#]/.exec(text);
  if (odd === null) return text.split(/\s+/).filter((word) => word !== '');
  throw new Failure({
    code: 'bad-cflags',
    message: `compiler flags cannot hold ${odd[0]}`,
    place: { file, line, column: odd.index + 1 },
    cause: 'they pass through make and a shell on their way to the compiler',
    hint: 'write plain flags, and comments on lines of their own',
    layer,
  });
}
