//! GUID partition tables: reading one, giving its last partition the rest of a larger medium, and writing that so that
//! a loss of power at any moment leaves a table that readers find.
//!
//! A table is kept twice: the primary at the medium's start, the backup at its end. [`Table::read`] takes the first
//! that is whole; [`Table::grow`] computes; [`Growth::write`] is the only thing here that changes a medium.

mod checksum;
mod grow;
mod table;

pub use grow::{Growth, MINIMUM_GAIN};
pub use table::{Error, Partition, Table};

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// A medium: bytes at offsets.
pub trait Disk {
    /// Fills the buffer from `offset`.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of the data at `offset`.
    fn write_at(&mut self, data: &[u8], offset: u64) -> io::Result<()>;
    /// Returns once everything that was written is on the medium.
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }

    fn write_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(data, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// Size of a medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Bytes of a logical sector, a power of two from 512 to 4096.
    pub sector_size: u32,
    /// How many of them there are.
    pub sectors: u64,
}
