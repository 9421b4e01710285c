//! Namespaces of other processes. What changes here changes for the calling thread alone: take a thread for it that ends
//! afterwards.

use crate::sys::container;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

/// The kinds that are entered here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Mounts
    Mount,
    /// Network
    Network,
}

/// Enters a namespace. Of mounts: root and working directory become the namespace's root.
pub fn enter(namespace: &impl AsFd, kind: Kind) -> io::Result<()> {
    match kind {
        Kind::Mount => {
            // Root and working directory are shared between threads until a thread has its own.
            container::unshare(libc::CLONE_FS)?;
            container::setns(namespace.as_fd(), libc::CLONE_NEWNS)
        }
        Kind::Network => container::setns(namespace.as_fd(), libc::CLONE_NEWNET),
    }
}

/// Gives the calling thread a copy of its mount namespace.
pub fn leave_mounts() -> io::Result<()> {
    container::unshare(libc::CLONE_FS | libc::CLONE_NEWNS)
}

/// Gives the calling thread a working directory and a file mode mask of its own.
pub fn own_directory() -> io::Result<()> {
    container::unshare(libc::CLONE_FS)
}

/// The user namespace that owns `namespace`.
pub fn owner(namespace: &impl AsFd) -> io::Result<File> {
    container::owning_user_namespace(namespace.as_fd()).map(File::from)
}

/// Whether two open namespaces are one.
pub fn is_same(one: &File, other: &File) -> io::Result<bool> {
    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

/// Makes the calling thread act on files as `user` and `group`, with no other groups, and with no capability in effect but
/// the one to make device nodes.
pub fn act_as(user: u32, group: u32) -> io::Result<()> {
    const MKNOD: u64 = 1 << 27;
    container::become_for_files(user, group, MKNOD)
}

/// Sets the calling thread's effective group, which ping sockets are granted by.
pub fn set_group(group: u32) -> io::Result<()> {
    container::set_thread_group(group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_told_apart() {
        let open = |name: &str| File::open(format!("/proc/self/ns/{name}")).unwrap();
        assert!(is_same(&open("mnt"), &open("mnt")).unwrap());
        assert!(!is_same(&open("mnt"), &open("net")).unwrap());
    }
}
