//! Loop devices: a file seen as a block device.

use linux::about;
use linux::devices::{attach_loop_device, free_loop_device};
use std::fs::File;
use std::io;
use std::path::PathBuf;

/// Another program may take the device that was just found free; nothing else runs this early, but a retry is cheap.
const TRIES: u32 = 8;

/// Makes a read-only block device of `file` and returns its node. It goes away with its last user: keep the device, which
/// is returned open, until something else holds it.
pub fn attach(file: &File, block_size: u32) -> io::Result<(PathBuf, File)> {
    const CONTROL: &str = "/dev/loop-control";
    let control = File::options().read(true).write(true).open(CONTROL).map_err(|error| about(CONTROL, &error))?;
    let mut tries = TRIES;
    loop {
        let number = free_loop_device(&control).map_err(|error| about(CONTROL, &error))?;
        let node = PathBuf::from(format!("/dev/loop{number}"));
        let device = File::open(&node).map_err(|error| about(node.display(), &error))?;
        match attach_loop_device(&device, file, block_size) {
            Ok(()) => return Ok((node, device)),
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && tries > 0 => tries -= 1,
            Err(error) => return Err(about(node.display(), &error)),
        }
    }
}
