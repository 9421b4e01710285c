//! Giving the last partition the rest of the medium.
//!
//! The order of writing keeps one whole table at every moment. First the new backup goes to the medium's end, where no
//! partition is, and is synced; until then the primary, untouched, is what counts. Then the primary is replaced: with
//! 512-byte sectors its header and the first 24 entries share one 4 KiB block, which is one write. Should that one be
//! torn all the same, firmware and this crate find the new backup at the end (the kernel does with `gpt` on its command
//! line), and the next call mends the primary.
//!
//! Mending never touches the backup, which is all there is then, and writes only where the primary is known to be: on some
//! boards a boot loader lies where others have their entries.

use crate::checksum::crc32;
use crate::table::{check_header, put, u32_at, u64_at};
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
    /// Grows the partition called `name` to the end of the medium, or if the primary copy is damaged, mends that and
    /// leaves growing for the next time. `None`: there is no room, and nothing to mend.
    pub fn grow(&self, disk: &impl Disk, name: &str) -> Result<Option<Growth>, Error> {
        let partitions = self.partitions();
        let mut named = partitions.iter().filter(|partition| partition.name == name);
        let (Some(old), None) = (named.next(), named.next()) else {
            return Err(Error::Name(partitions.iter().filter(|partition| partition.name == name).count()));
        };
        if self.needs_repair() {
            return self.mend(disk, old.clone()).map(Some);
        }
        let backup_at = self.geometry.sectors - 1;
        let last_usable = backup_at.saturating_sub(self.entries_sectors() + 1);
        let alignment = (ALIGNMENT / self.sector_size()).max(1);
        let new_last = ((last_usable + 1) / alignment * alignment).saturating_sub(1);
        let gain = new_last.saturating_sub(old.last).saturating_mul(self.sector_size());
        if gain < MINIMUM_GAIN || old.first > old.last {
            return Ok(None);
        }
        if partitions.iter().any(|other| other.first > old.first || other.last > old.last) {
            return Err(Error::NotLast);
        }
        self.rewrite(disk, Partition { last: new_last, ..old.clone() }).map(Some)
    }

    /// Lays out both copies with `partition` in the place of its old entry.
    fn rewrite(&self, disk: &impl Disk, partition: Partition) -> Result<Growth, Error> {
        let sector_size = self.sector_size();
        let backup_at = self.geometry.sectors - 1;
        let backup_entries_at = backup_at - self.entries_sectors();
        let mut entries = self.entries.clone();
        put(&mut entries, partition.index * self.entry_size + 40, &partition.last.to_le_bytes());
        let mut grown = self.header.clone();
        put(&mut grown, 48, &(backup_entries_at - 1).to_le_bytes());
        put(&mut grown, 88, &crc32(&entries).to_le_bytes());
        let backup = vec![
            Write { offset: backup_entries_at * sector_size, data: entries.clone() },
            Write { offset: backup_at * sector_size, data: self.header_of(&grown, (backup_at, 1), backup_entries_at) },
        ];
        let entries_at = u64_at(&self.header, 72);
        let primary = self.primary(disk, &self.header_of(&grown, (1, backup_at), entries_at), entries_at, &entries)?;
        Ok(Growth { partition, geometry: self.geometry, writes: [backup, primary] })
    }

    /// Lays out the primary as the backup says.
    fn mend(&self, disk: &impl Disk, partition: Partition) -> Result<Growth, Error> {
        let entries_at = self.find_primary_entries(disk)?;
        let header = self.header_of(&self.header, (1, self.geometry.sectors - 1), entries_at);
        let primary = self.primary(disk, &header, entries_at, &self.entries)?;
        Ok(Growth { partition, geometry: self.geometry, writes: [Vec::new(), primary] })
    }

    /// A header's sector: `header` for the place `own`, with the other copy at `other`.
    fn header_of(&self, header: &[u8], (own, other): (u64, u64), entries_at: u64) -> Vec<u8> {
        let mut header = header.to_vec();
        put(&mut header, 24, &own.to_le_bytes());
        put(&mut header, 32, &other.to_le_bytes());
        put(&mut header, 72, &entries_at.to_le_bytes());
        put(&mut header, 16, &0_u32.to_le_bytes());
        let checksum = crc32(&header);
        put(&mut header, 16, &checksum.to_le_bytes());
        header.resize(self.sector_size() as usize, 0);
        header
    }

    /// Where the entries of a damaged primary are: its header says so if that is whole. Else they are right behind it, if
    /// what a torn write of the first block leaves alone is there.
    fn find_primary_entries(&self, disk: &impl Disk) -> Result<u64, Error> {
        let sector_size = self.sector_size();
        let read = |sector: u64, length: usize| {
            let mut bytes = vec![0; length];
            let io = |error| Error::Io { doing: "reading the primary partition table", error };
            disk.read_at(&mut bytes, sector * sector_size).map_err(io).map(|()| bytes)
        };
        // First usable sector, number and size of the entries must be those of the backup.
        if let Ok(header) = check_header(&read(1, sector_size as usize)?, self.geometry, 1)
            && [40..48, 80..88].into_iter().all(|field| header.get(field.clone()) == self.header.get(field))
        {
            return Ok(u64_at(&header, 72));
        }
        let there = read(2, self.entries.len())?;
        let torn = BLOCK.saturating_sub(2 * sector_size) as usize;
        let torn = if torn < there.len() { torn } else { 0 };
        let fits = 2 + self.entries_sectors() <= u64_at(&self.header, 40);
        if fits && there.get(torn..) == self.entries.get(torn..) { Ok(2) } else { Err(Error::Lost) }
    }

    /// The blocks of the primary copy that change. What else is in them (the boot sector) stays as it is on the medium,
    /// and blocks between header and entries are not touched.
    fn primary(&self, disk: &impl Disk, header: &[u8], entries_at: u64, entries: &[u8]) -> Result<Vec<Write>, Error> {
        let sector_size = self.sector_size();
        let entries_offset = entries_at * sector_size;
        let mut old = vec![0; (entries_offset + entries.len() as u64).next_multiple_of(BLOCK) as usize];
        disk.read_at(&mut old, 0).map_err(|error| Error::Io { doing: "reading the medium's first blocks", error })?;
        let mut new = old.clone();
        resize_protective_partition(&mut new, self.geometry.sectors);
        put(&mut new, sector_size as usize, header);
        put(&mut new, entries_offset as usize, entries);
        let blocks = new.chunks(BLOCK as usize).zip(old.chunks(BLOCK as usize)).zip((0..).step_by(BLOCK as usize));
        Ok(blocks
            .filter(|((new, old), _)| new != old)
            .map(|((new, _), offset)| Write { offset, data: new.to_vec() })
            .collect())
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
        // A table may say anything of a partition that is not grown.
        let sectors = last.saturating_add(1).saturating_sub(first);
        (first.saturating_mul(sector_size), sectors.saturating_mul(sector_size))
    }
}

#[cfg(test)]
mod tests;
