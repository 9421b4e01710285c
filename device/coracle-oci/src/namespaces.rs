//! Which namespaces a container gets: new ones, and those of others, opened by path.

use crate::error::{About, Error};
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;
use kernel::process::{
    self, CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWTIME, CLONE_NEWUSER,
    CLONE_NEWUTS,
};
use kernel::{CWD, Fd, fs};
use runtime_spec::{Linux, Namespace, NamespaceKind};

/// The kernel's bit for a kind.
pub(crate) const fn flag(kind: NamespaceKind) -> u32 {
    match kind {
        NamespaceKind::Pid => CLONE_NEWPID,
        NamespaceKind::Network => CLONE_NEWNET,
        NamespaceKind::Mount => CLONE_NEWNS,
        NamespaceKind::Ipc => CLONE_NEWIPC,
        NamespaceKind::Uts => CLONE_NEWUTS,
        NamespaceKind::User => CLONE_NEWUSER,
        NamespaceKind::Cgroup => CLONE_NEWCGROUP,
        NamespaceKind::Time => CLONE_NEWTIME,
    }
}

/// Whether a namespace is the runtime's own after all, by another name: what is changed in it is changed for the host.
pub(crate) fn is_the_runtimes(namespace: &Namespace) -> bool {
    let name = match namespace.kind {
        NamespaceKind::Pid => c"/proc/self/ns/pid",
        NamespaceKind::Network => c"/proc/self/ns/net",
        NamespaceKind::Mount => c"/proc/self/ns/mnt",
        NamespaceKind::Ipc => c"/proc/self/ns/ipc",
        NamespaceKind::Uts => c"/proc/self/ns/uts",
        NamespaceKind::User => c"/proc/self/ns/user",
        NamespaceKind::Cgroup => c"/proc/self/ns/cgroup",
        NamespaceKind::Time => c"/proc/self/ns/time",
    };
    let number = |path: &CStr| fs::stat_at(CWD, path, 0).map(|stat| (stat.st_dev, stat.st_ino));
    namespace.path.as_ref().is_some_and(|path| number(path).is_ok_and(|found| number(name) == Ok(found)))
}

/// All of them, new or joined.
#[derive(Debug)]
pub(crate) struct Namespaces {
    /// Bits of the new ones.
    pub(crate) new: u32,
    /// Those to join.
    pub(crate) joined: Vec<(NamespaceKind, Fd)>,
}

impl Namespaces {
    /// Opens those that are given by path.
    pub(crate) fn open(linux: &Linux) -> Result<Self, Error> {
        let mut all = Self { new: 0, joined: Vec::new() };
        for namespace in &linux.namespaces {
            let Some(path) = &namespace.path else {
                all.new |= flag(namespace.kind);
                continue;
            };
            let what = || format!("open the namespace {}", path.to_string_lossy());
            let fd = fs::open(CWD, path, fs::O_RDONLY, 0).about(what)?;
            if process::namespace_kind(fd.borrow()).about(what)? != flag(namespace.kind) {
                return Err(Error::config(format!(
                    "linux.namespaces: {} is no {:?} namespace",
                    path.to_string_lossy(),
                    namespace.kind
                )));
            }
            all.joined.push((namespace.kind, fd));
        }
        Ok(all)
    }

    /// Bits of all, new and joined.
    pub(crate) fn all(&self) -> u32 {
        self.joined.iter().fold(self.new, |bits, (kind, _)| bits | flag(*kind))
    }

    /// Whether one of a kind is joined.
    pub(crate) fn joins(&self, kind: NamespaceKind) -> bool {
        self.joined.iter().any(|(joined, _)| *joined == kind)
    }

    /// Whether the process has to be made in two steps: a new namespace has to belong to a user namespace that is joined, or a
    /// time namespace has to have its clocks set before anybody is in it.
    pub(crate) fn needs_two_steps(&self) -> bool {
        self.joins(NamespaceKind::User) || self.new & CLONE_NEWTIME != 0 || self.joins(NamespaceKind::Time)
    }

    /// Enters those that are joined, that of users first: it decides what is allowed in the others.
    pub(crate) fn enter(&self) -> Result<(), Error> {
        let first = self.joined.iter().filter(|(kind, _)| *kind == NamespaceKind::User);
        let others = self.joined.iter().filter(|(kind, _)| *kind != NamespaceKind::User);
        for (kind, fd) in first.chain(others) {
            process::enter(fd.borrow(), flag(*kind)).about(|| format!("join the {kind:?} namespace"))?;
        }
        Ok(())
    }
}
