//! `process` of config.json, which is also the whole of a process.json.

use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;

/// The program to run and as whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    /// Whether it gets a terminal.
    pub terminal: bool,
    /// Of the terminal, in characters.
    pub console_size: Option<Size>,
    /// Absolute.
    pub cwd: CString,
    /// `NAME=value` each.
    pub env: Vec<CString>,
    /// `argv`; at least one.
    pub args: Vec<CString>,
    /// As whom.
    pub user: User,
    /// Without them the process keeps none.
    pub capabilities: Option<Capabilities>,
    /// Limits; one of a kind.
    pub rlimits: Vec<Rlimit>,
    /// Nothing that it starts gains rights.
    pub no_new_privileges: bool,
    /// Profile of AppArmor.
    pub apparmor_profile: Option<String>,
    /// Label of SELinux.
    pub selinux_label: Option<String>,
    /// −1000 to 1000.
    pub oom_score_adj: Option<i32>,
    /// Scheduling.
    pub scheduler: Option<Scheduler>,
    /// Input and output.
    pub io_priority: Option<IoPriority>,
    /// Of exec: which processors, before and after the change into the cgroup.
    pub exec_cpu_affinity: Option<Affinity>,
}

/// Of a terminal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Lines.
    pub height: u16,
    /// Columns.
    pub width: u16,
}

/// `process.user`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// In the container's user namespace.
    pub uid: u32,
    /// As above.
    pub gid: u32,
    /// Mask of new files' modes.
    pub umask: Option<u32>,
    /// Supplementary groups.
    pub additional_gids: Vec<u32>,
}

/// Sets of capabilities as bits; bit 0 is `CAP_CHOWN`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// What counts.
    pub effective: u64,
    /// The most that can be had.
    pub bounding: u64,
    /// Kept on exec.
    pub inheritable: u64,
    /// What may count.
    pub permitted: u64,
    /// Kept on exec even of ordinary programs.
    pub ambient: u64,
    /// Names that nothing here knows: a warning each.
    pub unknown: Vec<String>,
}

/// A limit of `setrlimit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rlimit {
    /// Number of `RLIMIT_…`.
    pub resource: u32,
    /// What counts.
    pub soft: u64,
    /// The most that it can be raised to.
    pub hard: u64,
}

/// As of `sched_setattr`; times in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scheduler {
    /// Number of `SCHED_…`.
    pub policy: u32,
    /// −20 to 19.
    pub nice: i32,
    /// 1 to 99 for FIFO and RR.
    pub priority: u32,
    /// `SCHED_FLAG_…` bits.
    pub flags: u64,
    /// Of DEADLINE.
    pub runtime: u64,
    /// Of DEADLINE.
    pub deadline: u64,
    /// Of DEADLINE.
    pub period: u64,
}

/// As of `ioprio_set`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IoPriority {
    /// 1 real time, 2 best effort, 3 idle.
    pub class: u32,
    /// 0 (first) to 7.
    pub level: u32,
}

/// Which processors: bit n of word n / 64.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affinity {
    /// Before the process enters its cgroup.
    pub initial: Option<Vec<u64>>,
    /// When it starts.
    pub last: Option<Vec<u64>>,
}
