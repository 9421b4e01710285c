//! What is done with resctrl: directories that the kernel fills when they are made, and files that take a line.

use alloc::ffi::CString;
use alloc::string::String;
use kernel::{CWD, Errno, fs};

/// Largest file that is read, in bytes.
const LIMIT: usize = 1 << 20;

/// A file system like resctrl.
pub(crate) trait Files {
    fn exists(&self, path: &str) -> bool;
    fn make(&self, path: &str) -> Result<(), Errno>;
    fn read(&self, path: &str) -> Result<String, Errno>;
    /// To a file that is there.
    fn write(&self, path: &str, text: &str) -> Result<(), Errno>;
    /// A directory, with what the kernel has in it.
    fn remove(&self, path: &str) -> Result<(), Errno>;
}

/// That of the machine.
#[derive(Debug)]
pub(crate) struct Resctrl;

fn c_path(path: &str) -> Result<CString, Errno> {
    CString::new(path).map_err(|_| Errno::EINVAL)
}

impl Files for Resctrl {
    fn exists(&self, path: &str) -> bool {
        c_path(path).is_ok_and(|path| fs::exists(CWD, &path))
    }

    fn make(&self, path: &str) -> Result<(), Errno> {
        fs::make_directory(CWD, &c_path(path)?, 0o755)
    }

    fn read(&self, path: &str) -> Result<String, Errno> {
        let content = fs::read_file(CWD, &c_path(path)?, LIMIT)?;
        Ok(String::from_utf8_lossy(&content).into_owned())
    }

    fn write(&self, path: &str, text: &str) -> Result<(), Errno> {
        fs::write_file(CWD, &c_path(path)?, text.as_bytes())
    }

    fn remove(&self, path: &str) -> Result<(), Errno> {
        fs::remove(CWD, &c_path(path)?, fs::AT_REMOVEDIR)
    }
}
