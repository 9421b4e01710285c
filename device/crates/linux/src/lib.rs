//! The system calls that the device's programs need and std does not offer, behind safe functions.
//!
//! All `unsafe` code of the workspace is in `sys`; the other modules give its calls types and names. Errors are plain
//! `io::Error`s: the caller knows the operation and the path, and adds them.

pub mod devices;
pub mod mount;
pub mod process;
pub mod socket;
mod sys;
pub mod system;
