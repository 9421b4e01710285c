//! What can go wrong, with the group, the file, the field of the configuration and the kernel's reason.

use crate::dbus;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use kernel::Errno;

/// Why something with a group did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The kernel refused something in a group.
    File {
        /// The group's directory.
        group: String,
        /// A file in it; empty: the group itself.
        file: String,
        /// What was tried.
        action: Action,
        /// The field that asked for it, such as `memory.limit`; empty if none did.
        field: &'static str,
        /// The reason.
        errno: Errno,
    },
    /// `cgroupsPath` cannot be used.
    Path {
        /// As it was given.
        path: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A limit needs a controller that is not there.
    Controller {
        /// The field of `linux.resources`.
        field: &'static str,
        /// The controller.
        controller: String,
        /// Where it was looked for; empty: on the whole machine.
        group: String,
        /// Why it could not be enabled, if that was tried.
        why: Option<Errno>,
    },
    /// A field that cannot be honoured.
    Field {
        /// The field of `linux.resources`.
        field: &'static str,
        /// Why not.
        what: String,
    },
    /// The group of a new container has processes in it.
    InUse {
        /// The group's directory.
        group: String,
        /// How many.
        processes: usize,
    },
    /// Limits are asked for, and there is no right to make a group.
    Rights {
        /// The field of `linux.resources`.
        field: &'static str,
        /// What was refused.
        cause: Box<Error>,
    },
    /// The group is frozen, so that no process could start in it.
    Frozen {
        /// The group's directory.
        group: String,
    },
    /// The group, or one above it, is threaded or holds processes, and so cannot have the controllers that are asked for.
    Type {
        /// The group's directory.
        group: String,
        /// `cgroup.type`.
        kind: String,
    },
    /// A new limit is below what is used.
    Usage {
        /// The field of `linux.resources`.
        field: &'static str,
        /// The new limit, in bytes.
        limit: u64,
        /// What is used, in bytes.
        usage: u64,
    },
    /// Something did not happen in time.
    Timeout {
        /// The group's directory, or a unit's name.
        group: String,
        /// What was waited for.
        what: &'static str,
    },
    /// No cgroup file system was found, or there may be no group; what was asked for needs one.
    NoGroup {
        /// The field of `linux.resources`, or what was tried.
        field: &'static str,
    },
    /// Talking to systemd failed.
    Bus(dbus::Error),
    /// systemd did not do what it was asked for.
    Unit {
        /// The unit's name.
        unit: String,
        /// The job's result, such as `failed`.
        result: String,
    },
    /// A group in a container's state cannot be read.
    State,
}

/// What was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Making the directory.
    Make,
    /// Removing it.
    Remove,
    /// Opening.
    Open,
    /// Reading.
    Read,
    /// Writing this.
    Write(String),
    /// Loading the program that decides about devices.
    Load,
    /// Attaching it.
    Attach,
    /// Changing the owner.
    Own,
}

impl Error {
    pub(crate) fn file(group: &str, file: &str, action: Action, errno: Errno) -> Self {
        Self::File { group: group.into(), file: file.into(), action, field: "", errno }
    }

    /// The kernel's reason, if it was the kernel.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::File { errno, .. } => Some(*errno),
            Self::Controller { why, .. } => *why,
            Self::Rights { cause, .. } => cause.errno(),
            _ => None,
        }
    }
}

impl From<dbus::Error> for Error {
    fn from(error: dbus::Error) -> Self {
        Self::Bus(error)
    }
}

/// The text of an error number.
pub(crate) struct Reason(pub(crate) Errno);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.description() {
            Some(text) => f.write_str(text),
            None => write!(f, "error {}", self.0.into_raw()),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Make => f.write_str("make"),
            Self::Remove => f.write_str("remove"),
            Self::Open => f.write_str("open"),
            Self::Read => f.write_str("read"),
            Self::Write(value) => write!(f, "write {}", value.trim_end()),
            Self::Load => f.write_str("load the device program"),
            Self::Attach => f.write_str("attach the device program"),
            Self::Own => f.write_str("change the owner"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { group, file, action, field, errno } => {
                write!(f, "cgroup {group}: ")?;
                if !file.is_empty() {
                    write!(f, "{file}: ")?;
                }
                write!(f, "{action}: {}", Reason(*errno))?;
                if field.is_empty() { Ok(()) } else { write!(f, " (linux.resources.{field})") }
            }
            Self::Path { path, what } => write!(f, "linux.cgroupsPath: {path:?} {what}"),
            Self::Controller { field, controller, group, why } => {
                write!(f, "linux.resources.{field}: the cgroup controller {controller} is not available")?;
                if !group.is_empty() {
                    write!(f, " in {group}")?;
                }
                why.map_or(Ok(()), |errno| write!(f, " (enabling it: {})", Reason(errno)))
            }
            Self::Field { field, what } => write!(f, "linux.resources.{field}: {what}"),
            // Callers of runc look for these words, and for those of a limit that is too low.
            Self::InUse { group, processes } => {
                write!(f, "cgroup {group}: container's cgroup is not empty: {processes} process(es) found")
            }
            Self::Frozen { group } => write!(f, "cgroup {group}: container's cgroup unexpectedly frozen"),
            Self::Rights { field, cause } => {
                let reason = "rootless needs no limits + no cgrouppath when no permission is granted for cgroups";
                write!(f, "linux.resources.{field}: {reason}: {cause}")
            }
            Self::Type { group, kind } => {
                write!(f, "cgroup {group}: its type is {kind:?}, which these limits do not go with")
            }
            Self::Usage { field, limit, usage } => {
                let kind = if *field == "memory.swap" { "memory+swap" } else { "memory" };
                write!(f, "linux.resources.{field}: rejecting {kind} limit {limit} <= usage {usage}")
            }
            Self::Timeout { group, what } => write!(f, "cgroup {group}: {what} took too long"),
            Self::NoGroup { field } => write!(f, "{field} needs a cgroup, and there is none"),
            Self::Bus(error) => write!(f, "systemd: {error}"),
            Self::Unit { unit, result } => write!(f, "systemd unit {unit}: {result}"),
            Self::State => f.write_str("the cgroup in the container's state cannot be read"),
        }
    }
}

impl core::error::Error for Error {}
