/**
 * Whether a hook can be started at all, looked at before the kernel is asked: its answer, ENOENT for a missing interpreter
 * and ENOEXEC for a missing first line, sends people looking in the wrong place.
 */
import { access, constants, open } from 'node:fs/promises';
import { Failure } from '../failure.ts';
import type { PlannedHook } from './hook-moments.ts';

/** Longest first line that Linux looks at (BINPRM_BUF_SIZE). */
const FIRST_LINE = 256;

/** @throws Failure `hook-missing`, `hook-not-executable`, `hook-bad-interpreter` */
export async function checkHookProgram({ layer, name, program }: PlannedHook): Promise<void> {
  const failure = (code: string, message: string, hint: string, cause?: string): Failure =>
    new Failure({
      code,
      message: `hook ${name} of ${layer.name} ${message}`,
      cause,
      hint,
      place: { file: program },
      layer: layer.name,
    });
  const start = await firstBytes(program).catch((error: Error) => {
    throw failure('hook-missing', 'cannot be read', 'restore the file, or remove the hook', error.message);
  });
  if (!(await isExecutable(program))) {
    const hint = 'chmod +x it, and in a git repository: git update-index --chmod=+x';
    throw failure('hook-not-executable', 'is not executable', hint);
  }
  if (start.subarray(0, 4).toString('latin1') === '\x7fELF') return;
  if (start.subarray(0, 2).toString('latin1') !== '#!') {
    const hint = 'begin it with #!/bin/sh or another interpreter';
    throw failure('hook-bad-interpreter', 'is neither a script nor a program', hint, 'it does not begin with #!');
  }
  const [line = ''] = start.toString('utf8').slice(2).split('\n');
  const interpreter = line.trim().split(/[ \t]/)[0] ?? '';
  if (line.endsWith('\r')) {
    const hint = 'save it with Unix line ends (LF), and have git keep them: "*.sh text eol=lf" in .gitattributes';
    throw failure(
      'hook-bad-interpreter',
      'has Windows line ends',
      hint,
      `the system would look for "${interpreter}\\r"`,
    );
  }
  if (!(await isExecutable(interpreter))) {
    const hint = `install ${interpreter}, or change the first line of the hook`;
    throw failure('hook-bad-interpreter', `is for the interpreter ${interpreter}, which is not on this machine`, hint);
  }
}

async function firstBytes(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(FIRST_LINE), 0, FIRST_LINE, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function isExecutable(file: string): Promise<boolean> {
  if (!file.startsWith('/')) return false;
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
