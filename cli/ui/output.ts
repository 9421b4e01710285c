/**
 * What becomes of a run when nobody takes what it writes: a reader such as `head` has gone, or a disk is full. Talk on
 * stderr is worth no failure; results on stdout are, unless their reader went away by itself.
 */

export interface Output {
  /** The run has more to do than to print: it goes on, whatever becomes of its output. */
  goOn(): void;
  /** The exit code of a run that is over. */
  exitCode(code: number): number;
}

/** Watches stdout and stderr, from before anything is written. */
export function watchOutput(): Output {
  let goesOn = false;
  let failed = false;
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') {
      if (!goesOn) process.exit(0);
      return;
    }
    if (!failed) process.stderr.write(`error: cannot write the output: ${reasonWords(error)}\n`);
    failed = true;
    // What is written last fails only when the exit code is already known.
    process.exitCode ||= 1;
    if (!goesOn) process.exit();
  });
  return {
    goOn: () => {
      goesOn = true;
    },
    exitCode: (code) => (failed && code === 0 ? 1 : code),
  };
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left',
  EDQUOT: 'your quota is used up',
  EFBIG: 'the file would be larger than is allowed',
};

function reasonWords({ code, message }: NodeJS.ErrnoException): string {
  return REASONS[code ?? ''] ?? message;
}
