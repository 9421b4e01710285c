//! `linux` of config.json (`config-linux.md` of the specification), but for resources.

use crate::resources::Resources;
use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;

/// What is of Linux alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Linux {
    /// New ones and ones to join; one of a kind.
    pub namespaces: Vec<Namespace>,
    /// Of the user namespace.
    pub uid_mappings: Vec<IdMapping>,
    /// As above.
    pub gid_mappings: Vec<IdMapping>,
    /// Offsets of the time namespace's clocks.
    pub time_offsets: Vec<TimeOffset>,
    /// Device files to make.
    pub devices: Vec<Device>,
    /// Network interfaces of the host to move in, with their new names.
    pub net_devices: Vec<(String, Option<String>)>,
    /// Where the container's cgroup is.
    pub cgroups_path: Option<String>,
    /// Limits.
    pub resources: Resources,
    /// Intel's Resource Director Technology.
    pub intel_rdt: Option<IntelRdt>,
    /// Kernel parameters, `net.ipv4.ip_forward`.
    pub sysctl: Vec<(String, String)>,
    /// Filter of system calls.
    pub seccomp: Option<Seccomp>,
    /// `shared`, `slave`, `private`, `unbindable`, with an r in front for recursive.
    pub rootfs_propagation: Option<String>,
    /// Not to be seen.
    pub masked_paths: Vec<CString>,
    /// Not to be written.
    pub readonly_paths: Vec<CString>,
    /// SELinux label of mounts.
    pub mount_label: Option<String>,
    /// `personality(2)`.
    pub personality: Option<u64>,
    /// Of NUMA.
    pub memory_policy: Option<MemoryPolicy>,
}

/// A kind of namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamespaceKind {
    /// Processes.
    Pid,
    /// Networks.
    Network,
    /// Mounts.
    Mount,
    /// Inter-process communication of System V and POSIX queues.
    Ipc,
    /// Host name.
    Uts,
    /// Users.
    User,
    /// Cgroups.
    Cgroup,
    /// Clocks.
    Time,
}

/// An item of `namespaces`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Which.
    pub kind: NamespaceKind,
    /// One to join; without it, a new one.
    pub path: Option<CString>,
}

/// A range of users or groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IdMapping {
    /// First in the namespace.
    pub container_id: u32,
    /// First outside of it.
    pub host_id: u32,
    /// How many.
    pub size: u32,
}

/// `timeOffsets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOffset {
    /// `monotonic` or `boottime`.
    pub clock: &'static str,
    /// Seconds.
    pub seconds: i64,
    /// Nanoseconds.
    pub nanoseconds: u32,
}

/// A device file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// `c`, `b`, `u` or `p`.
    pub kind: char,
    /// In the container.
    pub path: CString,
    /// Number.
    pub major: u64,
    /// Number.
    pub minor: u64,
    /// Permissions.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// `intelRdt`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntelRdt {
    /// Class of service, `/` for the default one; the container's id if there is none.
    pub clos_id: Option<String>,
    /// Lines of `schemata`.
    pub schemata: Vec<String>,
    /// `L3:…`
    pub l3_cache_schema: Option<String>,
    /// `MB:…`
    pub mem_bw_schema: Option<String>,
    /// A monitoring group of its own.
    pub enable_monitoring: bool,
}

/// `seccomp`, names as they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seccomp {
    /// `SCMP_ACT_…`
    pub default_action: String,
    /// For actions that return a number.
    pub default_errno: Option<u32>,
    /// `SCMP_ARCH_…`
    pub architectures: Vec<String>,
    /// `SECCOMP_FILTER_FLAG_…`; without the field, the runtime chooses.
    pub flags: Option<Vec<String>>,
    /// Unix socket that gets the descriptor for `SCMP_ACT_NOTIFY`.
    pub listener_path: Option<CString>,
    /// Sent along with it.
    pub listener_metadata: Option<String>,
    /// In this order.
    pub rules: Vec<SeccompRule>,
}

/// An item of `seccomp.syscalls`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeccompRule {
    /// System calls.
    pub names: Vec<String>,
    /// `SCMP_ACT_…`
    pub action: String,
    /// For actions that return a number.
    pub errno: Option<u32>,
    /// Conditions.
    pub arguments: Vec<SeccompArgument>,
}

/// A condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeccompArgument {
    /// 0 to 5.
    pub index: u32,
    /// What it is compared with.
    pub value: u64,
    /// The value of `SCMP_CMP_MASKED_EQ`, whose mask is `value`.
    pub value_two: u64,
    /// `SCMP_CMP_…`
    pub op: String,
}

/// `memoryPolicy`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryPolicy {
    /// `MPOL_…` with its flags.
    pub mode: u32,
    /// Nodes as bits.
    pub nodes: Vec<u64>,
}
