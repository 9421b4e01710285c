//! Structures of the kernel's interface, made of zeroes.

use core::mem::MaybeUninit;
use linux_raw_sys::general as raw;

/// A structure of integers, arrays of them, raw pointers, and functions that need not be there: no references.
///
/// # Safety
/// All zeroes have to be a value of the type.
pub(crate) unsafe trait Plain: Sized {}

macro_rules! plain {
    ($($kind:ty),* $(,)?) => {$(
        // SAFETY: bindings to a C structure of integers, arrays of them, raw pointers and optional functions, whose `None` is zero.
        unsafe impl Plain for $kind {}
    )*};
}
plain!(
    raw::stat,
    raw::statfs,
    raw::statx,
    raw::open_how,
    raw::mount_attr,
    raw::clone_args,
    raw::siginfo_t,
    raw::sigaction,
    raw::termios,
    raw::winsize,
    raw::rlimit64,
    raw::timespec,
    raw::rusage,
    u8,
    u32,
    i32,
    u64,
);

/// All zeroes.
pub(crate) fn zeroed<T: Plain>() -> T {
    // SAFETY: all zeroes are a value of a `Plain` type.
    unsafe { MaybeUninit::zeroed().assume_init() }
}
