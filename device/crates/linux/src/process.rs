//! Children with limits.

use crate::sys;
use std::io;
use std::os::fd::AsFd;
use std::process::{Child, ExitStatus};
use std::time::Duration;

/// Waits for a child; `None` if it still runs after `limit`.
pub fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    if sys::poll_in(sys::pidfd_open(pid)?.as_fd(), limit)? { child.wait().map(Some) } else { Ok(None) }
}

/// Kills a child that leads its own process group (`CommandExt::process_group(0)`), with the whole group.
///
/// It does not wait: a process that the kernel holds in an uninterruptible read of a dying medium may never end.
pub fn kill_group(child: &Child) -> io::Result<()> {
    let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    sys::kill(-pid, libc::SIGKILL)
}
