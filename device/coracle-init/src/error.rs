//! What ends a boot: the operation that failed, on what, and why.

use std::fmt;

/// One line for the console.
#[derive(Debug)]
pub(crate) struct Error(String);

impl Error {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Adds the operation, with its path, to a bare error.
pub(crate) trait Doing<T> {
    /// `doing` is a phrase like `mounting /dev/vda1 at /run/coracle/boot`.
    fn doing<D: fmt::Display>(self, doing: impl FnOnce() -> D) -> Result<T, Error>;
}

impl<T, E: fmt::Display> Doing<T> for Result<T, E> {
    fn doing<D: fmt::Display>(self, doing: impl FnOnce() -> D) -> Result<T, Error> {
        self.map_err(|error| Error(format!("{}: {error}", doing())))
    }
}
