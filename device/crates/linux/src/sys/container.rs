//! The system calls on other processes' namespaces, trees and system calls: seccomp notifications, `openat2`, mounts by
//! descriptor, namespaces, identities of one thread. Safe like everything in `sys`; constants are those of the kernel's
//! headers (`linux/seccomp.h`, `linux/openat2.h`, `linux/mount.h`, `linux/nsfs.h`, `linux/capability.h`).

use super::{Plain, checked, ioctl_plain, owned};
use std::ffi::CStr;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

/// `struct seccomp_notif`, with its `struct seccomp_data`.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Notification {
    pub(crate) id: u64,
    pub(crate) pid: u32,
    pub(crate) flags: u32,
    pub(crate) number: i32,
    pub(crate) architecture: u32,
    pub(crate) instruction_pointer: u64,
    pub(crate) arguments: [u64; 6],
}

/// `struct seccomp_notif_resp`
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct Response {
    pub(crate) id: u64,
    pub(crate) value: i64,
    pub(crate) error: i32,
    pub(crate) flags: u32,
}

/// `struct seccomp_notif_addfd`
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct AddDescriptor {
    pub(crate) id: u64,
    pub(crate) flags: u32,
    pub(crate) source: u32,
    pub(crate) new: u32,
    pub(crate) new_flags: u32,
}

// SAFETY: `repr(C)`, integers only, without padding.
unsafe impl Plain for Notification {}
// SAFETY: `repr(C)`, integers only, without padding.
unsafe impl Plain for Response {}
// SAFETY: `repr(C)`, integers only, without padding.
unsafe impl Plain for AddDescriptor {}

/// `SECCOMP_IOCTL_NOTIF_RECV`. Sleeps until there is one.
pub(crate) fn notification(listener: BorrowedFd<'_>) -> io::Result<Notification> {
    // The kernel wants zeroes.
    let mut value = Notification::default();
    ioctl_plain(listener, 0xc050_2100, &mut value)?;
    Ok(value)
}

/// `SECCOMP_IOCTL_NOTIF_SEND`
pub(crate) fn respond(listener: BorrowedFd<'_>, mut response: Response) -> io::Result<()> {
    ioctl_plain(listener, 0xc018_2101, &mut response).map(drop)
}

/// `SECCOMP_IOCTL_NOTIF_ID_VALID`
pub(crate) fn notification_is_valid(listener: BorrowedFd<'_>, mut id: u64) -> io::Result<()> {
    ioctl_plain(listener, 0x4008_2102, &mut id).map(drop)
}

/// `SECCOMP_IOCTL_NOTIF_ADDFD`
pub(crate) fn add_descriptor(listener: BorrowedFd<'_>, mut request: AddDescriptor) -> io::Result<()> {
    ioctl_plain(listener, 0x4018_2103, &mut request).map(drop)
}

/// `events` of `poll` that happened, after waiting without a limit.
pub(crate) fn poll_forever(fd: BorrowedFd<'_>) -> io::Result<libc::c_short> {
    let mut entry = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one `pollfd`, which the kernel may write to during the call.
    checked(unsafe { libc::poll(&mut entry, 1, -1) }.into())?;
    Ok(entry.revents)
}

/// `openat2` with close-on-exec.
pub(crate) fn openat2(directory: BorrowedFd<'_>, path: &CStr, flags: libc::c_int, resolve: u64) -> io::Result<OwnedFd> {
    #[repr(C)]
    struct OpenHow {
        flags: u64,
        mode: u64,
        resolve: u64,
    }
    let flags = u64::try_from(flags | libc::O_CLOEXEC).map_err(io::Error::other)?;
    let how = OpenHow { flags, mode: 0, resolve };
    // SAFETY: `path` is NUL-terminated and `how` has the size that is told; both outlive the call.
    owned(unsafe {
        libc::syscall(libc::SYS_openat2, directory.as_raw_fd(), path.as_ptr(), &raw const how, size_of::<OpenHow>())
    })
}

pub(crate) fn open_tree(fd: BorrowedFd<'_>, path: &CStr, flags: libc::c_uint) -> io::Result<OwnedFd> {
    // SAFETY: `path` is a NUL-terminated string that outlives the call.
    owned(unsafe { libc::syscall(libc::SYS_open_tree, fd.as_raw_fd(), path.as_ptr(), flags) })
}

/// Both ends are descriptors.
pub(crate) fn move_mount_to(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> io::Result<()> {
    const FROM_EMPTY_PATH: libc::c_uint = 4;
    const TO_EMPTY_PATH: libc::c_uint = 0x40;
    let empty = c"".as_ptr();
    // SAFETY: the empty string is NUL-terminated and outlives the call.
    checked(unsafe {
        let flags = FROM_EMPTY_PATH | TO_EMPTY_PATH;
        libc::syscall(libc::SYS_move_mount, from.as_raw_fd(), empty, to.as_raw_fd(), empty, flags)
    })
    .map(drop)
}

/// `mount_setattr` on the mount that `mount` is.
pub(crate) fn mount_setattr(
    mount: BorrowedFd<'_>,
    recursive: bool,
    set: u64,
    clear: u64,
    user_namespace: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    #[repr(C)]
    struct Attributes {
        set: u64,
        clear: u64,
        propagation: u64,
        user_namespace: u64,
    }
    const RECURSIVE: libc::c_int = 0x8000;
    let user_namespace = user_namespace.map_or(0, |fd| u64::from(fd.as_raw_fd().unsigned_abs()));
    let attributes = Attributes { set, clear, propagation: 0, user_namespace };
    let flags = libc::AT_EMPTY_PATH | if recursive { RECURSIVE } else { 0 };
    // SAFETY: the empty string is NUL-terminated and `attributes` has the size that is told; both outlive the call.
    checked(unsafe {
        let (size, empty) = (size_of::<Attributes>(), c"".as_ptr());
        libc::syscall(libc::SYS_mount_setattr, mount.as_raw_fd(), empty, flags, &raw const attributes, size)
    })
    .map(drop)
}

/// The mount's identity (unique for the time that the kernel runs where the kernel can, else while it is mounted), and
/// whether the path is a mount's root. `None`: the kernel does not tell.
pub(crate) fn mount_identity(directory: BorrowedFd<'_>, path: &CStr) -> io::Result<Option<(u64, bool)>> {
    const MOUNT_ID: u32 = 0x1000;
    const UNIQUE_MOUNT_ID: u32 = 0x4000;
    const MOUNT_ROOT: u64 = 0x2000;
    let mut result: libc::statx =
        // SAFETY: all-zero bytes are a valid `statx`, which holds integers only.
        unsafe { zeroed() };
    let flags = libc::AT_EMPTY_PATH | libc::AT_SYMLINK_NOFOLLOW | libc::AT_NO_AUTOMOUNT;
    let mask = MOUNT_ID | UNIQUE_MOUNT_ID;
    // SAFETY: `path` is NUL-terminated, `result` is a `statx` that the kernel may fill; both outlive the call. A system
    // call rather than libc's function, which some libcs emulate.
    checked(unsafe {
        libc::syscall(libc::SYS_statx, directory.as_raw_fd(), path.as_ptr(), flags, mask, &raw mut result)
    })?;
    let known = result.stx_mask & mask != 0 && result.stx_attributes_mask & MOUNT_ROOT != 0;
    Ok(known.then_some((result.stx_mnt_id, result.stx_attributes & MOUNT_ROOT != 0)))
}

pub(crate) fn unshare(flags: libc::c_int) -> io::Result<()> {
    // SAFETY: passes an integer only.
    checked(unsafe { libc::unshare(flags) }.into()).map(drop)
}

pub(crate) fn setns(namespace: BorrowedFd<'_>, kind: libc::c_int) -> io::Result<()> {
    // SAFETY: passes integers only.
    checked(unsafe { libc::setns(namespace.as_raw_fd(), kind) }.into()).map(drop)
}

/// `NS_GET_USERNS`: the user namespace that owns a namespace.
pub(crate) fn owning_user_namespace(namespace: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    owned(super::ioctl_value(namespace, 0xb701, 0)?)
}

pub(crate) fn mknodat(
    directory: BorrowedFd<'_>,
    name: &CStr,
    mode: libc::mode_t,
    device: libc::dev_t,
) -> io::Result<()> {
    // SAFETY: `name` is a NUL-terminated string that outlives the call.
    checked(unsafe { libc::mknodat(directory.as_raw_fd(), name.as_ptr(), mode, device) }.into()).map(drop)
}

pub(crate) fn unlinkat(directory: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    // SAFETY: `name` is a NUL-terminated string that outlives the call.
    checked(unsafe { libc::unlinkat(directory.as_raw_fd(), name.as_ptr(), 0) }.into()).map(drop)
}

pub(crate) fn fchownat(directory: BorrowedFd<'_>, name: &CStr, user: u32, group: u32) -> io::Result<()> {
    // SAFETY: `name` is a NUL-terminated string that outlives the call.
    let result =
        unsafe { libc::fchownat(directory.as_raw_fd(), name.as_ptr(), user, group, libc::AT_SYMLINK_NOFOLLOW) };
    checked(result.into()).map(drop)
}

pub(crate) fn fchdir(directory: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: passes an integer only.
    checked(unsafe { libc::fchdir(directory.as_raw_fd()) }.into()).map(drop)
}

/// Sets the mask that this thread (or all that share its file system state) makes files with.
pub(crate) fn umask(mask: libc::mode_t) {
    // SAFETY: passes an integer only, and cannot fail.
    unsafe { libc::umask(mask) };
}

/// The calling thread alone: no supplementary groups, these identities for files, and of the effective capabilities those
/// in `capabilities` (a bit each).
pub(crate) fn become_for_files(user: u32, group: u32, capabilities: u64) -> io::Result<()> {
    // The system calls, since libc's functions would change all threads.
    // SAFETY: no groups are read where their number is 0; integers otherwise.
    checked(unsafe { libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<libc::gid_t>()) })?;
    // SAFETY: passes integers only. Both return the former identity, and no error: asking once more tells.
    let now = unsafe {
        libc::syscall(libc::SYS_setfsgid, group);
        libc::syscall(libc::SYS_setfsuid, user);
        (libc::syscall(libc::SYS_setfsuid, user), libc::syscall(libc::SYS_setfsgid, group))
    };
    if now != (libc::c_long::from(user), libc::c_long::from(group)) {
        return Err(io::Error::from_raw_os_error(libc::EPERM));
    }
    set_effective(capabilities)
}

/// Sets the group of the calling thread.
pub(crate) fn set_thread_group(group: u32) -> io::Result<()> {
    // SAFETY: passes integers only; the system call, since libc's function would change all threads.
    checked(unsafe { libc::syscall(libc::SYS_setresgid, -1, group, -1) }).map(drop)
}

#[repr(C)]
struct CapabilityHeader {
    version: u32,
    process: libc::c_int,
}

/// Effective, permitted, inheritable: first the low halves, then the high ones.
type Capabilities = [u32; 6];

fn set_effective(wanted: u64) -> io::Result<()> {
    const VERSION_3: u32 = 0x2008_0522;
    let mut header = CapabilityHeader { version: VERSION_3, process: 0 };
    let mut sets: Capabilities = [0; 6];
    // SAFETY: version 3 has two times three words, which `sets` has room for; both outlive the call.
    checked(unsafe { libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) })?;
    let [low, permitted_low, inheritable_low, high, permitted_high, inheritable_high] = sets;
    let _ = (low, high);
    let halves = (wanted as u32 & permitted_low, (wanted >> 32) as u32 & permitted_high);
    let sets: Capabilities = [halves.0, permitted_low, inheritable_low, halves.1, permitted_high, inheritable_high];
    // SAFETY: as above; the kernel only reads.
    checked(unsafe { libc::syscall(libc::SYS_capset, &raw mut header, sets.as_ptr()) }).map(drop)
}

pub(crate) fn socket(domain: libc::c_int, kind: libc::c_int, protocol: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: passes integers only.
    owned(unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol) }.into())
}

/// `SO_PEERCRED`: process, user and group of the other end when it connected.
pub(crate) fn peer(socket: BorrowedFd<'_>) -> io::Result<libc::ucred> {
    let mut result = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `result` has the size that is told; the kernel may fill it during the call.
    let answer = unsafe {
        let place = (&raw mut result).cast();
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, place, &raw mut size)
    };
    checked(answer.into())?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_kernels_sizes() {
        assert_eq!(size_of::<Notification>(), 80);
        assert_eq!(size_of::<Response>(), 24);
        assert_eq!(size_of::<AddDescriptor>(), 24);
    }
}
