//! Messages: errors go to standard error and to the log file that the caller named, warnings to the log file, or to
//! standard error when there is none. In the two formats of runc, which programs above read.

use alloc::format;
use alloc::string::String;
use core::fmt;
use kernel::{BorrowedFd, CWD, Fd, clock, fs};

/// Where messages go.
#[derive(Debug, Default)]
pub(crate) struct Log {
    file: Option<Fd>,
    json: bool,
}

impl Log {
    /// Opens the log file, which is appended to. Without one, messages go to standard error.
    pub(crate) fn open(path: Option<&core::ffi::CStr>, json: bool) -> kernel::Result<Self> {
        let flags = fs::O_WRONLY | fs::O_CREAT | fs::O_APPEND;
        let file = path.map(|path| fs::open(CWD, path, flags, 0o644)).transpose()?;
        Ok(Self { file, json })
    }

    /// What made the command fail.
    pub(crate) fn error(&self, message: impl fmt::Display) {
        self.write("error", &message);
        // A person, and conmon, read it here.
        if self.file.is_some() {
            fs::print_error(format_args!("{message}\n"));
        }
    }

    /// What was not done, though asked for.
    pub(crate) fn warning(&self, message: impl fmt::Display) {
        self.write("warning", &message);
    }

    fn write(&self, level: &'static str, message: &dyn fmt::Display) {
        let target = self.file.as_ref().map_or(BorrowedFd::standing(2), Fd::borrow);
        // One call, so that lines of several processes do not mix. There is nobody to tell that it failed.
        let _ = fs::write_all(target, self.line(level, message).as_bytes());
    }

    fn line(&self, level: &'static str, message: &dyn fmt::Display) -> String {
        if self.file.is_none() && !self.json {
            return format!("{message}\n");
        }
        let time = clock::stamp();
        let message = format!("{message}");
        if self.json {
            let line = json::object([("level", level.into()), ("msg", message.into()), ("time", time.into())]);
            return format!("{line}\n");
        }
        format!("time=\"{time}\" level={level} msg={}\n", json::Value::from(message))
    }
}
