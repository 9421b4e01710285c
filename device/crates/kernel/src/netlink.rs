//! Sockets of rtnetlink (netlink(7)): each belongs to the network namespace in which it was made, and keeps it alive.

use crate::fs::again;
use crate::sys::{In, InOut, Out, sys};
use crate::{BorrowedFd, Errno, Fd, Result};

const AF_NETLINK: u32 = 16;
const SOCK_RAW_CLOEXEC: u32 = 3 | 0o2_000_000;
const NETLINK_ROUTE: u32 = 0;
const SOL_NETLINK: u32 = 270;
/// Errors do not repeat the request.
const NETLINK_CAP_ACK: u32 = 10;
/// Errors come with a text.
const NETLINK_EXT_ACK: u32 = 11;
/// The call gives the length of the datagram, even when the buffer is shorter.
const MSG_TRUNC: u32 = 0x20;

/// `struct sockaddr_nl`.
#[repr(C)]
#[derive(Default)]
struct Address {
    family: u16,
    padding: u16,
    port: u32,
    groups: u32,
}

/// A socket for questions to the kernel about the network namespace that the caller is in.
pub fn route() -> Result<Fd> {
    let socket = sys!(socket, AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE).map(|fd| Fd::from_raw(fd as i32))?;
    for option in [NETLINK_CAP_ACK, NETLINK_EXT_ACK] {
        // Linux 4.3 and 4.12; without, errors say less.
        let _ = sys!(setsockopt, socket.borrow(), SOL_NETLINK, option, In(&1i32), 4u32);
    }
    Ok(socket)
}

/// Sends a datagram to the kernel.
pub fn send(socket: BorrowedFd<'_>, datagram: &[u8]) -> Result<()> {
    again(|| sys!(sendto, socket, In(datagram), datagram.len(), 0u32, 0usize, 0usize)).map(drop)
}

/// Receives a datagram of the kernel's; its length, or `EMSGSIZE` if it does not fit. What others send is passed over: in a
/// container's network namespace they may be allowed to.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize> {
    loop {
        let mut sender = Address::default();
        let mut length = size_of::<Address>() as u32;
        let room = buffer.len();
        let count = again(|| {
            sys!(recvfrom, socket, Out(&mut *buffer), room, MSG_TRUNC, InOut(&mut sender), InOut(&mut length))
        })?;
        if sender.port != 0 {
            continue;
        }
        return if count > room { Err(Errno::EMSGSIZE) } else { Ok(count) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `struct nlmsghdr` and `struct ifinfomsg`: asks for link 1 (`RTM_GETLINK`), which is lo.
    fn question() -> Vec<u8> {
        let header = [32u32, 18 | 1 << 16, 7, 0];
        header.iter().chain(&[0, 1, 0, 0]).flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn the_kernel_answers() {
        let socket = route().unwrap();
        send(socket.borrow(), &question()).unwrap();
        let mut buffer = vec![0; 32 << 10];
        let length = receive(socket.borrow(), &mut buffer).unwrap();
        assert!(buffer[..length].windows(3).any(|three| three == b"lo\0"));
    }

    #[test]
    fn an_answer_that_does_not_fit_is_an_error() {
        let socket = route().unwrap();
        send(socket.borrow(), &question()).unwrap();
        assert_eq!(receive(socket.borrow(), &mut [0; 20]).unwrap_err(), Errno::EMSGSIZE);
    }
}
