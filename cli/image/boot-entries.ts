/** The entries by which systemd-boot starts a slot (Boot Loader Specification, type 1). */

export interface BootEntry {
  readonly version: string;
  readonly kernelParameters: readonly string[];
}

/** Files for the boot partition: path → content. */
export function bootEntryFiles(entry: BootEntry): Readonly<Record<string, string>> {
  return {
    'loader/loader.conf': lines(
      ['timeout', '0'],
      // A device in the field shows nothing but its slots, and takes no other command line.
      ['editor', 'no'],
      ['auto-entries', 'no'],
      ['auto-firmware', 'no'],
    ),
    'loader/entries.srel': 'type1\n',
    [`loader/entries/${entry.version}.conf`]: lines(
      ['title', `Coracle ${entry.version}`],
      ['sort-key', 'coracle'],
      ['version', entry.version],
      ['linux', `/slots/${entry.version}/kernel`],
      ['initrd', `/slots/${entry.version}/initramfs`],
      ['options', [`coracle.slot=${entry.version}`, ...entry.kernelParameters].join(' ')],
    ),
  };
}

function lines(...pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([key, value]) => `${key} ${value}\n`).join('');
}
