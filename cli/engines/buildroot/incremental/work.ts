/** What has to be done to an output directory before make may go on in it, as data. */

/**
 * - `everything`: the directory is emptied
 * - `package`: from scratch, its sources unpacked and patched anew, or only from its configuration on
 * - `target`: packages are installed anew into an empty target directory; nothing is compiled for it
 * - `finish`: the end of the build alone, which make always does: overlays, users, scripts, images
 * - `left`: a package that is not asked for any more, whose files stay in the target directory
 */
export type Work =
  | { readonly kind: 'everything'; readonly because: string }
  | {
      readonly kind: 'package';
      readonly name: string;
      readonly how: 'scratch' | 'reconfigure';
      readonly because: string;
      /** Only to be on the safe side: Buildroot does not tell whether it is needed. */
      readonly careful?: true;
    }
  | { readonly kind: 'target'; readonly because: string }
  | { readonly kind: 'finish'; readonly because: string }
  | { readonly kind: 'new'; readonly name: string }
  | { readonly kind: 'left'; readonly name: string };

/** A line for `coracle status`. */
export function workText(work: Work): string {
  switch (work.kind) {
    case 'everything':
      return `everything is built anew: ${work.because}`;
    case 'package': {
      const how = work.how === 'scratch' ? 'built from scratch' : 'reconfigured';
      return `${work.name} is ${how}: ${work.because}${work.careful === true ? ' (to be on the safe side)' : ''}`;
    }
    case 'target':
      return `the target directory is made anew, without compiling: ${work.because}`;
    case 'finish':
      return `the end of the build is done again: ${work.because}`;
    case 'new':
      return `${work.name} is new`;
    case 'left':
      return (
        `${work.name} is not asked for any more, but its files stay in the target directory: ` +
        'coracle clean --target has the next build make that anew, without compiling'
      );
  }
}
