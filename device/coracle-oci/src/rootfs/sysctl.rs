//! Kernel parameters: written through the host's procfs, by a process that is in the container's namespaces.

use crate::error::{About, Error};
use crate::namespaces;
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use kernel::{BorrowedFd, Errno, fs};
use runtime_spec::{Linux, NamespaceKind};

/// Parameters that belong to an IPC namespace.
const IPC: &[&str] = &[
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

/// Refuses what would change the host: a parameter whose namespace the container shares with it.
pub(crate) fn check(linux: &Linux) -> Result<(), Error> {
    for (name, _) in &linux.sysctl {
        let parts = parts(name);
        if parts.clone().any(|part| ["", ".", ".."].contains(&part)) {
            return Err(Error::config(format!("linux.sysctl: {name:?} is no name of a kernel parameter")));
        }
        let name = parts.collect::<Vec<_>>().join(".");
        let kind = if name.starts_with("net.") {
            NamespaceKind::Network
        } else if IPC.contains(&name.as_str()) || name.starts_with("fs.mqueue.") {
            NamespaceKind::Ipc
        } else if name == "kernel.hostname" {
            return Err(Error::config("linux.sysctl: kernel.hostname: the field `hostname` says it"));
        } else if name == "kernel.domainname" {
            NamespaceKind::Uts
        } else if name.starts_with("user.") {
            NamespaceKind::User
        } else {
            return Err(Error::config(format!("linux.sysctl: {name} is the host's: no namespace has its own")));
        };
        if linux.namespace(kind).is_none_or(namespaces::is_the_runtimes) {
            return Err(Error::config(format!(
                "linux.sysctl: {name} is the host's: the container has no {kind:?} namespace of its own"
            )));
        }
    }
    Ok(())
}

/// The parts of a name. One of an interface may have dots of its own: then slashes are between the parts.
fn parts(name: &str) -> core::str::Split<'_, char> {
    name.split(if name.contains('/') { '/' } else { '.' })
}

/// Writes the parameters.
pub(super) fn write(proc: BorrowedFd<'_>, parameters: &[(String, String)]) -> Result<(), Error> {
    for (name, value) in parameters {
        let path = parts(name).collect::<Vec<_>>().join("/");
        let what = || format!("write {value:?} to sysctl {name}");
        let path = CString::new(format!("sys/{path}")).map_err(|_| Error::system(what(), Errno::EINVAL))?;
        let file = fs::open_exactly(proc, &path, fs::O_WRONLY).about(what)?;
        fs::write_all(file.borrow(), value.as_bytes()).about(what)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime_spec::Namespace;

    fn checked(name: &str) -> Result<(), Error> {
        let namespace = Namespace { kind: NamespaceKind::Network, path: None };
        check(&Linux { namespaces: vec![namespace], sysctl: vec![(name.into(), "1".into())], ..Linux::default() })
    }

    #[test]
    fn names_are_those_of_the_containers_own_namespaces() {
        for name in ["net.ipv4.ip_forward", "net/ipv4/conf/eth0.1/forwarding"] {
            assert_eq!(checked(name), Ok(()), "{name}");
        }
        for name in ["kernel.core_pattern", "kernel.hostname", "net", "vm/swappiness"] {
            assert!(checked(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        for name in ["net/../kernel/core_pattern", "net/./../vm/swappiness", "net//x", "/net/x", "net.", "net..x", ""] {
            assert!(checked(name).is_err(), "{name}");
        }
    }
}
