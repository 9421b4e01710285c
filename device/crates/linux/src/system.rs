//! The machine as a whole: modules, host name, clock, end.

use crate::{mount::c_string, sys};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

/// Loads a module from its open file.
pub fn load_module(file: &File, parameters: &str) -> io::Result<()> {
    sys::finit_module(file.as_fd(), &c_string(parameters)?)
}

/// Whether an error of [`load_module`] says that the module is there already.
#[must_use]
pub fn is_loaded_already(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EEXIST)
}

/// Sets the kernel's host name.
pub fn set_host_name(name: &str) -> io::Result<()> {
    sys::sethostname(name.as_bytes())
}

/// Time since the kernel started, suspends included.
#[must_use]
pub fn since_boot() -> Duration {
    sys::monotonic()
}

/// Writes out what the caches hold and restarts the machine. Returns only if the kernel refuses.
pub fn restart() -> io::Result<()> {
    sys::sync();
    sys::reboot(libc::RB_AUTOBOOT)
}

/// Restarts without a look at any device, for when one of them hangs: an ordinary restart would wait for it.
pub fn restart_now() -> io::Result<()> {
    // Kernels without the key do what can be done.
    fs::write("/proc/sysrq-trigger", "b").or_else(|_| sys::reboot(libc::RB_AUTOBOOT))
}

/// Stops the machine, with its last words on the screen. Returns only if the kernel refuses.
pub fn halt() -> io::Result<()> {
    sys::sync();
    sys::reboot(libc::RB_HALT_SYSTEM)
}

/// Room on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that root may still write.
    pub free: u64,
    /// Inodes left; `None` if the file system makes them as needed.
    pub free_inodes: Option<u64>,
    /// Its magic number.
    pub kind: u64,
}

/// Asks the file system that `directory` is on.
pub fn room(directory: &impl AsFd) -> io::Result<Room> {
    let answer = sys::statfs(directory.as_fd())?;
    Ok(Room {
        free: answer.f_bfree.saturating_mul(u64::try_from(answer.f_bsize).unwrap_or(0)),
        free_inodes: (answer.f_files > 0).then_some(answer.f_ffree),
        kind: u64::try_from(answer.f_type).unwrap_or(0),
    })
}

/// Whether a file system of this [`Room::kind`] lives in memory, as an initramfs does.
#[must_use]
pub fn is_memory(kind: u64) -> bool {
    const RAMFS: u64 = 0x8584_58f6;
    const TMPFS: u64 = 0x0102_1994;
    kind == RAMFS || kind == TMPFS
}
