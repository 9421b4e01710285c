//! The only module of the workspace with `unsafe`, with its part `container` for calls on other processes. Each function is safe to call: it owns or borrows every buffer that
//! the kernel reads or writes for the whole call, and turns -1 into the `errno` it stands for.

use std::ffi::CStr;
use std::io;
use std::mem::{size_of, size_of_val, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

pub(crate) mod container;

/// -1 becomes the error that `errno` holds.
fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Takes a new descriptor out of a system call's result.
fn owned(result: libc::c_long) -> io::Result<OwnedFd> {
    let fd = libc::c_int::try_from(checked(result)?).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made this descriptor for us, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn pointer(text: Option<&CStr>) -> *const libc::c_char {
    text.map_or(ptr::null(), CStr::as_ptr)
}

pub(crate) fn mount(
    source: Option<&CStr>,
    target: &CStr,
    kind: Option<&CStr>,
    flags: libc::c_ulong,
    data: Option<&CStr>,
) -> io::Result<()> {
    // SAFETY: all pointers are null or NUL-terminated strings that outlive the call.
    let result = unsafe { libc::mount(pointer(source), target.as_ptr(), pointer(kind), flags, pointer(data).cast()) };
    checked(result.into()).map(drop)
}

pub(crate) fn unmount(target: &CStr, flags: libc::c_int) -> io::Result<()> {
    // SAFETY: `target` is a NUL-terminated string that outlives the call.
    checked(unsafe { libc::umount2(target.as_ptr(), flags) }.into()).map(drop)
}

pub(crate) fn fsopen(kind: &CStr, flags: libc::c_uint) -> io::Result<OwnedFd> {
    // SAFETY: `kind` is a NUL-terminated string that outlives the call.
    owned(unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), flags) })
}

pub(crate) fn fsconfig(
    context: BorrowedFd<'_>,
    command: libc::c_uint,
    key: Option<&CStr>,
    value: Option<&CStr>,
) -> io::Result<()> {
    // SAFETY: both pointers are null or NUL-terminated strings that outlive the call; the last argument is unused by
    // the commands that this crate gives.
    checked(unsafe { libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), command, pointer(key), pointer(value), 0) })
        .map(drop)
}

pub(crate) fn fsmount(context: BorrowedFd<'_>, flags: libc::c_uint, attributes: libc::c_uint) -> io::Result<OwnedFd> {
    // SAFETY: passes integers only.
    owned(unsafe { libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), flags, attributes) })
}

pub(crate) fn move_mount(from: BorrowedFd<'_>, to: &CStr, flags: libc::c_uint) -> io::Result<()> {
    // SAFETY: `to` and the empty string are NUL-terminated and outlive the call.
    checked(unsafe {
        libc::syscall(libc::SYS_move_mount, from.as_raw_fd(), c"".as_ptr(), libc::AT_FDCWD, to.as_ptr(), flags)
    })
    .map(drop)
}

pub(crate) fn finit_module(module: BorrowedFd<'_>, parameters: &CStr) -> io::Result<()> {
    // SAFETY: `parameters` is a NUL-terminated string that outlives the call.
    checked(unsafe { libc::syscall(libc::SYS_finit_module, module.as_raw_fd(), parameters.as_ptr(), 0) }).map(drop)
}

pub(crate) fn sethostname(name: &[u8]) -> io::Result<()> {
    // SAFETY: the kernel reads `len` bytes, and `name` holds that many.
    checked(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) }.into()).map(drop)
}

pub(crate) fn sync() {
    // SAFETY: takes no arguments and cannot fail.
    unsafe { libc::sync() }
}

pub(crate) fn reboot(command: libc::c_int) -> io::Result<()> {
    // SAFETY: passes an integer only.
    checked(unsafe { libc::reboot(command) }.into()).map(drop)
}

pub(crate) fn statfs(directory: BorrowedFd<'_>) -> io::Result<libc::statfs> {
    // SAFETY: all-zero bytes are a valid `statfs`, which holds integers only.
    let mut result: libc::statfs = unsafe { zeroed() };
    // SAFETY: `result` is a `statfs` that the kernel may fill for the duration of the call.
    checked(unsafe { libc::fstatfs(directory.as_raw_fd(), &mut result) }.into())?;
    Ok(result)
}

pub(crate) fn monotonic() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a `timespec` that the kernel may fill. CLOCK_BOOTTIME exists since Linux 2.6.39; were it to
    // fail, `now` stays zero.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut now) };
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

pub(crate) fn kill(process: libc::pid_t, signal: libc::c_int) -> io::Result<()> {
    // SAFETY: passes integers only.
    checked(unsafe { libc::kill(process, signal) }.into()).map(drop)
}

pub(crate) fn pidfd_open(process: libc::pid_t) -> io::Result<OwnedFd> {
    // SAFETY: passes integers only.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_open, process, 0) })
}

/// Waits until `fd` can be read; `false` if that did not happen in time.
pub(crate) fn poll_in(fd: BorrowedFd<'_>, limit: Duration) -> io::Result<bool> {
    let mut entry = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // Rounded up, so that a wait of half a millisecond does not become a busy loop.
    let milliseconds = limit.as_micros().div_ceil(1000).try_into().unwrap_or(libc::c_int::MAX);
    // SAFETY: one `pollfd`, which the kernel may write to during the call.
    let ready = checked(unsafe { libc::poll(&mut entry, 1, milliseconds) }.into())?;
    Ok(ready > 0)
}

pub(crate) fn socketpair(kind: libc::c_int) -> io::Result<(OwnedFd, OwnedFd)> {
    let mut pair = [0; 2];
    // SAFETY: `pair` has room for the two descriptors.
    let result = unsafe { libc::socketpair(libc::AF_UNIX, kind | libc::SOCK_CLOEXEC, 0, pair.as_mut_ptr()) };
    checked(result.into())?;
    let [first, second] = pair;
    // SAFETY: the kernel has just made both descriptors for us.
    Ok(unsafe { (OwnedFd::from_raw_fd(first), OwnedFd::from_raw_fd(second)) })
}

/// A socket that hears the kernel's device events.
pub(crate) fn uevent_socket() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: passes integers only.
    let result = unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_KOBJECT_UEVENT) };
    let socket = owned(result.into())?;
    // SAFETY: all-zero bytes are a valid `sockaddr_nl`, which holds integers only.
    let mut address: libc::sockaddr_nl = unsafe { zeroed() };
    address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
    address.nl_groups = 1;
    let size = size_of::<libc::sockaddr_nl>() as libc::socklen_t;
    // SAFETY: the kernel reads `size` bytes, and `address` is that long.
    let result = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size) };
    checked(result.into())?;
    Ok(socket)
}

/// Room for six descriptors in a control message, aligned as the kernel's header wants it.
type Control = [u64; 5];

pub(crate) fn send(socket: BorrowedFd<'_>, data: &[u8], fd: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut part = libc::iovec { iov_base: data.as_ptr().cast_mut().cast(), iov_len: data.len() };
    let mut control: Control = [0; 5];
    // SAFETY: all-zero bytes are a valid `msghdr`: null pointers and zero lengths.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    if let Some(fd) = fd {
        let size = size_of::<libc::c_int>() as libc::c_uint;
        message.msg_control = control.as_mut_ptr().cast();
        // SAFETY: CMSG_SPACE only computes: 24 for one descriptor, which is less than `Control` has.
        message.msg_controllen = unsafe { libc::CMSG_SPACE(size) } as _;
        // SAFETY: `msg_control` points to an aligned, zeroed buffer of at least CMSG_SPACE(4) bytes, so CMSG_FIRSTHDR
        // is not null and its data has room for one descriptor.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(&message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(size) as _;
            libc::CMSG_DATA(header).cast::<libc::c_int>().write_unaligned(fd.as_raw_fd());
        }
    }
    // SAFETY: `message` points to `part` and `control`, which outlive the call; the kernel only reads them.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &message, libc::MSG_NOSIGNAL) };
    checked(sent as libc::c_long).map(drop)
}

/// Returns how many bytes came (0: the other end is closed), and the descriptors that came with them, six at most: the
/// kernel closes what there is no room for.
pub(crate) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let mut control: Control = [0; 5];
    // SAFETY: all-zero bytes are a valid `msghdr`: null pointers and zero lengths.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control) as _;
    // SAFETY: the kernel writes at most `iov_len` and `msg_controllen` bytes into buffers that outlive the call.
    let count =
        checked(unsafe { libc::recvmsg(socket.as_raw_fd(), &mut message, libc::MSG_CMSG_CLOEXEC) as libc::c_long })?;
    let mut fds = Vec::new();
    // SAFETY: the kernel filled `message` and `control`, so CMSG_FIRSTHDR and CMSG_NXTHDR walk whole headers.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(&message) };
    while !header.is_null() {
        // SAFETY: a header of type SCM_RIGHTS has as many descriptors as its length says behind it, which the kernel has
        // just made for us.
        unsafe {
            if (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_RIGHTS {
                let bytes = ((*header).cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
                for index in 0..bytes / size_of::<libc::c_int>() {
                    let raw = libc::CMSG_DATA(header).cast::<libc::c_int>().add(index).read_unaligned();
                    fds.push(OwnedFd::from_raw_fd(raw));
                }
            }
            header = libc::CMSG_NXTHDR(&message, header);
        }
    }
    Ok((usize::try_from(count).unwrap_or(0), fds))
}

/// An ioctl without an argument, or with an integer.
pub(crate) fn ioctl_value(device: BorrowedFd<'_>, request: u32, value: libc::c_ulong) -> io::Result<libc::c_long> {
    // SAFETY: the requests given by this crate take an integer, so the kernel follows no pointer.
    checked(unsafe { libc::ioctl(device.as_raw_fd(), request as _, value) }.into())
}

/// A plain structure that an ioctl reads or writes: integers and bytes only, so that any content is valid.
///
/// # Safety
/// The type is `repr(C)` (or an integer), without padding that matters, and every bit pattern is a valid value.
pub(crate) unsafe trait Plain {}

// SAFETY: an integer.
unsafe impl Plain for u64 {}
// SAFETY: `repr(C)`, integers and byte arrays only.
unsafe impl Plain for crate::devices::LoopConfig {}

/// An ioctl on a structure. `request` must be one that reads or writes exactly a `T`.
pub(crate) fn ioctl_plain<T: Plain>(device: BorrowedFd<'_>, request: u32, value: &mut T) -> io::Result<libc::c_long> {
    // SAFETY: `request` is one on a `T` (the callers are few, all in `devices`); `value` is a whole `T` that we hold
    // exclusively, and any bytes the kernel puts there are a valid `T`. A descriptor in it is the caller's.
    checked(unsafe { libc::ioctl(device.as_raw_fd(), request as _, std::ptr::from_mut(value)) }.into())
}

/// A device mapper ioctl: the buffer starts with a `struct dm_ioctl`, whose `data_size` says how long the buffer is.
pub(crate) fn ioctl_device_mapper(device: BorrowedFd<'_>, request: u32, buffer: &mut [u64]) -> io::Result<()> {
    // The kernel reads and writes at least the header, whatever `data_size` says.
    if size_of_val(buffer) < crate::devices::DM_HEADER {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    let length = u32::try_from(size_of_val(buffer)).map_err(io::Error::other)?;
    // SAFETY: the field is at byte 12 of a buffer of at least DM_HEADER bytes.
    unsafe { buffer.as_mut_ptr().cast::<u32>().add(3).write(length) };
    // SAFETY: the kernel reads and writes at most `data_size` bytes, which is the buffer's length.
    checked(unsafe { libc::ioctl(device.as_raw_fd(), request as _, buffer.as_mut_ptr()) }.into()).map(drop)
}

/// Resizes a partition in the kernel's view; offsets in bytes.
pub(crate) fn ioctl_resize_partition(
    disk: BorrowedFd<'_>,
    number: libc::c_int,
    start: i64,
    length: i64,
) -> io::Result<()> {
    #[repr(C)]
    struct Partition {
        start: i64,
        length: i64,
        number: libc::c_int,
        device_name: [u8; 64],
        volume_name: [u8; 64],
    }
    #[repr(C)]
    struct Argument {
        operation: libc::c_int,
        flags: libc::c_int,
        size: libc::c_int,
        data: *mut Partition,
    }
    const BLKPG: u32 = 0x1269;
    const RESIZE: libc::c_int = 3;
    let mut partition = Partition { start, length, number, device_name: [0; 64], volume_name: [0; 64] };
    let mut argument =
        Argument { operation: RESIZE, flags: 0, size: size_of::<Partition>() as libc::c_int, data: &mut partition };
    // SAFETY: both structures have the kernel's layout and outlive the call.
    checked(unsafe { libc::ioctl(disk.as_raw_fd(), BLKPG as _, &mut argument) }.into()).map(drop)
}
