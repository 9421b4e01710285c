/**
 * Links for busybox's applets: Debian ships the program without them. A program of the same name from elsewhere comes
 * before an applet. Which applets there are is read from the program itself, which holds their names as a table.
 */
import { readContent } from '../../../rootfs/content.ts';
import type { RootTree } from '../../../rootfs/tree.ts';

const ORIGIN = 'busybox';
/** The table's begin: sorted names, each ended by a NUL, `[` first. */
const BEGIN = Buffer.from('\0[\0[[\0');
/** Not commands for people: the program itself, and its name as an init of an initrd. */
const NEVER = new Set(['busybox', 'linuxrc']);
/** Where people and scripts look for these; the rest is in /usr/bin. */
const IN_SBIN = new Set(
  'acpid adjtimex arp blkid blkdiscard blockdev brctl chroot crond depmod devmem dhcprelay fdisk freeramdisk fsck fstrim getty halt hwclock ifconfig ifdown ifup init insmod ip ipneigh klogd loadkmap losetup lsmod makedevs mdev mkdosfs mke2fs mkfs.vfat mkswap modinfo modprobe nameif pivot_root poweroff reboot rmmod route run-init runlevel setconsole start-stop-daemon sulogin swapoff swapon switch_root sysctl syslogd tunctl udhcpc udhcpd vconfig watchdog'.split(
    ' ',
  ),
);
const DIRECTORIES = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin'];

/** Does nothing where there is no busybox. */
export function linkApplets(tree: RootTree): void {
  const program = tree.file('/usr/bin/busybox');
  if (program === undefined) return;
  const taken = new Set(
    DIRECTORIES.flatMap((directory) => tree.children(directory).map((entry) => entry.path.replace(/^.*\//, ''))),
  );
  for (const name of appletNames(readContent(program.content))) {
    if (taken.has(name) || NEVER.has(name)) continue;
    const [path, target] = IN_SBIN.has(name)
      ? [`/usr/sbin/${name}`, '../bin/busybox']
      : [`/usr/bin/${name}`, 'busybox'];
    tree.addLink(path, target, { origin: ORIGIN });
  }
}

export function appletNames(program: Buffer): string[] {
  const begin = program.indexOf(BEGIN);
  if (begin < 0) return [];
  const end = program.indexOf('\0\0', begin + 1, 'latin1');
  return program
    .subarray(begin + 1, end)
    .toString('latin1')
    .split('\0');
}
