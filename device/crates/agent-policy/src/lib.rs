//! The policy of coracle-oci-agent. The text of a YAML file goes in, a [`Policy`] or an [`Error`] with its place comes out;
//! then requests go in and the rule that allows each, or the reason why none does, comes out. Pure: no system calls.
//!
//! docs/rootless-agent.md describes the file. [`Container`] is the message that a runtime sends to the listener, which
//! chooses the block of rules.

mod decide;
mod error;
mod flags;
mod glob;
mod policy;
mod read;
mod rules;
mod state;
mod yaml;

pub use decide::{Denied, MountRequest, SocketRequest};
pub use error::{Error, Place};
pub use flags::{Asked, FLAGS, Flag, read_flags};
pub use glob::Glob;
pub use policy::{Block, Idmap, Match, MountRule, NodeRule, Origin, Policy, SocketRule, UnmountRule};
pub use state::{Container, StateError};

/// Larger policies are refused.
pub const MAX_POLICY: usize = 1 << 20;
