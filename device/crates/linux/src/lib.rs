//! The system calls that the device's programs need and std does not offer, behind safe functions.
//!
//! All `unsafe` code of the workspace is in `sys`; the other modules give its calls types and names. Errors are plain
//! `io::Error`s: the caller knows the operation and the path, and adds them ([`about`]).

pub mod devices;
pub mod mount;
pub mod namespace;
pub mod node;
pub mod process;
pub mod seccomp;
pub mod socket;
mod sys;
pub mod system;

use std::fmt;
use std::io;

/// The error with what it is about in front, a path or a step: the kernel has the same few codes for whatever is wrong with
/// any of them.
pub fn about(what: impl fmt::Display, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_file_that_it_is_about() {
        let missing = std::fs::File::open("/nowhere").unwrap_err();
        let error = about("/dev/loop-control", &missing);
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(error.to_string(), format!("/dev/loop-control: {missing}"));
    }
}
