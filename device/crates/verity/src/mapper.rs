//! The kernel's verity device, by device mapper messages.

use crate::Parameters;
use linux::about;
use linux::devices::{DM_HEADER, MapperCommand, device_mapper};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// What the kernel does when a block does not match its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCorruption {
    /// The read fails (EIO).
    Fail,
    /// The machine restarts, so that the boot loader's try counter sees it.
    Restart,
}

/// A mapped device, by its name. It stays when this value is dropped.
#[derive(Debug)]
pub struct Mapped {
    control: File,
    name: &'static str,
    minor: u64,
    /// The block device under it, for tables.
    data_device: PathBuf,
}

const READ_ONLY: u32 = 1;
const SECTOR: u64 = 512;

impl Mapped {
    /// Opens `data_device` as a verity device. Reads nothing of it yet.
    pub fn open(
        name: &'static str,
        data_device: &Path,
        parameters: &Parameters<'_>,
        on_corruption: OnCorruption,
    ) -> io::Result<Self> {
        const CONTROL: &str = "/dev/mapper/control";
        let control = File::options().read(true).write(true).open(CONTROL).map_err(|error| about(CONTROL, &error))?;
        let mut create = Message::new(name, 0);
        device_mapper(&control, MapperCommand::Create, create.words())
            .map_err(|error| about("making the device", &error))?;
        let mapped = Self { control, name, minor: create.minor(), data_device: data_device.to_owned() };
        if let Err(error) = mapped.replace_table(parameters, on_corruption) {
            // What failed is worth telling, not that the empty device could not be removed.
            let _ = mapped.command(MapperCommand::Remove, 0);
            return Err(error);
        }
        Ok(mapped)
    }

    /// The device's node.
    #[must_use]
    pub fn node(&self) -> PathBuf {
        PathBuf::from(format!("/dev/dm-{}", self.minor))
    }

    /// Gives the device new parameters, also while it is in use.
    pub fn replace_table(&self, parameters: &Parameters<'_>, on_corruption: OnCorruption) -> io::Result<()> {
        let length = parameters
            .data_blocks
            .checked_mul(u64::from(parameters.data_block_size) / SECTOR)
            .ok_or(io::ErrorKind::InvalidInput)?;
        let table = table(&self.data_device, parameters, on_corruption);
        let mut load = Message::new(self.name, READ_ONLY);
        load.add_target(length, "verity", &table);
        device_mapper(&self.control, MapperCommand::LoadTable, load.words())
            .map_err(|error| about("loading its table", &error))?;
        // Resumed without the suspend flag: the new table takes the old one's place.
        self.command(MapperCommand::Suspend, READ_ONLY).map_err(|error| about("taking its table into use", &error))
    }

    fn command(&self, command: MapperCommand, flags: u32) -> io::Result<()> {
        device_mapper(&self.control, command, Message::new(self.name, flags).words())
    }
}

/// The target's parameters as the kernel's documentation of verity orders them.
fn table(device: &Path, parameters: &Parameters<'_>, on_corruption: OnCorruption) -> String {
    let Parameters { algorithm, root_hash, data_block_size, hash_block_size, data_blocks, .. } = parameters;
    let device = device.display();
    let salt = if parameters.salt.is_empty() { "-" } else { parameters.salt };
    let tree = parameters.hash_offset / u64::from(*hash_block_size) + 1;
    let options = match on_corruption {
        OnCorruption::Fail => "",
        OnCorruption::Restart => " 1 restart_on_corruption",
    };
    format!(
        "1 {device} {device} {data_block_size} {hash_block_size} {data_blocks} {tree} {algorithm} {root_hash} {salt}{options}"
    )
}

/// A device mapper message: `struct dm_ioctl`, then at most one `struct dm_target_spec` with its parameters.
struct Message(Vec<u64>);

impl Message {
    fn new(name: &str, flags: u32) -> Self {
        let mut message = Self(vec![0; DM_HEADER / 8]);
        message.put(0, &[4, 0, 0, 0]);
        message.put(16, &(DM_HEADER as u32).to_le_bytes());
        message.put(28, &flags.to_le_bytes());
        // The field has 128 bytes, ended by a zero.
        message.put(48, name.as_bytes().get(..127).unwrap_or(name.as_bytes()));
        message
    }

    fn words(&mut self) -> &mut [u64] {
        &mut self.0
    }

    /// The lower byte of the device number and its upper bits, as the kernel packs them.
    fn minor(&self) -> u64 {
        let device = self.0.get(5).copied().unwrap_or(0);
        (device & 0xff) | (device >> 12 & 0xf_ff00)
    }

    fn add_target(&mut self, sectors: u64, kind: &str, parameters: &str) {
        const SPEC: usize = 40;
        self.0.resize((DM_HEADER + SPEC + parameters.len() + 1).div_ceil(8), 0);
        self.put(20, &1_u32.to_le_bytes());
        self.put(DM_HEADER + 8, &sectors.to_le_bytes());
        self.put(DM_HEADER + 24, kind.as_bytes());
        self.put(DM_HEADER + SPEC, parameters.as_bytes());
    }

    /// Bytes into words; both architectures are little-endian.
    fn put(&mut self, offset: usize, bytes: &[u8]) {
        for (index, byte) in bytes.iter().enumerate() {
            let at = offset + index;
            if let Some(word) = self.0.get_mut(at / 8) {
                *word |= u64::from(*byte) << (8 * (at % 8));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: Parameters<'_> = Parameters {
        algorithm: "sha256",
        salt: "00ff",
        root_hash: "abcd",
        data_block_size: 4096,
        hash_block_size: 4096,
        data_blocks: 100,
        hash_offset: 409_600,
    };

    #[test]
    fn the_table_is_what_the_kernel_reads() {
        let device = Path::new("/dev/loop0");
        assert_eq!(
            table(device, &PARAMETERS, OnCorruption::Restart),
            "1 /dev/loop0 /dev/loop0 4096 4096 100 101 sha256 abcd 00ff 1 restart_on_corruption"
        );
        assert_eq!(
            table(device, &Parameters { salt: "", ..PARAMETERS }, OnCorruption::Fail),
            "1 /dev/loop0 /dev/loop0 4096 4096 100 101 sha256 abcd -"
        );
    }

    #[test]
    fn an_error_names_its_step() {
        let refused = io::Error::from_raw_os_error(22);
        assert_eq!(about("loading its table", &refused).to_string(), format!("loading its table: {refused}"));
        let control = File::open("/dev/null").unwrap();
        let mapped = Mapped { control, name: "test", minor: 0, data_device: "/dev/loop0".into() };
        let error = mapped.replace_table(&PARAMETERS, OnCorruption::Fail).unwrap_err();
        assert!(error.to_string().starts_with("loading its table: "), "{error}");
    }

    #[test]
    fn messages_have_the_kernels_layout() {
        let mut message = Message::new("root", READ_ONLY);
        message.add_target(800, "verity", "1 a b");
        let bytes: Vec<u8> = message.0.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(bytes.len(), 360);
        assert_eq!(bytes[0], 4);
        assert_eq!(bytes[16..20], 312_u32.to_le_bytes());
        assert_eq!(bytes[20], 1);
        assert_eq!(bytes[28], 1);
        assert_eq!(&bytes[48..53], b"root\0");
        assert_eq!(bytes[320..328], 800_u64.to_le_bytes());
        assert_eq!(&bytes[336..343], b"verity\0");
        assert_eq!(&bytes[352..358], b"1 a b\0");
    }

    #[test]
    fn the_minor_number_is_unpacked() {
        let mut message = Message::new("root", 0);
        message.0[5] = 0xfd00 | 7;
        assert_eq!(message.minor(), 7);
        message.0[5] = 0x1_0000_0000_u64 >> 12 | 0xfd00 | 0x12;
        assert_eq!(message.minor(), 0x12 | (message.0[5] >> 12 & 0xf_ff00));
    }
}
