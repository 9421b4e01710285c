//! A slot's `manifest.json`: the parts of it that the device acts on, checked. Bytes come in, a [`Manifest`] goes out
//! whose every field is within its bounds; what only people and build machines read (layers, packages) is left alone.

use json::Value;
use std::fmt;

/// The largest manifest that is read, in bytes.
pub const MAX_SIZE: usize = 1 << 20;

/// The only format that this program knows.
const FORMAT: u64 = 1;

/// What a slot holds, and how its root is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Version of the slot; the name of its directory.
    pub version: String,
    /// `x86_64` or `arm64`.
    pub arch: String,
    /// Every file of the slot but the manifest.
    pub files: Vec<SlotFile>,
    /// How the root file system is verified.
    pub verity: Verity,
}

/// A file of the slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotFile {
    /// Name inside of the slot's directory; never leads out of it.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// Parameters of dm-verity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verity {
    /// Which of the slot's files it is about.
    pub file: String,
    /// Name of the hash, as the kernel knows it.
    pub algorithm: String,
    /// Hexadecimal; may be empty.
    pub salt: String,
    /// Bytes, a power of two from 512 to 65,536.
    pub data_block_size: u32,
    /// Bytes, a power of two from 512 to 65,536.
    pub hash_block_size: u32,
    /// Data blocks before the superblock.
    pub data_blocks: u64,
    /// Byte offset of the superblock; a multiple of both block sizes.
    pub hash_offset: u64,
    /// Hexadecimal.
    pub root_hash: String,
}

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// It is larger than [`MAX_SIZE`].
    TooLarge,
    /// It is not JSON.
    Json(json::Error),
    /// It is of a format that this program does not know.
    Format(Option<u64>),
    /// A field is missing, of the wrong type or out of its bounds.
    Field {
        /// Path of the field, `verity.salt`.
        field: &'static str,
        /// What it must be.
        must: &'static str,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "larger than {MAX_SIZE} bytes"),
            Self::Json(error) => write!(f, "not JSON: {error}"),
            Self::Format(Some(format)) => write!(f, "format {format} is not known, only {FORMAT}"),
            Self::Format(None) => write!(f, "has no format"),
            Self::Field { field, must } => write!(f, "{field} must be {must}"),
        }
    }
}

impl std::error::Error for Error {}

impl Manifest {
    /// Reads and checks a manifest.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        if text.len() > MAX_SIZE {
            return Err(Error::TooLarge);
        }
        let value = json::parse(text).map_err(Error::Json)?;
        let format = value.get("format").and_then(Value::as_whole);
        if format != Some(FORMAT) {
            return Err(Error::Format(format));
        }
        let files =
            value.get("files").and_then(Value::as_array).ok_or(Error::Field { field: "files", must: "a list" })?;
        let manifest = Self {
            version: checked(value.get("version"), "version", "a version", is_version)?,
            arch: checked(value.get("arch"), "arch", "a name", is_name)?,
            files: files.iter().map(slot_file).collect::<Result<_, _>>()?,
            verity: verity(value.get("verity").unwrap_or(&Value::Null))?,
        };
        if manifest.file(&manifest.verity.file).is_none() {
            return Err(Error::Field { field: "verity.file", must: "one of the files" });
        }
        Ok(manifest)
    }

    /// The entry of a file.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&SlotFile> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// Whether a text can be a slot's version: short, plain, and no path that leads elsewhere. Boot loaders keep their counters
/// behind a `+`, so it has none.
#[must_use]
pub fn is_version(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    (1..=128).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(plain)
}

fn slot_file(value: &Value) -> Result<SlotFile, Error> {
    Ok(SlotFile {
        path: checked(value.get("path"), "files[].path", "a path inside of the slot", is_inner_path)?,
        size: whole(value.get("size"), "files[].size")?,
        sha256: checked(value.get("sha256"), "files[].sha256", "64 hexadecimal digits", |text| {
            text.len() == 64 && is_hex(text)
        })?,
    })
}

fn verity(value: &Value) -> Result<Verity, Error> {
    let verity = Verity {
        file: checked(value.get("file"), "verity.file", "a path inside of the slot", is_inner_path)?,
        algorithm: checked(value.get("algorithm"), "verity.algorithm", "a name", is_name)?,
        // The kernel and the superblock take at most 256 bytes of salt.
        salt: checked(value.get("salt"), "verity.salt", "up to 512 hexadecimal digits", |text| {
            text.len() <= 512 && is_hex(text)
        })?,
        data_block_size: block_size(value.get("dataBlockSize"), "verity.dataBlockSize")?,
        hash_block_size: block_size(value.get("hashBlockSize"), "verity.hashBlockSize")?,
        data_blocks: whole(value.get("dataBlocks"), "verity.dataBlocks")?,
        hash_offset: whole(value.get("hashOffset"), "verity.hashOffset")?,
        root_hash: checked(value.get("rootHash"), "verity.rootHash", "hexadecimal digits", |text| {
            (2..=128).contains(&text.len()) && is_hex(text)
        })?,
    };
    let data = verity.data_blocks.checked_mul(verity.data_block_size.into());
    if verity.data_blocks == 0 || data.is_none_or(|data| data > verity.hash_offset) {
        return Err(Error::Field { field: "verity.dataBlocks", must: "more than 0 and end before hashOffset" });
    }
    let aligned = |size: u32| verity.hash_offset.is_multiple_of(size.into());
    if !aligned(verity.data_block_size) || !aligned(verity.hash_block_size) {
        return Err(Error::Field { field: "verity.hashOffset", must: "a multiple of the block sizes" });
    }
    Ok(verity)
}

fn checked(
    value: Option<&Value>,
    field: &'static str,
    must: &'static str,
    good: impl Fn(&str) -> bool,
) -> Result<String, Error> {
    let text = value.and_then(Value::as_str).filter(|text| good(text));
    text.map(str::to_owned).ok_or(Error::Field { field, must })
}

fn whole(value: Option<&Value>, field: &'static str) -> Result<u64, Error> {
    value.and_then(Value::as_whole).ok_or(Error::Field { field, must: "a whole number" })
}

fn block_size(value: Option<&Value>, field: &'static str) -> Result<u32, Error> {
    let size = value.and_then(Value::as_whole).and_then(|size| u32::try_from(size).ok());
    size.filter(|size| size.is_power_of_two() && (512..=65_536).contains(size))
        .ok_or(Error::Field { field, must: "a power of two from 512 to 65536" })
}

fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

fn is_inner_path(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
    text.len() <= 255 && text.split('/').all(part)
}

#[cfg(test)]
mod tests;
