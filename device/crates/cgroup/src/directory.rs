//! A group's directory: reading and writing its files, by descriptor where there is one.

use crate::path::c_path;
use crate::{Action, Error, Result};
use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;
use kernel::{CWD, Errno, Fd, fs};

/// No file of a group is larger, but for lists of processes.
const VALUE: usize = 4096;
/// A list of processes, or statistics.
const LIMIT: usize = 16 << 20;

/// A directory by its path, and once it is worth it, by descriptor.
#[derive(Debug)]
pub(crate) struct Directory<'a> {
    pub(crate) path: &'a str,
    fd: Option<Fd>,
}

impl<'a> Directory<'a> {
    /// Nothing is opened: a single file costs less this way.
    pub(crate) const fn at(path: &'a str) -> Self {
        Self { path, fd: None }
    }

    /// Opened, for several files and for calls that take a descriptor.
    pub(crate) fn open(path: &'a str) -> Result<Self> {
        let open = || fs::open(CWD, &c_path(path)?, fs::O_PATH | fs::O_DIRECTORY | fs::O_NOFOLLOW, 0);
        let fd = open().map_err(|errno| Error::file(path, "", Action::Open, errno))?;
        Ok(Self { path, fd: Some(fd) })
    }

    pub(crate) const fn fd(&self) -> Option<&Fd> {
        self.fd.as_ref()
    }

    pub(crate) fn into_fd(self) -> Option<Fd> {
        self.fd
    }

    /// Opens a file of the group.
    pub(crate) fn open_file(&self, name: &str, flags: u32) -> core::result::Result<Fd, Errno> {
        match &self.fd {
            Some(directory) => fs::open(directory.borrow(), &c_path(name)?, flags, 0),
            None => fs::open(CWD, &self.file_path(name)?, flags, 0),
        }
    }

    pub(crate) fn file_path(&self, name: &str) -> core::result::Result<CString, Errno> {
        c_path(&alloc::format!("{}/{name}", self.path))
    }

    /// Writes a value in one call.
    pub(crate) fn write(&self, name: &str, value: &str) -> core::result::Result<(), Errno> {
        let file = self.open_file(name, fs::O_WRONLY)?;
        fs::write(file.borrow(), value.as_bytes()).map(drop)
    }

    pub(crate) fn set(&self, name: &str, value: &str) -> Result<()> {
        self.write(name, value).map_err(|errno| Error::file(self.path, name, Action::Write(value.into()), errno))
    }

    /// Reads a value, which the kernel gives in one call.
    pub(crate) fn value(&self, name: &str) -> core::result::Result<String, Errno> {
        let file = self.open_file(name, fs::O_RDONLY)?;
        let mut content = alloc::vec![0; VALUE];
        let length = fs::read(file.borrow(), &mut content)?;
        content.truncate(length);
        text(content)
    }

    /// A number; `max` is the largest there is.
    pub(crate) fn number(&self, name: &str) -> core::result::Result<u64, Errno> {
        parse_number(&self.value(name)?)
    }

    /// Reads a file of any length.
    pub(crate) fn text(&self, name: &str) -> core::result::Result<String, Errno> {
        let file = self.open_file(name, fs::O_RDONLY)?;
        let mut content = Vec::new();
        let mut block = alloc::vec![0; VALUE];
        loop {
            let length = fs::read(file.borrow(), &mut block)?;
            content.extend_from_slice(block.get(..length).unwrap_or_default());
            if length == 0 {
                return text(content);
            }
            if content.len() > LIMIT {
                return Err(Errno::EFBIG);
            }
        }
    }

    pub(crate) fn reading(&self, name: &str) -> impl Fn(Errno) -> Error {
        move |errno| Error::file(self.path, name, Action::Read, errno)
    }
}

fn text(content: Vec<u8>) -> core::result::Result<String, Errno> {
    String::from_utf8(content).map_err(|_| Errno::EILSEQ)
}

/// A number of a group's file; `max`, and −1 in version 1, are the largest there is.
pub(crate) fn parse_number(text: &str) -> core::result::Result<u64, Errno> {
    match text.trim() {
        "max" | "-1" => Ok(u64::MAX),
        digits => digits.parse().map_err(|_| Errno::EINVAL),
    }
}
