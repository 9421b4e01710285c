//! Processes: starting, becoming another program, waiting, namespaces.

use crate::fs::again;
use crate::sys::{Out, Words, clone, sys, zeroed};
use crate::{BorrowedFd, Fd, Result};
use core::ffi::CStr;
use linux_raw_sys::general as raw;
pub use raw::{
    CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWTIME, CLONE_NEWUSER, CLONE_NEWUTS,
};

/// How a child is to be started; by default as `fork` does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clone<'a> {
    /// `CLONE_NEW` flags.
    pub namespaces: u32,
    /// The cgroup (version 2) to start in.
    pub cgroup: Option<BorrowedFd<'a>>,
    /// The child becomes a sibling: its parent is the caller's.
    pub as_sibling: bool,
}

/// Which side of [`Clone::start`] goes on.
#[derive(Debug)]
pub enum Side {
    /// The child.
    Child,
    /// The parent, with the child's number and a descriptor of it.
    Parent {
        /// Its number, in the caller's PID namespace.
        pid: i32,
        /// Names this process even when the number is given to another.
        handle: Fd,
    },
}

impl Clone<'_> {
    /// Starts the child.
    pub fn start(self) -> Result<Side> {
        let mut handle = -1i32;
        let mut flags = u64::from(self.namespaces) | u64::from(raw::CLONE_PIDFD);
        if self.as_sibling {
            flags |= u64::from(raw::CLONE_PARENT);
        }
        if self.cgroup.is_some() {
            flags |= raw::CLONE_INTO_CGROUP;
        }
        let arguments = raw::clone_args {
            flags,
            pidfd: core::ptr::from_mut(&mut handle) as u64,
            exit_signal: if self.as_sibling { 0 } else { u64::from(raw::SIGCHLD) },
            cgroup: self.cgroup.map_or(0, |fd| fd.raw() as u64),
            ..zeroed()
        };
        match clone::clone3(&arguments)? {
            0 => Ok(Side::Child),
            pid => Ok(Side::Parent { pid, handle: Fd::from_raw(handle) }),
        }
    }
}

/// Becomes the program at a path.
pub fn execute<A: AsRef<CStr>, E: AsRef<CStr>>(path: &CStr, arguments: &[A], environment: &[E]) -> crate::Errno {
    let (arguments, environment) = (Words::new(arguments), Words::new(environment));
    failed(sys!(execve, path, &arguments, &environment))
}

/// Becomes the program that a descriptor is open on.
pub fn execute_fd<A: AsRef<CStr>, E: AsRef<CStr>>(
    program: BorrowedFd<'_>,
    arguments: &[A],
    environment: &[E],
) -> crate::Errno {
    let (arguments, environment) = (Words::new(arguments), Words::new(environment));
    failed(sys!(execveat, program, c"", &arguments, &environment, raw::AT_EMPTY_PATH))
}

/// The reason of a call that only comes back when it has failed.
fn failed(result: Result<usize>) -> crate::Errno {
    result.err().unwrap_or(crate::Errno::EINVAL)
}

/// Ends the program.
pub fn exit(code: i32) -> ! {
    loop {
        let _ = sys!(exit_group, code);
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With this code, 0 to 255.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
}

impl Ending {
    fn of(status: i32) -> Self {
        match status & 0x7f {
            0 => Self::Exited((status >> 8) & 0xff),
            signal => Self::Signalled(signal),
        }
    }

    /// As a shell says it: 128 and the number of the signal.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::Exited(code) => code,
            Self::Signalled(signal) => 128 + signal,
        }
    }
}

/// Waits until a child (-1: any) has ended.
pub fn wait(pid: i32) -> Result<(i32, Ending)> {
    let mut status = 0i32;
    let ended = again(|| sys!(wait4, pid, Out(&mut status), raw::__WALL, 0usize))?;
    Ok((ended as i32, Ending::of(status)))
}

/// A child (-1: any) that has ended, if there is one.
pub fn try_wait(pid: i32) -> Result<Option<(i32, Ending)>> {
    let mut status = 0i32;
    let ended = again(|| sys!(wait4, pid, Out(&mut status), raw::__WALL | raw::WNOHANG, 0usize))?;
    Ok((ended != 0).then(|| (ended as i32, Ending::of(status))))
}

/// Waits until the child that a descriptor names has ended (`waitid` with `P_PIDFD`).
pub fn wait_for(process: BorrowedFd<'_>) -> Result<Ending> {
    // struct siginfo: signal, errno, code, padding, pid, uid, status.
    let mut information = [0i32; 32];
    again(|| sys!(waitid, 3u32, process, Out(&mut information), raw::WEXITED | raw::__WALL, 0usize))?;
    let [_, _, code, _, _, _, status, ..] = information;
    Ok(if code == 1 { Ending::Exited(status) } else { Ending::Signalled(status) })
}

/// A descriptor of a process.
pub fn open_process(pid: i32) -> Result<Fd> {
    sys!(pidfd_open, pid, 0u32).map(|fd| Fd::from_raw(fd as i32))
}

/// Sends a signal by descriptor.
pub fn send_signal(process: BorrowedFd<'_>, signal: i32) -> Result<()> {
    sys!(pidfd_send_signal, process, signal, 0usize, 0u32).map(drop)
}

/// Sends a signal by number; a negative one is a process group.
pub fn kill(pid: i32, signal: i32) -> Result<()> {
    sys!(kill, pid, signal).map(drop)
}

/// The caller's number in its PID namespace.
#[must_use]
pub fn own_pid() -> i32 {
    sys!(getpid).unwrap_or(0) as i32
}

/// `setsid`.
pub fn new_session() -> Result<()> {
    sys!(setsid).map(drop)
}

/// Enters a namespace by descriptor; of a process's descriptor, those that the flags name.
pub fn enter(namespace: BorrowedFd<'_>, kinds: u32) -> Result<()> {
    sys!(setns, namespace, kinds).map(drop)
}

/// The `CLONE_NEW` bit of an open namespace (`ioctl_ns(2)`, `NS_GET_NSTYPE`).
pub fn namespace_kind(namespace: BorrowedFd<'_>) -> Result<u32> {
    sys!(ioctl, namespace, 0xb703u32).map(|kind| kind as u32)
}

/// Leaves for new namespaces.
pub fn unshare(kinds: u32) -> Result<()> {
    sys!(unshare, kinds).map(drop)
}

/// `sethostname`.
pub fn set_host_name(name: &[u8]) -> Result<()> {
    sys!(sethostname, crate::sys::In(name), name.len()).map(drop)
}

/// `setdomainname`.
pub fn set_domain_name(name: &[u8]) -> Result<()> {
    sys!(setdomainname, crate::sys::In(name), name.len()).map(drop)
}

/// The signal that this process gets when its parent's thread ends; 0: none.
pub fn signal_on_parents_death(signal: i32) -> Result<()> {
    prctl(linux_raw_sys::prctl::PR_SET_PDEATHSIG, signal as u64, 0)
}

/// Whether others with the same user may look into the memory and the descriptors of this process.
pub fn set_dumpable(allowed: bool) -> Result<()> {
    prctl(linux_raw_sys::prctl::PR_SET_DUMPABLE, u64::from(allowed), 0)
}

/// Orphans below this process become its children.
pub fn become_subreaper() -> Result<()> {
    prctl(linux_raw_sys::prctl::PR_SET_CHILD_SUBREAPER, 1, 0)
}

/// `personality`.
pub fn set_personality(personality: u64) -> Result<()> {
    sys!(personality, personality).map(drop)
}

pub(crate) fn prctl(option: u32, first: u64, second: u64) -> Result<()> {
    sys!(prctl, option, first, second, 0usize, 0usize).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_ends_as_it_says() {
        for code in [0, 7, 255] {
            match Clone::default().start().unwrap() {
                Side::Child => exit(code),
                Side::Parent { pid, handle } => {
                    assert_eq!(wait(pid).unwrap(), (pid, Ending::Exited(code)));
                    assert!(send_signal(handle.borrow(), 0).is_err());
                }
            }
        }
    }

    #[test]
    fn a_child_becomes_another_program() {
        let Side::Parent { pid, .. } = Clone::default().start().unwrap() else {
            execute(c"/bin/sh", &[c"sh", c"-c", c"kill -9 $$"], &[c"PATH=/bin"]);
            exit(99);
        };
        let (_, ending) = wait(pid).unwrap();
        assert_eq!((ending, ending.code()), (Ending::Signalled(9), 137));
    }
}
