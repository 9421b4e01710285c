//! dm-verity: a read-only block device whose every block is checked against a tree of hashes, whose root is known.
//!
//! [`Parameters`] say how; [`superblock`] compares them with what the file itself says, which gives a better message
//! than the kernel's when the two do not belong together; [`Mapped`] is the kernel's device.

mod mapper;
pub mod superblock;

pub use mapper::{Mapped, OnCorruption};

/// How a file is verified. Texts are as the kernel takes them: names, and lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters<'a> {
    /// Name of the hash.
    pub algorithm: &'a str,
    /// Hexadecimal; may be empty.
    pub salt: &'a str,
    /// Hexadecimal.
    pub root_hash: &'a str,
    /// Bytes.
    pub data_block_size: u32,
    /// Bytes.
    pub hash_block_size: u32,
    /// How many data blocks there are.
    pub data_blocks: u64,
    /// Where the superblock lies, in bytes; the tree begins in the next hash block.
    pub hash_offset: u64,
}
