//! Giving the last partition the rest of the medium.
//!
//! The order of writing keeps one whole table at every moment. First the new backup goes to the medium's end, where no
//! partition is, and is synced; until then the primary, untouched, is what counts. Then the primary is replaced: with
//! 512-byte sectors its header and the first 24 entries share one 4 KiB block, which is one write. Should that one be
//! torn all the same, firmware and this crate find the new backup at the end (the kernel does with `gpt` on its command
//! line), and the next call mends the primary.

use crate::checksum::crc32;
use crate::table::{put, u32_at};
use crate::{Disk, Error, Geometry, Partition, Table};

/// Growing by less is not worth a write, in bytes.
pub const MINIMUM_GAIN: u64 = 1 << 20;

/// Partitions end at a multiple of this, in bytes, as partitioning tools align them.
const ALIGNMENT: u64 = 1 << 20;

/// What a media block is taken to be: a write of one such block, aligned, is the nearest there is to an atomic one.
const BLOCK: u64 = 4096;

/// A table that is computed but not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// The partition as it will be.
    pub partition: Partition,
    geometry: Geometry,
    writes: [Vec<Write>; 2],
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Write {
    offset: u64,
    data: Vec<u8>,
}

impl Table {
    /// Grows the partition called `name` to the end of the medium. `None`: there is no room, and nothing to mend.
    pub fn grow(&self, disk: &impl Disk, name: &str) -> Result<Option<Growth>, Error> {
        let partitions = self.partitions();
        let mut named = partitions.iter().filter(|partition| partition.name == name);
        let (Some(old), None) = (named.next(), named.next()) else {
            return Err(Error::Name(partitions.iter().filter(|partition| partition.name == name).count()));
        };
        let backup_at = self.geometry.sectors - 1;
        let last_usable = backup_at.saturating_sub(self.entries_sectors() + 1);
        let alignment = (ALIGNMENT / self.sector_size()).max(1);
        let new_last = ((last_usable + 1) / alignment * alignment).saturating_sub(1);
        let gain = new_last.saturating_sub(old.last).saturating_mul(self.sector_size());
        let grows = gain >= MINIMUM_GAIN && old.first <= old.last;
        if !grows && !self.needs_repair() {
            return Ok(None);
        }
        if grows && partitions.iter().any(|other| other.first > old.first) {
            return if self.needs_repair() { self.rewrite(disk, old.clone()) } else { Err(Error::NotLast) };
        }
        let last = if grows { new_last } else { old.last };
        self.rewrite(disk, Partition { last, ..old.clone() })
    }

    /// Lays out both copies with `partition` in the place of its old entry.
    fn rewrite(&self, disk: &impl Disk, partition: Partition) -> Result<Option<Growth>, Error> {
        let sector_size = self.sector_size();
        let backup_at = self.geometry.sectors - 1;
        let backup_entries_at = backup_at - self.entries_sectors();
        let mut entries = self.entries.clone();
        put(&mut entries, partition.index * self.entry_size + 40, &partition.last.to_le_bytes());
        let header = |own: u64, other: u64, entries_at: u64| {
            let mut header = self.header.clone();
            put(&mut header, 24, &own.to_le_bytes());
            put(&mut header, 32, &other.to_le_bytes());
            put(&mut header, 48, &(backup_entries_at - 1).to_le_bytes());
            put(&mut header, 72, &entries_at.to_le_bytes());
            put(&mut header, 88, &crc32(&entries).to_le_bytes());
            put(&mut header, 16, &0_u32.to_le_bytes());
            let checksum = crc32(&header);
            put(&mut header, 16, &checksum.to_le_bytes());
            header.resize(sector_size as usize, 0);
            header
        };
        let backup = vec![
            Write { offset: backup_entries_at * sector_size, data: entries.clone() },
            Write { offset: backup_at * sector_size, data: header(backup_at, 1, backup_entries_at) },
        ];
        let primary = self.primary(disk, &header(1, backup_at, self.primary_entries_at), &entries)?;
        Ok(Some(Growth { partition, geometry: self.geometry, writes: [backup, vec![primary]] }))
    }

    /// The primary copy as one write of whole blocks: only the first if what changes lies there, else up to the
    /// entries' end. What is between and around (the boot sector) stays as it is on the medium.
    fn primary(&self, disk: &impl Disk, header: &[u8], entries: &[u8]) -> Result<Write, Error> {
        let sector_size = self.sector_size();
        let entries_offset = self.primary_entries_at * sector_size;
        let changes = entries.iter().zip(&self.entries).rposition(|(new, old)| new != old).unwrap_or(0) as u64;
        // A damaged primary may differ anywhere.
        let end = if self.primary_is_whole { changes + 1 } else { entries.len() as u64 };
        let length = (entries_offset + end).max(sector_size * 2).next_multiple_of(BLOCK);
        let mut data = vec![0; length as usize];
        disk.read_at(&mut data, 0).map_err(|error| Error::Io { doing: "reading the medium's first blocks", error })?;
        resize_protective_partition(&mut data, self.geometry.sectors);
        put(&mut data, sector_size as usize, header);
        let there = data.len().saturating_sub(entries_offset as usize).min(entries.len());
        put(&mut data, entries_offset as usize, entries.get(..there).unwrap_or(&[]));
        Ok(Write { offset: 0, data })
    }
}

/// The boot sector's one partition of type 0xEE covers the whole medium, for tools that know nothing of GPT.
fn resize_protective_partition(boot_sector: &mut [u8], sectors: u64) {
    const ENTRIES: usize = 446;
    let size = u32::try_from(sectors - 1).unwrap_or(u32::MAX);
    let is_boot_sector = boot_sector.get(510..512) == Some(&[0x55, 0xaa]);
    let is_protective = boot_sector.get(ENTRIES + 4) == Some(&0xee) && u32_at(boot_sector, ENTRIES + 8) == 1;
    if is_boot_sector && is_protective {
        put(boot_sector, ENTRIES + 12, &size.to_le_bytes());
    }
}

impl Growth {
    /// Writes the backup, then the primary; the medium has each before the next is begun.
    pub fn write(&self, disk: &mut impl Disk) -> Result<(), Error> {
        for phase in &self.writes {
            for write in phase {
                disk.write_at(&write.data, write.offset)
                    .map_err(|error| Error::Io { doing: "writing the partition table", error })?;
            }
            disk.sync().map_err(|error| Error::Io { doing: "syncing the partition table", error })?;
        }
        Ok(())
    }

    /// Where the partition starts and how long it will be, in bytes.
    #[must_use]
    pub fn extent(&self) -> (u64, u64) {
        let sector_size = u64::from(self.geometry.sector_size);
        let Partition { first, last, .. } = self.partition;
        (first * sector_size, (last + 1).saturating_sub(first) * sector_size)
    }
}

#[cfg(test)]
mod tests;
