/** The UEFI firmware of a virtual machine, from the host's packages, and the copy of its variables that it writes to. */
import { existsSync } from 'node:fs';
import { copyFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../failure.ts';
import { temporaryBeside } from '../host/files.ts';
import type { Architecture } from '../layers/layer.ts';

export interface Firmware {
  readonly code: string;
  readonly variables: string;
}

/** Code and fresh variables belong together; the first pair that is there is taken. */
const PLACES: Readonly<Record<Architecture, readonly Firmware[]>> = {
  x86_64: [
    { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
    { code: '/usr/share/OVMF/OVMF_CODE.fd', variables: '/usr/share/OVMF/OVMF_VARS.fd' },
  ],
  arm64: [{ code: '/usr/share/AAVMF/AAVMF_CODE.fd', variables: '/usr/share/AAVMF/AAVMF_VARS.fd' }],
};

/** @throws Failure `no-firmware` */
export async function prepareFirmware(arch: Architecture, directory: string, fresh: boolean): Promise<Firmware> {
  const found = PLACES[arch].find(({ code, variables }) => existsSync(code) && existsSync(variables));
  if (found === undefined) {
    throw new Failure({
      code: 'no-firmware',
      message: `there is no UEFI firmware for ${arch} on this machine`,
      hint: 'coracle doctor --for firmware says which package brings it; coracle doctor --fix installs it',
    });
  }
  const variables = join(directory, `firmware-${arch}.vars`);
  if (fresh || !existsSync(variables)) {
    const temporary = temporaryBeside(variables);
    await copyFile(found.variables, temporary);
    await rename(temporary, variables);
  }
  return { code: found.code, variables };
}
