/** The host's programs that write images: found, told apart by version, and their failures made plain. */
import { statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { Failure } from '../failure.ts';
import { sha256 } from '../host/files.ts';
import { type Command, type Finished, runCommand } from '../host/process.ts';
import { DISK_FULL } from '../host/system-failure.ts';
import { findProgram, thisHost } from '../host/this-host.ts';
import type { StageContext, StageInput } from '../stages/stage.ts';
import { IMAGE_TIME_ENVIRONMENT } from './identity.ts';

/**
 * The program as an input: another version of it may write other bytes. Its size and time say whether it is another
 * one; asking it would cost a process for every build that has nothing to do.
 */
export function toolInput(program: string): StageInput {
  const path = findProgram(thisHost(), program);
  const found = path === undefined ? undefined : statSync(path);
  // That it is missing is said, with the hint that helps, by running it.
  return {
    name: `program ${program}`,
    hash: found === undefined ? 'missing' : sha256(`${found.size}:${found.mtimeMs}`),
  };
}

export interface ImageTool extends Pick<Command, 'argv' | 'stdin' | 'stdout' | 'accept' | 'env'> {
  /** Bytes that the program may want to write, for the failure when it cannot. */
  readonly mayWrite: number;
}

/** Runs a program that writes into the stage's output. @throws Failure `disk-full` and those of {@link runCommand} */
export async function runImageTool(context: StageContext, tool: ImageTool): Promise<Finished> {
  const { mayWrite, env, ...command } = tool;
  const before = await freeBytes(context.output);
  try {
    return await runCommand({
      ...command,
      cwd: context.output,
      env: { ...IMAGE_TIME_ENVIRONMENT, ...env },
      log: context.log,
      signal: context.signal,
    });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // Some programs only say that they cannot write, and some nothing at all.
    const isLikely = error.parts.code === 'command-failed' && before <= mayWrite;
    if (error.parts.code !== DISK_FULL.code && !isLikely) throw error;
    throw new Failure({
      ...error.parts,
      ...DISK_FULL,
      message: `no room is left for ${tool.argv[0]} to write in ${context.output}`,
      cause: [`${mebibytes(before)} were free, and up to ${mebibytes(mayWrite)} are needed`, error.parts.cause]
        .filter((part) => part)
        .join('\n'),
    });
  }
}

async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
