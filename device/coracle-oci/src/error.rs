//! What can go wrong. A message names the operation and the path, field or container that it is about.

use alloc::string::{String, ToString};
use core::fmt;
use kernel::Errno;

/// Why a command did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Error {
    /// The command line is wrong.
    Usage(String),
    /// A call to the kernel failed.
    System {
        /// `open /a/config.json`.
        operation: String,
        /// The kernel's reason.
        errno: Errno,
    },
    /// A document is wrong.
    Document {
        /// Its path.
        file: String,
        /// Field and reason.
        what: String,
    },
    /// There is no such container.
    NoContainer(String),
    /// There is one already.
    Exists(String),
    /// The container is in a state in which that cannot be done.
    State {
        /// The container.
        id: String,
        /// `running`.
        is: &'static str,
        /// `be started`.
        cannot: &'static str,
    },
    /// The program to run cannot be.
    Program {
        /// As runc says it, since upper layers look for these words.
        what: String,
        /// 126 or 127, as shells have them.
        code: i32,
    },
    /// A hook failed.
    Hook(String),
    /// Whatever the other process of the runtime said.
    Reported(String),
}

impl Error {
    /// A failed call.
    pub(crate) fn system(operation: impl Into<String>, errno: Errno) -> Self {
        Self::System { operation: operation.into(), errno }
    }

    /// A field that asks for what cannot be.
    pub(crate) fn config(what: impl fmt::Display) -> Self {
        Self::Document { file: "config.json".into(), what: what.to_string() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) | Self::Hook(what) | Self::Reported(what) | Self::Program { what, .. } => {
                f.write_str(what)
            }
            Self::System { operation, errno } => write!(f, "{operation}: {}", reason(*errno)),
            Self::Document { file, what } => write!(f, "{file}: {what}"),
            Self::NoContainer(id) => write!(f, "container {id} does not exist"),
            Self::Exists(id) => write!(f, "container with given ID already exists: {id}"),
            Self::State { id, is, cannot } => write!(f, "container {id} is {is}: it cannot {cannot}"),
        }
    }
}

impl core::error::Error for Error {}

/// The kernel's reason in lower case, as programs above this one expect it.
fn reason(errno: Errno) -> String {
    let text = errno.description().unwrap_or("unknown error");
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

/// Says what a call was about, when it fails.
pub(crate) trait About<T> {
    /// `operation` is only spelt out for an error.
    fn about<S: Into<String>>(self, operation: impl FnOnce() -> S) -> Result<T, Error>;
}

impl<T> About<T> for kernel::Result<T> {
    fn about<S: Into<String>>(self, operation: impl FnOnce() -> S) -> Result<T, Error> {
        self.map_err(|errno| Error::system(operation(), errno))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_what_they_are_about() {
        let error = kernel::Result::<()>::Err(Errno::ENOENT).about(|| "open /nowhere").unwrap_err();
        assert_eq!(error.to_string(), "open /nowhere: no such file or directory");
        assert_eq!(Error::NoContainer("a".into()).to_string(), "container a does not exist");
    }
}
