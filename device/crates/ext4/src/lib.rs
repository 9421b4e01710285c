//! The superblock of ext4: whether the file system must be checked before it is mounted, and how large it is. 1,024
//! bytes come in, a [`Superblock`] goes out.
//!
//! `e2fsck -p` reads nothing but this block of a file system that it finds clean; looking here first saves starting it
//! on every ordinary boot, and changes nothing else.

mod checksum;

use checksum::crc32c;

/// Where the superblock lies in its partition.
pub const OFFSET: u64 = 1024;
/// How long it is.
pub const SIZE: usize = 1024;

/// What the device needs to know about an ext4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Superblock {
    /// Bytes of a block.
    pub block_size: u64,
    /// Blocks of the file system.
    pub blocks: u64,
    /// Why it must be checked before it is mounted; `None`: it is clean.
    pub check: Option<Check>,
}

/// Why a file system must be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// It was in use when the power went; its journal is to be replayed.
    Journal,
    /// It was not cleanly unmounted, and has no journal to say what is missing.
    NotUnmounted,
    /// The kernel found errors in it.
    Errors,
    /// It asks for a check every so many mounts.
    MountCount,
}

impl Superblock {
    /// Reads a superblock; the error says why it is none.
    pub fn parse(bytes: &[u8; SIZE]) -> Result<Self, &'static str> {
        const RECOVER: u32 = 0x4;
        const WIDE: u32 = 0x80;
        const CHECKSUM: u32 = 0x400;
        if u16_at(bytes, 0x38) != 0xef53 {
            return Err("no ext4 superblock");
        }
        let (incompatible, compatible_to_read) = (u32_at(bytes, 0x60), u32_at(bytes, 0x64));
        let covered = bytes.get(..0x3fc).unwrap_or(&[]);
        if compatible_to_read & CHECKSUM != 0 && crc32c(covered) != u32_at(bytes, 0x3fc) {
            return Err("the superblock's checksum is wrong");
        }
        let log_block_size = u32_at(bytes, 0x18);
        if log_block_size > 6 {
            return Err("the superblock's block size is wrong");
        }
        let high = if incompatible & WIDE != 0 { u64::from(u32_at(bytes, 0x150)) } else { 0 };
        let block_size = 1024 << log_block_size;
        let blocks = high << 32 | u64::from(u32_at(bytes, 0x4));
        if blocks == 0 || blocks.checked_mul(block_size).is_none() {
            return Err("the superblock's size is wrong");
        }
        let check = check(bytes, incompatible & RECOVER != 0);
        Ok(Self { block_size, blocks, check })
    }

    /// How many blocks it could have in a partition of so many bytes, if those are more than it has.
    #[must_use]
    pub fn room_to_grow(&self, partition: u64) -> Option<u64> {
        let blocks = partition / self.block_size;
        (blocks > self.blocks).then_some(blocks)
    }
}

fn check(bytes: &[u8; SIZE], needs_recovery: bool) -> Option<Check> {
    const CLEAN: u16 = 1;
    const ERRORS: u16 = 2;
    let state = u16_at(bytes, 0x3a);
    let (mounts, max_mounts) = (u16_at(bytes, 0x34).cast_signed(), u16_at(bytes, 0x36).cast_signed());
    if state & ERRORS != 0 {
        Some(Check::Errors)
    } else if needs_recovery {
        Some(Check::Journal)
    } else if state & CLEAN == 0 {
        Some(Check::NotUnmounted)
    } else if max_mounts > 0 && mounts >= max_mounts {
        // Intervals in days are not looked at: a device may have no clock at this point of its boot.
        Some(Check::MountCount)
    } else {
        None
    }
}

fn u16_at(bytes: &[u8; SIZE], offset: usize) -> u16 {
    bytes.get(offset..offset + 2).and_then(|field| field.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8; SIZE], offset: usize) -> u32 {
    bytes.get(offset..offset + 4).and_then(|field| field.try_into().ok()).map_or(0, u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn superblock(change: impl Fn(&mut [u8; SIZE])) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[0x4..0x8].copy_from_slice(&16384_u32.to_le_bytes());
        bytes[0x18] = 2;
        bytes[0x36..0x38].copy_from_slice(&(-1_i16).to_le_bytes());
        bytes[0x38..0x3a].copy_from_slice(&[0x53, 0xef]);
        bytes[0x3a] = 1;
        bytes[0x60] = 0x80;
        bytes[0x65] = 0x4;
        change(&mut bytes);
        let checksum = crc32c(&bytes[..0x3fc]);
        bytes[0x3fc..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn check_of(change: impl Fn(&mut [u8; SIZE])) -> Option<Check> {
        Superblock::parse(&superblock(change)).unwrap().check
    }

    #[test]
    fn a_clean_one_says_its_size() {
        let parsed = Superblock::parse(&superblock(|_| {})).unwrap();
        assert_eq!(parsed, Superblock { block_size: 4096, blocks: 16384, check: None });
        assert_eq!(parsed.room_to_grow(64 << 20), None);
        assert_eq!(parsed.room_to_grow((64 << 20) + 4095), None);
        assert_eq!(parsed.room_to_grow(1 << 30), Some(262_144));
    }

    #[test]
    fn each_reason_for_a_check_is_seen() {
        assert_eq!(check_of(|bytes| bytes[0x60] |= 4), Some(Check::Journal));
        assert_eq!(check_of(|bytes| bytes[0x3a] = 0), Some(Check::NotUnmounted));
        assert_eq!(check_of(|bytes| bytes[0x3a] = 3), Some(Check::Errors));
        assert_eq!(check_of(|bytes| bytes[0x34..0x38].copy_from_slice(&[9, 0, 9, 0])), Some(Check::MountCount));
        assert_eq!(check_of(|bytes| bytes[0x34..0x38].copy_from_slice(&[8, 0, 9, 0])), None);
    }

    #[test]
    fn garbage_is_refused() {
        assert!(Superblock::parse(&[0; SIZE]).is_err());
        assert!(Superblock::parse(&[0xff; SIZE]).is_err());
        let good = superblock(|_| {});
        for byte in 0..SIZE {
            let mut bytes = good;
            bytes[byte] ^= 0x10;
            assert!(Superblock::parse(&bytes).is_err(), "byte {byte}");
        }
    }
}
