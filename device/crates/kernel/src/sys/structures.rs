//! Structures of the kernel's interface: made of zeroes, and looked at as bytes.

use core::mem::MaybeUninit;
use linux_raw_sys::general as raw;

/// A structure of integers and arrays of them, which may be all zeroes and has no references.
///
/// # Safety
/// Every bit pattern has to be a value of the type.
pub(crate) unsafe trait Plain: Sized {}

macro_rules! plain {
    ($($kind:ty),* $(,)?) => {$(
        // SAFETY: bindings to a C structure of integers, arrays of them and raw pointers.
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
    // SAFETY: every bit pattern is a value of a `Plain` type.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

/// The bytes of a value, to be sent or written.
pub(crate) fn bytes_of<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: the memory is that of `values`, borrowed for as long; `u8` has no alignment and no invalid values, and
    // the kernel's structures here have no padding that matters.
    unsafe { core::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}
