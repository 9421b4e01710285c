//! Seccomp notifications: system calls of other processes that wait for somebody's answer (seccomp_unotify(2)).

use crate::sys::container::{self, AddDescriptor, Response};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// The numbers of system calls by name, for this architecture.
pub mod number {
    /// mount(2)
    pub const MOUNT: i64 = libc::SYS_mount;
    /// umount2(2)
    pub const UNMOUNT: i64 = libc::SYS_umount2;
    /// mknod(2), which newer architectures do without.
    #[cfg(target_arch = "x86_64")]
    pub const MKNOD: Option<i64> = Some(libc::SYS_mknod);
    /// mknod(2), which newer architectures do without.
    #[cfg(not(target_arch = "x86_64"))]
    pub const MKNOD: Option<i64> = None;
    /// mknodat(2)
    pub const MKNODAT: i64 = libc::SYS_mknodat;
    /// socket(2)
    pub const SOCKET: i64 = libc::SYS_socket;
}

/// `AUDIT_ARCH_X86_64` or `AUDIT_ARCH_AARCH64`: calls by another architecture's rules have other numbers.
pub const ARCHITECTURE: u32 = if cfg!(target_arch = "aarch64") { 0xc000_00b7 } else { 0xc000_003e };

/// A system call that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notification {
    /// Names the call at the [`Listener`].
    pub id: u64,
    /// The thread, as the listener's process sees it; 0 if it cannot.
    pub pid: u32,
    /// Number of the system call.
    pub number: i64,
    /// Whose numbers those are.
    pub architecture: u32,
    /// The registers. What pointers among them point to may change at any time.
    pub arguments: [u64; 6],
}

/// What [`Listener::wait`] woke up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// A notification can be received, unless its sender is killed meanwhile.
    Notification,
    /// No process has the filter any more.
    Gone,
}

/// The descriptor that notifications come from. When its last copy is closed, calls that wait fail with `ENOSYS`.
#[derive(Debug)]
pub struct Listener(OwnedFd);

impl Listener {
    /// Takes a descriptor if it is a listener.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        // Else the requests below would go to anything that a stranger opened.
        let what = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))?;
        if what.as_os_str() != "anon_inode:seccomp notify" {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{} is no seccomp listener", what.display()),
            ));
        }
        Ok(Self(fd))
    }

    /// Waits without a limit.
    pub fn wait(&self) -> io::Result<Wake> {
        loop {
            match container::poll_forever(self.0.as_fd()) {
                Ok(events) if events & libc::POLLIN != 0 => return Ok(Wake::Notification),
                Ok(_) => return Ok(Wake::Gone),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes the next notification; `None` if its sender was killed or interrupted meanwhile.
    pub fn receive(&self) -> io::Result<Option<Notification>> {
        match container::notification(self.0.as_fd()) {
            Ok(raw) => Ok(Some(Notification {
                id: raw.id,
                pid: raw.pid,
                number: raw.number.into(),
                architecture: raw.architecture,
                arguments: raw.arguments,
            })),
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINTR)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the call still waits: then what was opened below `/proc/PID` before this question is its caller's.
    #[must_use]
    pub fn still_waits(&self, id: u64) -> bool {
        container::notification_is_valid(self.0.as_fd(), id).is_ok()
    }

    /// Ends the call with 0, or with an `errno`. The kernel does not carry it out.
    pub fn answer(&self, id: u64, errno: Option<i32>) -> io::Result<()> {
        let error = errno.map_or(0, |errno| -errno.abs());
        container::respond(self.0.as_fd(), Response { id, error, ..Response::default() })
    }

    /// Lets the kernel carry the call out as if nobody had asked. Only for what was decided by registers alone: memory may
    /// be another by the time that the kernel looks at it.
    pub fn let_go_on(&self, id: u64) -> io::Result<()> {
        const CONTINUE: u32 = 1;
        container::respond(self.0.as_fd(), Response { id, flags: CONTINUE, ..Response::default() })
    }

    /// Ends the call with a new descriptor of the caller's, a copy of `fd` (Linux 5.14).
    pub fn answer_descriptor(&self, id: u64, fd: &impl AsFd, close_on_exec: bool) -> io::Result<()> {
        const SEND: u32 = 2;
        let source = u32::try_from(fd.as_fd().as_raw_fd()).map_err(io::Error::other)?;
        let new_flags = if close_on_exec { libc::O_CLOEXEC.unsigned_abs() } else { 0 };
        let request = AddDescriptor { id, flags: SEND, source, new: 0, new_flags };
        container::add_descriptor(self.0.as_fd(), request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_listener_is_refused() {
        let error = Listener::new(std::fs::File::open("/dev/null").unwrap().into()).unwrap_err();
        assert_eq!(error.to_string(), "/dev/null is no seccomp listener");
    }
}
