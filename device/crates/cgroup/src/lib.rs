//! Control groups of a container: where they are, making them, limits, freezing, counting, removing.
//!
//! A [`Request`] (the container's id, `cgroupsPath`, the driver) and the machine's [`Layout`] go in; a [`Group`] comes out,
//! which is only a plan until [`Group::create`]. It goes into the container's state as JSON before anything is made, so
//! that whatever a crash leaves behind is known. `Resources` are those of `runtime-spec`.
//!
//! Version 2 (one hierarchy) and version 1 (a hierarchy a controller, perhaps with version 2 beside them for systemd) are
//! both served. Limits are first made into a list of writes, which is pure, and then carried out.

#![cfg_attr(not(test), no_std)]

extern crate alloc;

mod create;
mod dbus;
mod devices;
mod directory;
mod ebpf;
mod error;
mod freeze;
mod group;
mod layout;
mod limits;
mod mounts;
mod oom;
mod path;
mod plan;
mod processes;
mod remove;
mod state;
mod statistics;
mod systemd;

pub use dbus::Error as BusError;
#[doc(hidden)]
pub use dbus::read_any as read_any_message;
pub use error::{Action, Error};
pub use group::{Group, Unit};
pub use layout::{Hierarchy, Layout, unescape};
pub use mounts::{HierarchyMount, Mounts};
pub use oom::OomWatch;
pub use plan::{Driver, Request};

/// Where the machine's cgroups are mounted.
pub const ROOT: &str = "/sys/fs/cgroup";

/// What a call gives, or why not.
pub type Result<T> = core::result::Result<T, Error>;
