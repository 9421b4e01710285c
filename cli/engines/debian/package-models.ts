/**
 * What the commands of single packages come to in an image, where no general model can know it. Each entry accounts for
 * commands of one package and may add effects. Commands are patterns of their words, so that a new version of the package
 * whose script does the same is accounted for too, and one that does more is not.
 */
export interface AccountedCommand {
  /** A shell pattern of the whole command with what is known filled in: `ssh-keygen *`. */
  readonly command: string;
  readonly because: string;
  /** What it prints and how it ends, if the script goes on by that; otherwise neither is known. */
  readonly prints?: string | undefined;
  readonly status?: number | undefined;
}

export interface PackageModel {
  readonly accounts: readonly AccountedCommand[];
}

const HOST_KEYS = 'host keys are made on the device, at its first start, and kept on persist';

export const PACKAGE_MODELS: Readonly<Record<string, PackageModel>> = {
  'openssh-server': {
    accounts: [
      { command: 'ssh-keygen *', because: HOST_KEYS },
      { command: '/usr/sbin/sshd -G*', because: 'it prints the configuration, to know which host keys to make' },
    ],
  },
  libc6: {
    accounts: [
      {
        command: 'dpkg-divert * --package base-files --divert /.*.usr-is-merged *',
        because: '/usr is merged from the start, and nothing is ever removed',
      },
    ],
  },
  chrony: {
    accounts: [
      { command: 'chronyd -p*', because: 'it prints the configuration, which names no user', status: 0, prints: '' },
    ],
  },
  makedev: {
    accounts: [
      { command: 'ln -s sunmouse mouse', because: 'devices are made by the kernel' },
      { command: '> /etc/rc.boot/makedev', because: 'devices are made by the kernel' },
    ],
  },
  'ca-certificates': {
    accounts: [
      {
        command: '> /etc/ca-certificates.conf*',
        because: 'update-ca-certificates, which has a model, writes the list of all',
      },
    ],
  },
  dropbear: {
    accounts: [
      { command: 'dropbearkey *', because: HOST_KEYS },
      { command: 'dropbearconvert *', because: HOST_KEYS },
      { command: 'ssh-keygen *', because: HOST_KEYS },
    ],
  },
};
