//! Mounting, by path and by detached mounts that a descriptor holds.

use crate::sys;
use std::ffi::{CString, OsStr};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// `MS_RDONLY`
pub const READ_ONLY: u64 = libc::MS_RDONLY;
/// `MS_NOSUID`
pub const NO_SUID: u64 = libc::MS_NOSUID;
/// `MS_NODEV`
pub const NO_DEVICES: u64 = libc::MS_NODEV;
/// `MS_NOEXEC`
pub const NO_EXEC: u64 = libc::MS_NOEXEC;

pub(crate) fn c_string(text: impl AsRef<OsStr>) -> io::Result<CString> {
    CString::new(text.as_ref().as_bytes()).map_err(io::Error::from)
}

/// Mounts `source` at `target`.
pub fn mount(source: &Path, target: &Path, kind: &str, flags: u64, options: &str) -> io::Result<()> {
    let (source, target, kind, options) = (c_string(source)?, c_string(target)?, c_string(kind)?, c_string(options)?);
    sys::mount(Some(&source), &target, Some(&kind), flags, Some(&options))
}

/// Moves the mount at `from`, with all that is mounted below it, to `to`.
pub fn move_mount(from: &Path, to: &Path) -> io::Result<()> {
    sys::mount(Some(&c_string(from)?), &c_string(to)?, None, libc::MS_MOVE, None)
}

/// Takes the mount at `target` away, at once if nobody uses it, else when the last user is gone.
pub fn unmount(target: &Path) -> io::Result<()> {
    sys::unmount(&c_string(target)?, libc::MNT_DETACH)
}

/// `MOUNT_ATTR_NODEV`, for a [`DetachedMount`].
pub const ATTRIBUTE_NO_DEVICES: u32 = 0x4;
/// `MOUNT_ATTR_NOATIME`, for a [`DetachedMount`].
pub const ATTRIBUTE_NO_ACCESS_TIMES: u32 = 0x10;

/// A mounted file system that is at no path yet. When the last descriptor of it is closed, it is unmounted: whatever
/// happens to its maker, nothing is left behind.
#[derive(Debug)]
pub struct DetachedMount(OwnedFd);

impl DetachedMount {
    /// Mounts `source`; `options` are the file system's own (`errors`, `remount-ro`), `attributes` those of the mount.
    ///
    /// The error's text holds what the file system said about it, which `errno` alone does not.
    pub fn open(source: &Path, kind: &str, options: &[(&str, &str)], attributes: u32) -> Result<Self, MountError> {
        let options: Vec<_> = options.iter().map(|(name, value)| (*name, Some(*value))).collect();
        Self::open_with(source, kind, &options, attributes)
    }

    /// The same; an option without a value is a flag (`ro`).
    pub fn open_with(
        source: &Path,
        kind: &str,
        options: &[(&str, Option<&str>)],
        attributes: u32,
    ) -> Result<Self, MountError> {
        const SET_FLAG: libc::c_uint = 0;
        const SET_STRING: libc::c_uint = 1;
        const CREATE: libc::c_uint = 6;
        const CLOSE_ON_EXEC: libc::c_uint = 1;
        let context = sys::fsopen(&c_string(kind)?, CLOSE_ON_EXEC)?;
        let configure = || -> io::Result<()> {
            sys::fsconfig(context.as_fd(), SET_STRING, Some(c"source"), Some(&c_string(source)?))?;
            for (name, value) in options {
                let (name, value) = (c_string(name)?, value.map(c_string).transpose()?);
                let command = if value.is_some() { SET_STRING } else { SET_FLAG };
                sys::fsconfig(context.as_fd(), command, Some(&name), value.as_deref())?;
            }
            sys::fsconfig(context.as_fd(), CREATE, None, None)
        };
        match configure().and_then(|()| sys::fsmount(context.as_fd(), CLOSE_ON_EXEC, attributes)) {
            Ok(mount) => Ok(Self(mount)),
            Err(error) => Err(MountError { error, log: read_log(context) }),
        }
    }

    /// Gives it a path.
    pub fn attach(self, target: &Path) -> io::Result<()> {
        const FROM_EMPTY_PATH: libc::c_uint = 4;
        sys::move_mount(self.0.as_fd(), &c_string(target)?, FROM_EMPTY_PATH)
    }

    /// Puts it on what `target` is open on, a path of the calling thread's mount namespace. The mount stays when the
    /// descriptor goes.
    pub fn attach_to(&self, target: &impl AsFd) -> io::Result<()> {
        sys::container::move_mount_to(self.0.as_fd(), target.as_fd())
    }

    /// A copy of the mount that `of` is open on, with that as its root; with all that is mounted below if `recursive`.
    /// `of` has to be in the calling thread's mount namespace.
    pub fn copy(of: &impl AsFd, recursive: bool) -> io::Result<Self> {
        Self::copy_below(of, Path::new(""), recursive)
    }

    /// The same of a path below `of`.
    pub fn copy_below(of: &impl AsFd, path: &Path, recursive: bool) -> io::Result<Self> {
        const CLONE: libc::c_uint = 1;
        const EMPTY_PATH: libc::c_uint = libc::AT_EMPTY_PATH as libc::c_uint;
        const RECURSIVE: libc::c_uint = 0x8000;
        let close_on_exec = libc::O_CLOEXEC as libc::c_uint;
        let flags = CLONE | EMPTY_PATH | close_on_exec | if recursive { RECURSIVE } else { 0 };
        sys::container::open_tree(of.as_fd(), &c_string(path)?, flags).map(Self)
    }

    /// Sets attributes, and takes none away.
    pub fn restrict(&self, attributes: u32, recursive: bool) -> io::Result<()> {
        let access_times = attributes & ACCESS_TIMES != 0;
        // The kernel wants the former choice of access times taken away with a new one.
        let clear = if access_times { u64::from(ACCESS_TIMES) } else { 0 };
        sys::container::mount_setattr(self.0.as_fd(), recursive, attributes.into(), clear, None)
    }

    /// Files that belong to user 0 on the medium belong to user 0 of `user_namespace` in this mount, and so on.
    pub fn map_owners(&self, user_namespace: &impl AsFd) -> io::Result<()> {
        const ID_MAPPED: u64 = 0x10_0000;
        sys::container::mount_setattr(self.0.as_fd(), false, ID_MAPPED, 0, Some(user_namespace.as_fd()))
    }
}

/// `MOUNT_ATTR_RDONLY`, for a [`DetachedMount`].
pub const ATTRIBUTE_READ_ONLY: u32 = 0x1;
/// `MOUNT_ATTR_NOSUID`
pub const ATTRIBUTE_NO_SUID: u32 = 0x2;
/// `MOUNT_ATTR_NOEXEC`
pub const ATTRIBUTE_NO_EXEC: u32 = 0x8;
/// `MOUNT_ATTR__ATIME`, all bits about access times.
const ACCESS_TIMES: u32 = 0x70;

/// Which mount a path is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MountIdentity {
    /// The mount's number.
    pub id: u64,
    /// Whether the path is where it begins.
    pub is_root: bool,
}

/// Asks for `path` below `directory` (empty: `directory` itself), without following a link at its end. `None`: the kernel
/// (before 5.8) does not tell.
pub fn mount_identity(directory: &impl AsFd, path: &Path) -> io::Result<Option<MountIdentity>> {
    let found = sys::container::mount_identity(directory.as_fd(), &c_string(path)?)?;
    Ok(found.map(|(id, is_root)| MountIdentity { id, is_root }))
}

/// `MNT_FORCE`
pub const FORCE: i32 = libc::MNT_FORCE;
/// `MNT_DETACH`
pub const DETACH: i32 = libc::MNT_DETACH;
/// `UMOUNT_NOFOLLOW`
pub const NO_FOLLOW: i32 = libc::UMOUNT_NOFOLLOW;

/// Unmounts `target`, a path from the working directory of the calling thread, with flags.
pub fn unmount_with(target: &Path, flags: i32) -> io::Result<()> {
    sys::unmount(&c_string(target)?, flags)
}

/// Cuts the calling thread's mount namespace off from all others: what it mounts is seen nowhere else.
pub fn make_all_private() -> io::Result<()> {
    sys::mount(None, c"/", None, libc::MS_REC | libc::MS_PRIVATE, None)
}

impl AsFd for DetachedMount {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<DetachedMount> for OwnedFd {
    fn from(mount: DetachedMount) -> Self {
        mount.0
    }
}

impl From<OwnedFd> for DetachedMount {
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

/// Why there is no mount.
#[derive(Debug)]
pub struct MountError {
    error: io::Error,
    /// What the file system said, each line after a `; `.
    log: String,
}

impl MountError {
    /// Whether it is what is on the device that cannot be mounted. Else it may well be whole: it cannot be read or written,
    /// or the kernel lacks something.
    #[must_use]
    pub fn is_about_content(&self) -> bool {
        // The kernel's names of the last two are EFSCORRUPTED and EFSBADCRC.
        matches!(self.error.raw_os_error(), Some(libc::EINVAL | libc::EUCLEAN | libc::EBADMSG))
    }
}

impl MountError {
    /// The kernel's code.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        self.error.raw_os_error()
    }
}

impl From<io::Error> for MountError {
    fn from(error: io::Error) -> Self {
        Self { error, log: String::new() }
    }
}

impl fmt::Display for MountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.error, self.log)
    }
}

impl std::error::Error for MountError {}

/// The lines that the kernel keeps in a mount context ("e ext4: …").
fn read_log(context: OwnedFd) -> String {
    let mut context = File::from(context);
    let mut text = String::new();
    let mut line = [0; 512];
    // One read is one message; ENODATA ends it. The kernel keeps eight at most.
    for _ in 0..8 {
        let Ok(count @ 1..) = context.read(&mut line) else { break };
        let message = String::from_utf8_lossy(line.get(..count).unwrap_or(&[])).into_owned();
        text.push_str("; ");
        text.push_str(message.trim_end().trim_start_matches(['e', 'w', 'i']).trim_start());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_a_device_is_told_from_what_is_wrong_with_it() {
        let error = |code| MountError { error: io::Error::from_raw_os_error(code), log: "; ext4: no".into() };
        for code in [libc::EINVAL, libc::EUCLEAN, libc::EBADMSG] {
            assert!(error(code).is_about_content());
        }
        for code in [libc::EIO, libc::ENODEV, libc::ENOMEM, libc::EROFS, libc::EACCES, libc::EBUSY] {
            assert!(!error(code).is_about_content());
        }
        assert!(error(libc::EIO).to_string().ends_with("; ext4: no"));
    }
}
