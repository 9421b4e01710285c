//! The superblock that veritysetup writes before the hash tree (version 1).

use crate::Parameters;
use std::fmt;

/// How many bytes it has.
pub const SIZE: usize = 512;

/// Where a superblock and the parameters differ, or why there is no superblock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// The bytes are no verity superblock.
    NotASuperblock,
    /// A field says something else.
    Field {
        /// Name of the field.
        field: &'static str,
        /// What the superblock says.
        found: String,
        /// What the parameters say.
        wanted: String,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASuperblock => f.write_str("there is no verity superblock where the manifest says"),
            Self::Field { field, found, wanted } => {
                write!(f, "the verity superblock's {field} is {found}, the manifest's is {wanted}")
            }
        }
    }
}

impl std::error::Error for Mismatch {}

/// Compares a superblock with the parameters.
pub fn check(bytes: &[u8; SIZE], parameters: &Parameters<'_>) -> Result<(), Mismatch> {
    if bytes.get(..8) != Some(b"verity\0\0") || u32_at(bytes, 8) != 1 || u32_at(bytes, 12) != 1 {
        return Err(Mismatch::NotASuperblock);
    }
    let algorithm = bytes.get(32..64).unwrap_or(&[]);
    let algorithm = algorithm.split(|byte| *byte == 0).next().unwrap_or(&[]);
    let salt_size = usize::from(u32_at(bytes, 80) as u16);
    let salt = bytes.get(88..344).and_then(|salt| salt.get(..salt_size)).ok_or(Mismatch::NotASuperblock)?;
    let salt: String = salt.iter().map(|byte| format!("{byte:02x}")).collect();
    same("algorithm", String::from_utf8_lossy(algorithm).into_owned(), parameters.algorithm)?;
    same("data block size", u32_at(bytes, 64), parameters.data_block_size)?;
    same("hash block size", u32_at(bytes, 68), parameters.hash_block_size)?;
    same("number of data blocks", u64_at(bytes, 72), parameters.data_blocks)?;
    same("salt", salt, parameters.salt)
}

fn same<F: fmt::Display, W: fmt::Display>(field: &'static str, found: F, wanted: W) -> Result<(), Mismatch> {
    let (found, wanted) = (found.to_string(), wanted.to_string());
    if found == wanted { Ok(()) } else { Err(Mismatch::Field { field, found, wanted }) }
}

fn u32_at(bytes: &[u8; SIZE], offset: usize) -> u32 {
    bytes.get(offset..offset + 4).and_then(|field| field.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8; SIZE], offset: usize) -> u64 {
    bytes.get(offset..offset + 8).and_then(|field| field.try_into().ok()).map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn superblock() -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[..8].copy_from_slice(b"verity\0\0");
        bytes[8] = 1;
        bytes[12] = 1;
        bytes[32..38].copy_from_slice(b"sha256");
        bytes[64..68].copy_from_slice(&4096_u32.to_le_bytes());
        bytes[68..72].copy_from_slice(&4096_u32.to_le_bytes());
        bytes[72..80].copy_from_slice(&15199_u64.to_le_bytes());
        bytes[80] = 2;
        bytes[89] = 0xff;
        bytes
    }

    const PARAMETERS: Parameters<'_> = Parameters {
        algorithm: "sha256",
        salt: "00ff",
        root_hash: "abcd",
        data_block_size: 4096,
        hash_block_size: 4096,
        data_blocks: 15199,
        hash_offset: 62_259_200,
    };

    #[test]
    fn the_superblock_of_the_manifest_passes() {
        assert_eq!(check(&superblock(), &PARAMETERS), Ok(()));
    }

    #[test]
    fn every_field_counts() {
        for (byte, field) in [
            (33, "algorithm"),
            (65, "data block size"),
            (69, "hash block size"),
            (72, "number of data blocks"),
            (79, "number of data blocks"),
            (80, "salt"),
            (88, "salt"),
        ] {
            let mut bytes = superblock();
            bytes[byte] ^= 1;
            match check(&bytes, &PARAMETERS) {
                Err(Mismatch::Field { field: found, .. }) => assert_eq!(found, field),
                other => panic!("byte {byte}: {other:?}"),
            }
        }
    }

    #[test]
    fn garbage_is_no_superblock() {
        for bytes in [[0; SIZE], [0xff; SIZE]] {
            assert_eq!(check(&bytes, &PARAMETERS), Err(Mismatch::NotASuperblock));
        }
        let mut bytes = superblock();
        bytes[81] = 2;
        assert_eq!(check(&bytes, &PARAMETERS), Err(Mismatch::NotASuperblock));
    }
}
