/** setcap and getcap: file capabilities as the extended attribute that Linux keeps them in. */
import { isKnown, UNKNOWN } from '../shell/unknown.ts';
import { act, DONE, FAILED, type Model, type Models, problem, readArguments } from './model.ts';

const ATTRIBUTE = 'security.capability';

/** Numbers of linux/capability.h, by position. */
const NAMES = (
  'chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service ' +
  'net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin ' +
  'sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override ' +
  'mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore'
).split(' ');

/** `cap_net_raw,cap_net_admin+ep` as struct vfs_cap_data, revision 2; undefined if it is not of that form. */
export function encodeCapabilities(text: string): Buffer | undefined {
  const match = /^((?:cap_[a-z_]+)(?:,cap_[a-z_]+)*)[+=]([eip]+)$/.exec(text);
  if (match === null) return undefined;
  const [, names = '', flags = ''] = match;
  let bits = 0n;
  for (const name of names.split(',')) {
    const at = NAMES.indexOf(name.slice('cap_'.length));
    if (at < 0) return undefined;
    bits |= 1n << BigInt(at);
  }
  const data = Buffer.alloc(20);
  data.writeUInt32LE(0x02000000 | (flags.includes('e') ? 1 : 0), 0);
  for (const [index, half] of [bits & 0xffffffffn, bits >> 32n].entries()) {
    if (flags.includes('p')) data.writeUInt32LE(Number(half), 4 + index * 8);
    if (flags.includes('i')) data.writeUInt32LE(Number(half), 8 + index * 8);
  }
  return data;
}

const setcap: Model = (call, { root }) => {
  const { operands, options } = readArguments(call.argv.slice(1));
  const [text = '', path = ''] = options.has('r') ? ['', operands[0]] : operands;
  if (!isKnown(path)) return problem('the file is not known before it runs');
  const entry = root.resolve(path);
  if (entry === undefined) return FAILED;
  if (options.has('r'))
    return entry.xattrs?.[ATTRIBUTE] === undefined ? FAILED : problem('taking capabilities away is not modelled');
  const data = encodeCapabilities(text);
  if (data === undefined) return problem(`the capabilities ${text} are not understood`);
  return act(call, operands, () =>
    root.tree.setMetadata(entry.path, { xattrs: { ...entry.xattrs, [ATTRIBUTE]: data } }),
  );
};

const getcap: Model = (call, { root }) => {
  const { operands } = readArguments(call.argv.slice(1));
  if (!operands.every(isKnown)) return { status: undefined, output: UNKNOWN };
  const has = operands.some((path) => root.resolve(path)?.xattrs?.[ATTRIBUTE] !== undefined);
  return has ? { status: 0, output: UNKNOWN } : { ...DONE, output: '' };
};

export const CAPABILITIES: Models = { setcap, getcap };
