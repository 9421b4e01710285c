//! The configuration of a container (OCI runtime specification 1.3, `config.json` and `process.json`) as types.
//!
//! JSON goes in; plain values come out, or the first field that cannot be right, by its path. What only the kernel can
//! judge is left to it. Strings that will go into system calls are `CString`s: a zero byte in one is an error here.

#![cfg_attr(not(test), no_std)]

extern crate alloc;

mod config;
mod linux;
mod names;
mod node;
mod process;
mod read_linux;
mod read_process;
mod resources;

pub use config::{Config, Hook, Hooks, Mount, Root};
pub use linux::{
    Device, IdMapping, IntelRdt, Linux, MemoryPolicy, Namespace, NamespaceKind, Seccomp, SeccompArgument, SeccompRule,
    TimeOffset,
};
pub use names::{capabilities, capability, memory_policies, memory_policy_flags};
pub use node::{Error, Node};
pub use process::{Affinity, Capabilities, IoPriority, Process, Rlimit, Scheduler, Size, User};
pub use read_process::numbers_as_bits;
pub use resources::{
    BlockIo, Cpu, DeviceRule, HugepageLimit, Memory, NetworkPriority, RdmaLimit, Resources, Throttle, Weight,
};

/// The largest config.json or process.json that is read, in bytes.
pub const LIMIT: usize = 16 << 20;
