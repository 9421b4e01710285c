//! Waiting for several descriptors at once.

use crate::sys::{In, InOut, sys};
use crate::{BorrowedFd, Errno, Result};
use alloc::vec::Vec;
use linux_raw_sys::general as raw;

/// `struct pollfd`.
#[repr(C)]
struct Entry {
    fd: i32,
    events: i16,
    happened: i16,
}

/// Something can be read, or there is an end or an error to be read.
pub const READABLE: i16 = 1;

/// Nothing but the end of the other side, which is always told.
pub const HANGUP: i16 = 0;

/// Waits until one of the descriptors is ready for what is asked (or for `milliseconds`), and says which are. A signal
/// ends the wait with nothing.
pub fn poll(wanted: &[(BorrowedFd<'_>, i16)], milliseconds: Option<u64>) -> Result<Vec<bool>> {
    let mut list: Vec<Entry> =
        wanted.iter().map(|(fd, events)| Entry { fd: fd.raw(), events: *events, happened: 0 }).collect();
    let limit = milliseconds
        .map(|limit| raw::timespec { tv_sec: (limit / 1000) as i64, tv_nsec: (limit % 1000 * 1_000_000) as i64 });
    let count = list.len();
    let result = match &limit {
        Some(limit) => sys!(ppoll, InOut(list.as_mut_slice()), count, In(limit), 0usize, 8usize),
        None => sys!(ppoll, InOut(list.as_mut_slice()), count, 0usize, 0usize, 8usize),
    };
    match result {
        Ok(_) | Err(Errno::EINTR) => Ok(list.iter().map(|entry| entry.happened != 0).collect()),
        Err(error) => Err(error),
    }
}
