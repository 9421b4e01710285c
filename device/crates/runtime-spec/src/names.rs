//! Names of the specification and the kernel's numbers for them.

use crate::linux::NamespaceKind;

/// In the order of their bits, without `CAP_` (`linux/capability.h`).
pub(crate) const CAPABILITIES: &[&str] = &[
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// The bit of a capability, with `CAP_` in front or without it.
#[must_use]
pub fn capability(name: &str) -> Option<u32> {
    let bare = name.strip_prefix("CAP_").unwrap_or(name);
    u32::try_from(CAPABILITIES.iter().position(|known| *known == bare)?).ok()
}

/// The names of all capabilities, in the order of their bits.
#[must_use]
pub const fn capabilities() -> &'static [&'static str] {
    CAPABILITIES
}

/// `asm-generic/resource.h`.
pub(crate) const RLIMITS: &[(&str, u32)] = &[
    ("RLIMIT_CPU", 0),
    ("RLIMIT_FSIZE", 1),
    ("RLIMIT_DATA", 2),
    ("RLIMIT_STACK", 3),
    ("RLIMIT_CORE", 4),
    ("RLIMIT_RSS", 5),
    ("RLIMIT_NPROC", 6),
    ("RLIMIT_NOFILE", 7),
    ("RLIMIT_MEMLOCK", 8),
    ("RLIMIT_AS", 9),
    ("RLIMIT_LOCKS", 10),
    ("RLIMIT_SIGPENDING", 11),
    ("RLIMIT_MSGQUEUE", 12),
    ("RLIMIT_NICE", 13),
    ("RLIMIT_RTPRIO", 14),
    ("RLIMIT_RTTIME", 15),
];

/// `linux/sched.h`; ISO never came into the kernel.
pub(crate) const SCHEDULER_POLICIES: &[(&str, u32)] = &[
    ("SCHED_OTHER", 0),
    ("SCHED_FIFO", 1),
    ("SCHED_RR", 2),
    ("SCHED_BATCH", 3),
    ("SCHED_ISO", 4),
    ("SCHED_IDLE", 5),
    ("SCHED_DEADLINE", 6),
];

/// `linux/sched.h`.
pub(crate) const SCHEDULER_FLAGS: &[(&str, u64)] = &[
    ("SCHED_FLAG_RESET_ON_FORK", 0x01),
    ("SCHED_FLAG_RECLAIM", 0x02),
    ("SCHED_FLAG_DL_OVERRUN", 0x04),
    ("SCHED_FLAG_KEEP_POLICY", 0x08),
    ("SCHED_FLAG_KEEP_PARAMS", 0x10),
    ("SCHED_FLAG_UTIL_CLAMP_MIN", 0x20),
    ("SCHED_FLAG_UTIL_CLAMP_MAX", 0x40),
];

/// `linux/ioprio.h`.
pub(crate) const IO_CLASSES: &[(&str, u32)] =
    &[("IOPRIO_CLASS_RT", 1), ("IOPRIO_CLASS_BE", 2), ("IOPRIO_CLASS_IDLE", 3)];

/// Kinds of namespaces.
pub(crate) const NAMESPACES: &[(&str, NamespaceKind)] = &[
    ("pid", NamespaceKind::Pid),
    ("network", NamespaceKind::Network),
    ("mount", NamespaceKind::Mount),
    ("ipc", NamespaceKind::Ipc),
    ("uts", NamespaceKind::Uts),
    ("user", NamespaceKind::User),
    ("cgroup", NamespaceKind::Cgroup),
    ("time", NamespaceKind::Time),
];

/// `linux/mempolicy.h`.
pub(crate) const MEMORY_POLICIES: &[(&str, u32)] = &[
    ("MPOL_DEFAULT", 0),
    ("MPOL_PREFERRED", 1),
    ("MPOL_BIND", 2),
    ("MPOL_INTERLEAVE", 3),
    ("MPOL_LOCAL", 4),
    ("MPOL_PREFERRED_MANY", 5),
    ("MPOL_WEIGHTED_INTERLEAVE", 6),
];

/// As above.
pub(crate) const MEMORY_POLICY_FLAGS: &[(&str, u32)] =
    &[("MPOL_F_STATIC_NODES", 1 << 15), ("MPOL_F_RELATIVE_NODES", 1 << 14), ("MPOL_F_NUMA_BALANCING", 1 << 13)];

/// `linux/personality.h`.
pub(crate) const PERSONALITIES: &[(&str, u64)] = &[("LINUX", 0), ("LINUX32", 8)];

/// The names of all memory policies.
pub fn memory_policies() -> impl Iterator<Item = &'static str> {
    MEMORY_POLICIES.iter().map(|(name, _)| *name)
}

/// The names of their flags.
pub fn memory_policy_flags() -> impl Iterator<Item = &'static str> {
    MEMORY_POLICY_FLAGS.iter().map(|(name, _)| *name)
}
