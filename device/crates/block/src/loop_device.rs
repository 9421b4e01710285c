//! Loop devices: a file seen as a block device.

use linux::devices::{attach_loop_device, free_loop_device};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Another program may take the device that was just found free; nothing else runs this early, but a retry is cheap.
const TRIES: u32 = 8;

/// Makes a read-only block device of `file` and returns its node. It goes away with its last user: keep the device, which
/// is returned open, until something else holds it.
pub fn attach(file: &File, block_size: u32) -> io::Result<(PathBuf, File)> {
    let path = Path::new("/dev/loop-control");
    let control = File::options().read(true).write(true).open(path).map_err(|error| about(path, &error))?;
    let mut tries = TRIES;
    loop {
        let number = free_loop_device(&control).map_err(|error| about(path, &error))?;
        let node = PathBuf::from(format!("/dev/loop{number}"));
        let device = File::open(&node).map_err(|error| about(&node, &error))?;
        match attach_loop_device(&device, file, block_size) {
            Ok(()) => return Ok((node, device)),
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && tries > 0 => tries -= 1,
            Err(error) => return Err(about(&node, &error)),
        }
    }
}

/// Of several files that take part, the one that an error is about.
fn about(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_file_that_it_is_about() {
        let missing = File::open("/nowhere").unwrap_err();
        let error = about(Path::new("/dev/loop-control"), &missing);
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(error.to_string(), format!("/dev/loop-control: {missing}"));
    }
}
