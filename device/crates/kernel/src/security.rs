//! What a process gives up before it becomes the container's program: seccomp, new privileges, keys.

use crate::process::prctl;
use crate::sys::{In, sys};
use crate::{Fd, Result};
use core::ffi::CStr;

/// An instruction of classic BPF, `struct sock_filter` of `linux/filter.h`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// Instructions to skip if true.
    pub jt: u8,
    /// Instructions to skip if false.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

/// `struct sock_fprog`.
#[repr(C)]
struct Filter {
    length: u16,
    instructions: *const Instruction,
}

/// `SECCOMP_FILTER_FLAG_NEW_LISTENER`.
pub const NEW_LISTENER: u32 = 8;

/// Installs a filter for the caller. With [`NEW_LISTENER`] among the `SECCOMP_FILTER_FLAG_`s, the descriptor that hears of
/// its notifications comes back.
pub fn install_filter(program: &[Instruction], flags: u32) -> Result<Option<Fd>> {
    let filter = Filter { length: program.len() as u16, instructions: program.as_ptr() };
    let result = sys!(seccomp, 1u32, flags, In(&filter))?;
    Ok((flags & NEW_LISTENER != 0).then(|| Fd::from_raw(result as i32)))
}

/// No program may give this process or its children more rights than it has.
pub fn set_no_new_privileges() -> Result<()> {
    prctl(linux_raw_sys::prctl::PR_SET_NO_NEW_PRIVS, 1, 0)
}

/// A new session keyring with a name.
pub fn join_session_keyring(name: &CStr) -> Result<u32> {
    sys!(keyctl, 1u32, name).map(|key| key as u32)
}

/// Lets the caller search a key although it has only what its owner's keys give (`KEYCTL_SETPERM`).
pub fn set_key_permissions(key: u32, permissions: u32) -> Result<()> {
    sys!(keyctl, 5u32, key, permissions).map(drop)
}
