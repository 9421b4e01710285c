//! Login keys that a virtual machine's firmware configuration brings along.

use crate::console::say;
use crate::error::{Doing, Error};
use crate::slot::read_bounded;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

const ITEM: &str = "/sys/firmware/qemu_fw_cfg/by_name/opt/coracle/authorized_keys/raw";
const TARGET: &str = "/run/coracle/authorized_keys";
/// Hundreds of keys.
const LIMIT: usize = 64 << 10;

/// Copies them to where sshd looks; does nothing on machines without.
pub(crate) fn take_from_firmware() {
    if let Err(error) = take() {
        say!("{error}");
    }
}

fn take() -> Result<(), Error> {
    let keys = match read_bounded(Path::new(ITEM), LIMIT + 1) {
        Ok(keys) => keys,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).doing(|| format!("reading {ITEM}")),
    };
    // A list cut in the middle of a key would be worse than none.
    if keys.len() > LIMIT {
        return Err(Error::new(format!("reading {ITEM}: more than {LIMIT} bytes")));
    }
    fs::write(TARGET, keys).doing(|| format!("writing {TARGET}"))
}
