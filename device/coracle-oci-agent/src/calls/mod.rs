//! The calls that the agent knows, as a table: another one is a module and a line. A module reads the arguments, asks the
//! policy, and carries the call out with what it read.

mod mknod;
mod mount;
mod socket;
mod umount;

use crate::caller::Caller;
use crate::container::{Mounts, Shared};
use crate::errno;
use agent_policy::{Block, Denied};
use json::Value;
use linux::seccomp::{Listener, Notification, number};
use std::io;
use std::os::fd::OwnedFd;

pub(crate) struct Call {
    number: Option<i64>,
    pub(crate) name: &'static str,
    pub(crate) carry_out: fn(&mut Request<'_>, &Block) -> Result<Done, Stop>,
}

static CALLS: [Call; 5] = [
    Call { number: Some(number::MOUNT), name: "mount", carry_out: mount::carry_out },
    Call { number: Some(number::UNMOUNT), name: "umount2", carry_out: umount::carry_out },
    Call { number: number::MKNOD, name: "mknod", carry_out: mknod::carry_out_mknod },
    Call { number: Some(number::MKNODAT), name: "mknodat", carry_out: mknod::carry_out_mknodat },
    Call { number: Some(number::SOCKET), name: "socket", carry_out: socket::carry_out },
];

pub(crate) fn find(number: i64) -> Option<&'static Call> {
    CALLS.iter().find(|call| call.number == Some(number))
}

/// A call that waits, and what it takes to answer it.
pub(crate) struct Request<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) listener: &'a Listener,
    pub(crate) mounts: &'a mut Mounts,
    pub(crate) notification: &'a Notification,
    /// For the log, as copied.
    pub(crate) arguments: Vec<(&'static str, Value)>,
}

impl<'a> Request<'a> {
    /// A register.
    pub(crate) fn register(&self, index: usize) -> u64 {
        self.notification.arguments.get(index).copied().unwrap_or(0)
    }

    /// A register that the kernel takes for an `int`: the upper half is nothing.
    pub(crate) fn integer(&self, index: usize) -> i32 {
        self.register(index) as u32 as i32
    }

    pub(crate) fn caller(&self) -> Result<Caller<'a>, Stop> {
        Caller::open(self.listener, self.notification)
    }

    /// Keeps an argument for the log.
    pub(crate) fn note(&mut self, name: &'static str, value: impl Into<Value>) {
        self.arguments.push((name, value.into()));
    }
}

/// A call that came to a good end.
pub(crate) enum Done {
    /// The answer is 0.
    Made { rule: String },
    /// The answer is a descriptor.
    Descriptor { rule: String, fd: OwnedFd, close_on_exec: bool },
    /// By its registers alone it is none that the agent guards: the kernel carries it out, with the container's own rights.
    NotGuarded,
}

/// A call that did not.
pub(crate) enum Stop {
    /// By the policy, or because nobody may.
    Refused(String),
    /// It was allowed, or never came so far.
    Failed { errno: i32, why: String },
    /// Nobody waits for the answer.
    Gone,
}

impl From<Denied> for Stop {
    fn from(Denied(why): Denied) -> Self {
        Self::Refused(why)
    }
}

/// The operation with its error.
pub(crate) fn failed(what: &str, error: &io::Error) -> Stop {
    Stop::Failed { errno: error.raw_os_error().unwrap_or(errno::EIO), why: format!("{what}: {error}") }
}

/// `mount[0] of shell`
pub(crate) fn rule_name(kind: &str, index: usize, block: &Block) -> String {
    format!("{kind}[{index}] of {}", block.name)
}
