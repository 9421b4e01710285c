//! A policy as values. docs/rootless-agent.md says what each field means to a user.

use crate::glob::Glob;

/// All that a policy file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Answer to what no rule allows: an `errno` and its name.
    pub refuse: (i32, &'static str),
    /// Permissions of the socket; who can write to it can connect.
    pub socket_mode: u32,
    /// The first that matches a container has its rules.
    pub containers: Vec<Block>,
}

/// Rules for some containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// For the log.
    pub name: String,
    /// Which containers.
    pub applies: Match,
    /// What may be mounted.
    pub mount: Vec<MountRule>,
    /// What may be unmounted, of what the agent mounted.
    pub unmount: Vec<UnmountRule>,
    /// Which device nodes may be made.
    pub nodes: Vec<NodeRule>,
    /// Which sockets may be opened.
    pub sockets: Vec<SocketRule>,
}

/// Every field that is there has to match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Match {
    /// The user who connected, as the kernel says.
    pub users: Option<Vec<u32>>,
    /// The container's name, as the runtime says.
    pub id: Option<Glob>,
    /// listenerMetadata, as the runtime says.
    pub metadata: Option<Glob>,
    /// Annotations, as the runtime says.
    pub annotations: Vec<(String, Glob)>,
}

/// Where a bind mount's source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The source is a path of the container.
    Container,
    /// The source is a path of the host, the same text.
    Host,
}

/// Whether owners of files are mapped to the container's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idmap {
    /// If the file system can.
    Auto,
    /// Or the call fails.
    Yes,
    /// Never.
    No,
}

/// Allows mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountRule {
    /// File systems; `bind` for bind mounts.
    pub types: Vec<String>,
    /// Patterns for the source.
    pub sources: Vec<Glob>,
    /// Patterns for the destination, with links resolved, from the container's root.
    pub destinations: Vec<Glob>,
    /// Bits of mount(2) that may be asked for.
    pub flags: u64,
    /// Bits that are set whether asked for or not.
    pub force: u64,
    /// Patterns for options of the file system.
    pub options: Vec<Glob>,
    /// For bind mounts.
    pub origin: Origin,
    /// Owners of files.
    pub idmap: Idmap,
    /// A bind mount may bring what is mounted below its source.
    pub recursive: bool,
}

/// Allows to unmount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmountRule {
    /// Patterns for the place, with links resolved.
    pub destinations: Vec<Glob>,
}

/// Allows a device node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRule {
    /// Block rather than character.
    pub block: bool,
    /// Major number.
    pub major: u32,
    /// Minor numbers, from and to.
    pub minors: (u32, u32),
    /// Patterns for the node's path, with links of its directory resolved.
    pub paths: Vec<Glob>,
    /// Permissions that it may have; others are taken away.
    pub mode: u32,
}

/// Allows a kind of socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketRule {
    /// ICMP echo over IPv4: `socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP)`.
    Ping,
    /// ICMPv6 echo: `socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6)`.
    Ping6,
}
