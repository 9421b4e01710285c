//! The table as it stands on a medium: header and entries, checked before anything in them is believed.

use crate::checksum::crc32;
use crate::{Disk, Geometry};
use std::{fmt, io};

pub(crate) const HEADER_SIZE: usize = 92;
const SIGNATURE: &[u8; 8] = b"EFI PART";
/// The specification's minimum is 16 KiB of entries; nothing real has more than 64 times that.
const MAX_ENTRIES_SIZE: u64 = 1 << 20;

/// Why a medium has no table that can be used.
#[derive(Debug)]
pub enum Error {
    /// The medium could not be read or written.
    Io {
        /// What was being done: `reading the primary partition table`.
        doing: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// The medium's sectors are of a size that no table can be on, or there are too few.
    Geometry,
    /// Neither copy is whole; what is wrong with the primary, and with the backup.
    Broken(&'static str, &'static str),
    /// The table has no partition of that name, or more than one.
    Name(usize),
    /// The partition cannot grow: another one lies behind it.
    NotLast,
    /// The primary copy is damaged, and nothing says for sure where it was.
    Lost,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, error } => write!(f, "{doing}: {error}"),
            Self::Geometry => f.write_str("the medium's size is not one for a partition table"),
            Self::Broken(primary, backup) => {
                write!(f, "no whole partition table: primary: {primary}; backup: {backup}")
            }
            Self::Name(0) => f.write_str("the partition table does not name the partition"),
            Self::Name(count) => write!(f, "{count} partitions have the same name"),
            Self::NotLast => f.write_str("another partition lies behind it"),
            Self::Lost => f.write_str("the primary copy is damaged, and where it was there may be something else"),
        }
    }
}

impl std::error::Error for Error {}

/// One partition. Sectors count from the medium's start; both ends are included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Index of its entry, from 0; the kernel's number is one more.
    pub index: usize,
    /// First sector.
    pub first: u64,
    /// Last sector.
    pub last: u64,
    /// Its GPT name.
    pub name: String,
}

/// A whole table: the header's fields that are kept, and the entries as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub(crate) geometry: Geometry,
    /// The header's bytes, with the fields that differ between the copies as they were read.
    pub(crate) header: Vec<u8>,
    pub(crate) entries: Vec<u8>,
    pub(crate) entry_size: usize,
    /// Whether the primary copy was whole. If not, this is the backup.
    pub(crate) primary_is_whole: bool,
}

impl Table {
    /// Reads the primary copy, or if that is broken the backup in the medium's last sector.
    pub fn read(disk: &impl Disk, geometry: Geometry) -> Result<Self, Error> {
        let size_is_good = geometry.sector_size.is_power_of_two() && (512..=4096).contains(&geometry.sector_size);
        // Two headers, a boot sector, two arrays of entries: nothing smaller is read, nothing larger overflows.
        if !size_is_good || geometry.sectors < 8 || geometry.sectors > u64::MAX / 4096 {
            return Err(Error::Geometry);
        }
        let primary = match read_copy(disk, geometry, 1)? {
            Ok(table) => return Ok(table),
            Err(reason) => reason,
        };
        match read_copy(disk, geometry, geometry.sectors - 1)? {
            Ok(table) => Ok(table),
            Err(backup) => Err(Error::Broken(primary, backup)),
        }
    }

    /// Whether the primary copy is damaged, and this is the backup.
    #[must_use]
    pub fn needs_repair(&self) -> bool {
        !self.primary_is_whole
    }

    /// All partitions, in the order of their entries.
    #[must_use]
    pub fn partitions(&self) -> Vec<Partition> {
        let entries = self.entries.chunks_exact(self.entry_size).enumerate();
        entries
            .filter(|(_, entry)| entry.iter().take(16).any(|byte| *byte != 0))
            .map(|(index, entry)| Partition {
                index,
                first: u64_at(entry, 32),
                last: u64_at(entry, 40),
                name: name(entry.get(56..128).unwrap_or(&[])),
            })
            .collect()
    }

    pub(crate) fn sector_size(&self) -> u64 {
        self.geometry.sector_size.into()
    }

    /// Sectors that an array of entries takes.
    pub(crate) fn entries_sectors(&self) -> u64 {
        (self.entries.len() as u64).div_ceil(self.sector_size())
    }
}

/// The outer result is about the medium, the inner about the copy: a broken one is no reason to give up.
fn read_copy(disk: &impl Disk, geometry: Geometry, at: u64) -> Result<Result<Table, &'static str>, Error> {
    let sector_size = u64::from(geometry.sector_size);
    let mut sector = vec![0; geometry.sector_size as usize];
    let io = |error| Error::Io { doing: "reading the partition table", error };
    disk.read_at(&mut sector, at * sector_size).map_err(io)?;
    let header = match check_header(&sector, geometry, at) {
        Ok(header) => header,
        Err(reason) => return Ok(Err(reason)),
    };
    let entry_size = u32_at(&header, 84) as usize;
    let mut entries = vec![0; u32_at(&header, 80) as usize * entry_size];
    let entries_at = u64_at(&header, 72);
    disk.read_at(&mut entries, entries_at * sector_size).map_err(io)?;
    if crc32(&entries) != u32_at(&header, 88) {
        return Ok(Err("the entries' checksum is wrong"));
    }
    Ok(Ok(Table { geometry, entries, entry_size, primary_is_whole: at == 1, header }))
}

pub(crate) fn check_header(sector: &[u8], geometry: Geometry, at: u64) -> Result<Vec<u8>, &'static str> {
    if sector.get(..8) != Some(SIGNATURE) {
        return Err("no signature");
    }
    let size = u32_at(sector, 12) as usize;
    if size < HEADER_SIZE {
        return Err("the header's size is wrong");
    }
    let mut header = sector.get(..size).ok_or("the header's size is wrong")?.to_vec();
    let checksum = u32_at(&header, 16);
    put(&mut header, 16, &0_u32.to_le_bytes());
    if crc32(&header) != checksum {
        return Err("the header's checksum is wrong");
    }
    if u64_at(&header, 24) != at {
        return Err("the header belongs elsewhere");
    }
    let (first_usable, last_usable) = (u64_at(&header, 40), u64_at(&header, 48));
    if first_usable > last_usable || last_usable >= geometry.sectors {
        return Err("the usable sectors are not on the medium");
    }
    let (count, entry_size) = (u64::from(u32_at(&header, 80)), u64::from(u32_at(&header, 84)));
    if entry_size < 128 || !entry_size.is_multiple_of(8) || count == 0 {
        return Err("the entries' size is wrong");
    }
    let sectors = (count * entry_size).div_ceil(geometry.sector_size.into());
    let end = u64_at(&header, 72).checked_add(sectors);
    if count * entry_size > MAX_ENTRIES_SIZE || end.is_none_or(|end| end > geometry.sectors) {
        return Err("the entries are not on the medium");
    }
    // The primary's entries come behind the header; boards with a boot loader there have them a little later.
    if at == 1 && (end.is_none_or(|end| end > first_usable) || !(2..=2048).contains(&u64_at(&header, 72))) {
        return Err("the entries are not before the partitions");
    }
    Ok(header)
}

/// A name is UTF-16, ended by a zero or the field's end.
fn name(field: &[u8]) -> String {
    let units = field.chunks_exact(2).map(|pair| pair.iter().rev().fold(0, |unit, byte| unit << 8 | u16::from(*byte)));
    let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    String::from_utf16_lossy(&units)
}

/// Little-endian numbers; what lies outside of the slice reads as zero (lengths are checked before).
pub(crate) fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    bytes.get(offset..offset + 8).and_then(|field| field.try_into().ok()).map_or(0, u64::from_le_bytes)
}

pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    bytes.get(offset..offset + 4).and_then(|field| field.try_into().ok()).map_or(0, u32::from_le_bytes)
}

pub(crate) fn put(bytes: &mut [u8], offset: usize, value: &[u8]) {
    if let Some(field) = bytes.get_mut(offset..offset + value.len()) {
        field.copy_from_slice(value);
    }
}
