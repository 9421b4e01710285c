//! Kernel parameters: written through the host's procfs, by a process that is in the container's namespaces.

use crate::error::{About, Error};
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
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
        let name = name.replace('/', ".");
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
        if linux.namespace(kind).is_none() {
            return Err(Error::config(format!(
                "linux.sysctl: {name} is the host's: the container has no {kind:?} namespace"
            )));
        }
    }
    Ok(())
}

/// Writes the parameters.
pub(super) fn write(proc: BorrowedFd<'_>, parameters: &[(String, String)]) -> Result<(), Error> {
    for (name, value) in parameters {
        // A name of an interface may have dots of its own: then the parts are separated by slashes.
        let path = if name.contains('/') { name.clone() } else { name.replace('.', "/") };
        let what = || format!("write {value:?} to sysctl {name}");
        let path = CString::new(format!("sys/{path}")).map_err(|_| Error::system(what(), Errno::EINVAL))?;
        let resolve = fs::RESOLVE_BENEATH | fs::RESOLVE_NO_SYMLINKS | fs::RESOLVE_NO_XDEV;
        let file = fs::open2(proc, &path, fs::O_WRONLY, 0, resolve).about(what)?;
        fs::write_all(file.borrow(), value.as_bytes()).about(what)?;
    }
    Ok(())
}
