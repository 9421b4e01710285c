//! Unix sockets that carry bytes and descriptors.

use crate::fs::again;
use crate::sys::{In, InOut, Out, sys};
use crate::{BorrowedFd, Errno, Fd, Result};
use alloc::vec::Vec;
use core::ffi::CStr;

const AF_UNIX: u16 = 1;
const SOCK_CLOEXEC: u32 = 0o2_000_000;
/// Bytes in order, without borders.
pub const STREAM: u32 = 1;
/// Messages, each by itself.
pub const DATAGRAMS: u32 = 2;
/// Whole messages in order.
pub const MESSAGES: u32 = 5;

/// `struct sockaddr_un`.
#[repr(C)]
struct Address {
    family: u16,
    path: [u8; 108],
}

impl Address {
    /// `ENAMETOOLONG` past 107 bytes: name it relative to a near working directory, or by `/proc/self/fd`.
    fn new(path: &CStr) -> Result<(Self, usize)> {
        let bytes = path.to_bytes();
        let mut address = Self { family: AF_UNIX, path: [0; 108] };
        let room = address.path.get_mut(..bytes.len()).filter(|room| room.len() < 108).ok_or(Errno::ENAMETOOLONG)?;
        room.copy_from_slice(bytes);
        Ok((address, 2 + bytes.len() + 1))
    }
}

/// A new socket.
pub fn new(kind: u32) -> Result<Fd> {
    sys!(socket, u32::from(AF_UNIX), kind | SOCK_CLOEXEC, 0u32).map(|fd| Fd::from_raw(fd as i32))
}

/// Two sockets that are connected with each other.
pub fn pair(kind: u32) -> Result<(Fd, Fd)> {
    let mut ends = [0i32; 2];
    sys!(socketpair, u32::from(AF_UNIX), kind | SOCK_CLOEXEC, 0u32, Out(&mut ends))?;
    let [one, other] = ends;
    Ok((Fd::from_raw(one), Fd::from_raw(other)))
}

/// Listens at a path.
pub fn listen(kind: u32, path: &CStr) -> Result<Fd> {
    let (address, length) = Address::new(path)?;
    let socket = new(kind)?;
    sys!(bind, socket.borrow(), In(&address), length)?;
    sys!(listen, socket.borrow(), 8u32)?;
    Ok(socket)
}

/// Connects to a path.
pub fn connect(kind: u32, path: &CStr) -> Result<Fd> {
    let (address, length) = Address::new(path)?;
    let socket = new(kind)?;
    again(|| sys!(connect, socket.borrow(), In(&address), length))?;
    Ok(socket)
}

/// As [`connect`], to an abstract name, which is in no file system.
pub fn connect_abstract(kind: u32, name: &[u8]) -> Result<Fd> {
    let mut address = Address { family: AF_UNIX, path: [0; 108] };
    address.path.get_mut(1..=name.len()).ok_or(Errno::ENAMETOOLONG)?.copy_from_slice(name);
    let socket = new(kind)?;
    again(|| sys!(connect, socket.borrow(), In(&address), 3 + name.len()))?;
    Ok(socket)
}

/// Waits for a connection.
pub fn accept(socket: BorrowedFd<'_>) -> Result<Fd> {
    again(|| sys!(accept4, socket, 0usize, 0usize, SOCK_CLOEXEC)).map(|fd| Fd::from_raw(fd as i32))
}

/// `struct iovec`, `struct msghdr` and a control message of at most 16 descriptors (`unix(7)`, `cmsg(3)`).
#[repr(C)]
struct Span {
    base: usize,
    length: usize,
}

#[repr(C)]
struct Header {
    name: usize,
    name_length: u32,
    spans: usize,
    span_count: usize,
    control: usize,
    control_length: usize,
    flags: u32,
}

#[repr(C, align(8))]
struct Control {
    length: usize,
    level: i32,
    kind: i32,
    descriptors: [i32; 16],
}

const SOL_SOCKET: i32 = 1;
const SCM_RIGHTS: i32 = 1;
const MSG_CMSG_CLOEXEC: u32 = 0x4000_0000;
const MSG_NOSIGNAL: u32 = 0x4000;
const HEAD: usize = 16;

/// Sends bytes, with descriptors (at most 16) beside the first of them; how many bytes went.
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<usize> {
    let mut control =
        Control { length: HEAD + 4 * descriptors.len(), level: SOL_SOCKET, kind: SCM_RIGHTS, descriptors: [0; 16] };
    if descriptors.len() > control.descriptors.len() {
        return Err(Errno::EINVAL);
    }
    for (place, descriptor) in control.descriptors.iter_mut().zip(descriptors) {
        *place = descriptor.raw();
    }
    let span = Span { base: bytes.as_ptr() as usize, length: bytes.len() };
    let header = Header {
        name: 0,
        name_length: 0,
        spans: core::ptr::from_ref(&span) as usize,
        span_count: 1,
        control: if descriptors.is_empty() { 0 } else { core::ptr::from_ref(&control) as usize },
        control_length: if descriptors.is_empty() { 0 } else { control.length.next_multiple_of(8) },
        flags: 0,
    };
    again(|| sys!(sendmsg, socket, In(&header), MSG_NOSIGNAL))
}

/// Sends all bytes, with descriptors beside the first of them.
pub fn send_all(socket: BorrowedFd<'_>, mut bytes: &[u8], mut descriptors: &[BorrowedFd<'_>]) -> Result<()> {
    while !bytes.is_empty() {
        let count = send(socket, bytes, descriptors)?;
        descriptors = &[];
        bytes = bytes.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// Receives what is there, up to the size of `buffer`: how many bytes, 0 at the end, and the descriptors beside them.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<(usize, Vec<Fd>)> {
    let mut control = Control { length: 0, level: 0, kind: 0, descriptors: [0; 16] };
    let span = Span { base: buffer.as_mut_ptr() as usize, length: buffer.len() };
    let mut header = Header {
        name: 0,
        name_length: 0,
        spans: core::ptr::from_ref(&span) as usize,
        span_count: 1,
        control: core::ptr::from_mut(&mut control) as usize,
        control_length: size_of::<Control>(),
        flags: 0,
    };
    let count = again(|| sys!(recvmsg, socket, InOut(&mut header), MSG_CMSG_CLOEXEC))?;
    let mut received = Vec::new();
    if header.control_length >= HEAD && control.level == SOL_SOCKET && control.kind == SCM_RIGHTS {
        let number = control.length.saturating_sub(HEAD) / 4;
        received.extend(control.descriptors.iter().take(number).map(|&raw| Fd::from_raw(raw)));
    }
    Ok((count, received))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs;

    #[test]
    fn descriptors_travel_beside_bytes() {
        let (one, other) = pair(MESSAGES).unwrap();
        let (read, write) = fs::pipe().unwrap();
        assert_eq!(send(one.borrow(), b"take this", &[write.borrow(), read.borrow()]).unwrap(), 9);
        let mut buffer = [0; 64];
        let (count, descriptors) = receive(other.borrow(), &mut buffer).unwrap();
        assert_eq!(&buffer[..count], b"take this");
        let [write, read] = <[Fd; 2]>::try_from(descriptors).unwrap();
        fs::write_all(write.borrow(), b"through").unwrap();
        drop(write);
        let count = fs::read(read.borrow(), &mut buffer).unwrap();
        assert_eq!(&buffer[..count], b"through");
    }

    #[test]
    fn a_path_that_does_not_fit_is_refused() {
        let long = alloc::ffi::CString::new([b'x'; 108]).unwrap();
        assert_eq!(connect(STREAM, &long).unwrap_err(), Errno::ENAMETOOLONG);
        assert_eq!(connect(STREAM, c"/nowhere").unwrap_err(), Errno::ENOENT);
    }
}
