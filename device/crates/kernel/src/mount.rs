//! Mounts by descriptor (Linux 5.2, 5.12 for `mount_setattr`), and the two calls of the older interface that are left.

use crate::sys::{In, sys};
use crate::{BorrowedFd, Fd, Result};
use core::ffi::CStr;
use linux_raw_sys::general as raw;
pub use raw::{
    AT_RECURSIVE, MNT_DETACH, MOUNT_ATTR__ATIME, MOUNT_ATTR_IDMAP, MOUNT_ATTR_NOATIME, MOUNT_ATTR_NODEV,
    MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NOSYMFOLLOW, MOUNT_ATTR_RDONLY,
    MOUNT_ATTR_RELATIME, MOUNT_ATTR_STRICTATIME, MS_BIND, MS_PRIVATE, MS_REC, MS_REMOUNT, MS_SHARED, MS_SLAVE,
    MS_UNBINDABLE,
};

/// What `mount_setattr` changes: flags set and cleared, propagation (`MS_PRIVATE` …), and for `MOUNT_ATTR_IDMAP` a user
/// namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes<'a> {
    /// `MOUNT_ATTR_` flags to set.
    pub set: u64,
    /// `MOUNT_ATTR_` flags to clear.
    pub clear: u64,
    /// `MS_SHARED`, `MS_SLAVE`, `MS_PRIVATE`, `MS_UNBINDABLE` or 0.
    pub propagation: u64,
    /// The user namespace whose map is laid over the mount.
    pub user_namespace: Option<BorrowedFd<'a>>,
}

/// A file system of a kind, to be configured.
pub fn fsopen(kind: &CStr) -> Result<Fd> {
    sys!(fsopen, kind, raw::FSOPEN_CLOEXEC).map(|fd| Fd::from_raw(fd as i32))
}

/// An existing mount's file system, to be configured anew.
pub fn fspick(directory: BorrowedFd<'_>, path: &CStr) -> Result<Fd> {
    sys!(fspick, directory, path, raw::FSPICK_CLOEXEC | raw::FSPICK_EMPTY_PATH | raw::FSPICK_NO_AUTOMOUNT)
        .map(|fd| Fd::from_raw(fd as i32))
}

/// Gives a file system a parameter with a value.
pub fn set_string(context: BorrowedFd<'_>, key: &CStr, value: &CStr) -> Result<()> {
    sys!(fsconfig, context, raw::fsconfig_command::FSCONFIG_SET_STRING as u32, key, value, 0u32).map(drop)
}

/// Gives a file system a parameter without a value.
pub fn set_flag(context: BorrowedFd<'_>, key: &CStr) -> Result<()> {
    sys!(fsconfig, context, raw::fsconfig_command::FSCONFIG_SET_FLAG as u32, key, 0usize, 0u32).map(drop)
}

/// Makes the configured file system's superblock.
pub fn create(context: BorrowedFd<'_>) -> Result<()> {
    sys!(fsconfig, context, raw::fsconfig_command::FSCONFIG_CMD_CREATE as u32, 0usize, 0usize, 0u32).map(drop)
}

/// Carries the new configuration over to the superblock that was picked.
pub fn reconfigure(context: BorrowedFd<'_>) -> Result<()> {
    sys!(fsconfig, context, raw::fsconfig_command::FSCONFIG_CMD_RECONFIGURE as u32, 0usize, 0usize, 0u32).map(drop)
}

/// A mount of the file system that is attached nowhere yet, with `MOUNT_ATTR_` flags.
pub fn fsmount(context: BorrowedFd<'_>, attributes: u64) -> Result<Fd> {
    sys!(fsmount, context, raw::FSMOUNT_CLOEXEC, attributes as u32).map(|fd| Fd::from_raw(fd as i32))
}

/// A copy of a mount (with those below it if `recursive`), attached nowhere yet.
pub fn clone_tree(directory: BorrowedFd<'_>, path: &CStr, recursive: bool) -> Result<Fd> {
    let flags = raw::OPEN_TREE_CLONE
        | raw::OPEN_TREE_CLOEXEC
        | raw::AT_EMPTY_PATH
        | raw::AT_NO_AUTOMOUNT
        | if recursive { AT_RECURSIVE } else { 0 };
    sys!(open_tree, directory, path, flags).map(|fd| Fd::from_raw(fd as i32))
}

/// Attaches a mount on top of what `to` is open on.
pub fn attach(mount: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<()> {
    let flags = raw::MOVE_MOUNT_F_EMPTY_PATH | raw::MOVE_MOUNT_T_EMPTY_PATH;
    sys!(move_mount, mount, c"", to, c"", flags).map(drop)
}

/// `mount_setattr` on what a descriptor is open on.
pub fn set_attributes(mount: BorrowedFd<'_>, recursive: bool, attributes: Attributes<'_>) -> Result<()> {
    let change = raw::mount_attr {
        attr_set: attributes.set,
        attr_clr: attributes.clear,
        propagation: attributes.propagation,
        userns_fd: attributes.user_namespace.map_or(0, |fd| fd.raw() as u64),
    };
    let flags = raw::AT_EMPTY_PATH | if recursive { AT_RECURSIVE } else { 0 };
    sys!(mount_setattr, mount, c"", flags, In(&change), size_of::<raw::mount_attr>()).map(drop)
}

/// The older `mount`, for propagation and for what file systems of before `fsopen` need.
pub fn mount(source: Option<&CStr>, target: &CStr, kind: Option<&CStr>, flags: u64, data: Option<&CStr>) -> Result<()> {
    sys!(mount, source, target, kind, flags, data).map(drop)
}

/// `umount2`.
pub fn unmount(target: &CStr, flags: u32) -> Result<()> {
    sys!(umount2, target, flags).map(drop)
}

/// Makes the working directory the root, and puts the old root on top of it (`pivot_root(".", ".")`).
pub fn pivot_root_here() -> Result<()> {
    sys!(pivot_root, c".", c".").map(drop)
}

/// `chroot`.
pub fn change_root(path: &CStr) -> Result<()> {
    sys!(chroot, path).map(drop)
}
