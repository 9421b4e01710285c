//! Messages between two processes, with descriptors; and the kernel's device events.

use crate::sys;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// One end of a pair of sockets that keeps the bounds of messages.
#[derive(Debug)]
pub struct Channel(OwnedFd);

/// What came through a [`Channel`].
#[derive(Debug)]
pub enum Received {
    /// A message, and the descriptor that came with it.
    Message(Vec<u8>, Option<OwnedFd>),
    /// The other end is closed, and nothing is left to read.
    Closed,
    /// Nothing came in time.
    Nothing,
}

impl Channel {
    /// Longer messages are cut.
    pub const LIMIT: usize = 4096;

    /// Two ends, both closed on exec.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (first, second) = sys::socketpair(libc::SOCK_SEQPACKET)?;
        Ok((Self(first), Self(second)))
    }

    /// Sends a message; an empty one cannot be told from a closed end, so it is refused.
    pub fn send(&self, data: &[u8], fd: Option<BorrowedFd<'_>>) -> io::Result<()> {
        if data.is_empty() || data.len() > Self::LIMIT {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        sys::send(self.0.as_fd(), data, fd)
    }

    /// Waits for the next message.
    pub fn receive(&self, limit: Duration) -> io::Result<Received> {
        if !sys::poll_in(self.0.as_fd(), limit)? {
            return Ok(Received::Nothing);
        }
        let mut buffer = vec![0; Self::LIMIT];
        let (count, fds) = sys::receive(self.0.as_fd(), &mut buffer)?;
        buffer.truncate(count);
        let fd = fds.into_iter().next();
        Ok(if count == 0 { Received::Closed } else { Received::Message(buffer, fd) })
    }
}

impl From<OwnedFd> for Channel {
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl From<Channel> for OwnedFd {
    fn from(channel: Channel) -> Self {
        channel.0
    }
}

/// Waits for bytes of a stream, and takes them with the descriptors that came along (six at most). `None`: nothing came in
/// time; no bytes: the other end is closed.
pub fn receive_with_descriptors(
    stream: &impl AsFd,
    buffer: &mut [u8],
    limit: Duration,
) -> io::Result<Option<(usize, Vec<OwnedFd>)>> {
    if !sys::poll_in(stream.as_fd(), limit)? {
        return Ok(None);
    }
    sys::receive(stream.as_fd(), buffer).map(Some)
}

/// The user who connected a Unix socket, as the kernel knows it.
pub fn peer_user(stream: &impl AsFd) -> io::Result<u32> {
    sys::container::peer(stream.as_fd()).map(|peer| peer.uid)
}

/// `AF_INET`
pub const INTERNET: i32 = libc::AF_INET;
/// `AF_INET6`
pub const INTERNET_6: i32 = libc::AF_INET6;
/// `SOCK_DGRAM`
pub const DATAGRAM: i32 = libc::SOCK_DGRAM;
/// `SOCK_NONBLOCK`
pub const NON_BLOCKING: i32 = libc::SOCK_NONBLOCK;
/// `SOCK_CLOEXEC`
pub const CLOSE_ON_EXEC: i32 = libc::SOCK_CLOEXEC;
/// `IPPROTO_ICMP`
pub const ICMP: i32 = libc::IPPROTO_ICMP;
/// `IPPROTO_ICMPV6`
pub const ICMP_6: i32 = libc::IPPROTO_ICMPV6;

/// A new socket in the network namespace of the calling thread, closed on exec.
pub fn socket(domain: i32, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    sys::container::socket(domain, kind, protocol)
}

/// The kernel's announcements that devices came or went.
#[derive(Debug)]
pub struct DeviceEvents(OwnedFd);

impl DeviceEvents {
    /// Hears everything from now on.
    pub fn listen() -> io::Result<Self> {
        sys::uevent_socket().map(Self)
    }

    /// Waits until something happened, and takes all that is there. What happened is not told: a scan of sysfs is the
    /// truth, and cannot be made to miss anything by events that were dropped.
    pub fn wait(&self, limit: Duration) -> io::Result<()> {
        if !sys::poll_in(self.0.as_fd(), limit)? {
            return Ok(());
        }
        let mut buffer = [0; 8192];
        loop {
            match sys::receive(self.0.as_fd(), &mut buffer) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read, Seek, Write};

    const SOON: Duration = Duration::from_secs(5);

    #[test]
    fn a_message_carries_a_descriptor() {
        let (here, there) = Channel::pair().unwrap();
        let path = std::env::temp_dir().join(format!("channel-{}", std::process::id()));
        let mut file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        file.write_all(b"through").unwrap();
        file.rewind().unwrap();
        here.send(b"take", Some(file.as_fd())).unwrap();
        here.send(b"plain", None).unwrap();
        let Received::Message(data, Some(fd)) = there.receive(SOON).unwrap() else { panic!() };
        assert_eq!(data, b"take");
        let mut text = String::new();
        File::from(fd).read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
        assert!(matches!(there.receive(SOON).unwrap(), Received::Message(data, None) if data == b"plain"));
    }

    #[test]
    fn silence_and_a_closed_end_are_told_apart() {
        let (here, there) = Channel::pair().unwrap();
        assert!(matches!(there.receive(Duration::from_millis(1)).unwrap(), Received::Nothing));
        drop(here);
        assert!(matches!(there.receive(SOON).unwrap(), Received::Closed));
    }

    #[test]
    fn empty_and_oversized_messages_are_refused() {
        let (here, _there) = Channel::pair().unwrap();
        assert!(here.send(b"", None).is_err());
        assert!(here.send(&[0; Channel::LIMIT + 1], None).is_err());
    }
}
