//! Questions and orders to one network namespace: a request goes out, and all replies to it come in.

use crate::error::{About, Error};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use kernel::{Errno, Fd, netlink};
use rtnetlink::{Address, Link, Reply, Which, messages};

/// The kernel fills no more than this with a part of a list.
const LARGEST: usize = 32 << 10;
/// How often a list is asked for again that changed while it was made.
const TRIES: u32 = 10;

/// A socket in a network namespace; keeps that alive.
#[derive(Debug)]
pub(super) struct Connection {
    socket: Fd,
    sequence: u32,
    buffer: Vec<u8>,
}

/// Why the kernel did not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) errno: Errno,
    /// The kernel's words, if it has any.
    message: String,
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Self { errno, message: String::new() }
    }
}

impl Refusal {
    pub(super) fn about(self, operation: &str) -> Error {
        let separator = if self.message.is_empty() { "" } else { ": " };
        Error::system(format!("{operation}{separator}{}", self.message), self.errno)
    }
}

impl Connection {
    /// To the network namespace that this process is in.
    pub(super) fn open() -> Result<Self, Error> {
        let socket = netlink::route().about(|| "open a socket of rtnetlink")?;
        Ok(Self { socket, sequence: 0, buffer: alloc::vec![0; LARGEST] })
    }

    /// A link; `None` if there is none.
    pub(super) fn link(&mut self, which: Which<'_>) -> Result<Option<Link>, Refusal> {
        let mut found = None;
        let asked = self.ask(&|sequence| rtnetlink::get_link(sequence, which), &mut |reply| {
            if let Reply::Link(link) = reply {
                found = Some(link);
            }
        });
        match asked {
            Err(Refusal { errno: Errno::ENODEV, .. }) => Ok(None),
            other => other.map(|_| found),
        }
    }

    /// The addresses of a link that stay and are valid everywhere.
    pub(super) fn kept_addresses(&mut self, index: i32) -> Result<Vec<Address>, Refusal> {
        for _ in 0..TRIES {
            let mut found = Vec::new();
            let complete = self.ask(&rtnetlink::dump_addresses, &mut |reply| match reply {
                Reply::Address(address) if address.index == index && address.is_permanent_and_global() => {
                    found.push(address);
                }
                _ => {}
            })?;
            if complete {
                return Ok(found);
            }
        }
        Err(Errno::EAGAIN.into())
    }

    /// Moves a link to the network namespace that a descriptor is open on.
    pub(super) fn move_link(&mut self, index: i32, namespace: i32, name: &str) -> Result<(), Refusal> {
        self.order(&|sequence| rtnetlink::move_link(sequence, index, namespace, name))
    }

    pub(super) fn add_address(&mut self, index: i32, address: &Address) -> Result<(), Refusal> {
        self.order(&|sequence| rtnetlink::add_address(sequence, index, address))
    }

    pub(super) fn set_up(&mut self, index: i32) -> Result<(), Refusal> {
        self.order(&|sequence| rtnetlink::set_link_up(sequence, index))
    }

    fn order(&mut self, request: &dyn Fn(u32) -> Vec<u8>) -> Result<(), Refusal> {
        self.ask(request, &mut |_| {}).map(drop)
    }

    /// Sends a request and takes the replies to it; `false`: what was listed changed meanwhile.
    fn ask(&mut self, request: &dyn Fn(u32) -> Vec<u8>, take: &mut dyn FnMut(Reply)) -> Result<bool, Refusal> {
        self.sequence = self.sequence.wrapping_add(1);
        netlink::send(self.socket.borrow(), &request(self.sequence))?;
        loop {
            let length = netlink::receive(self.socket.borrow(), &mut self.buffer)?;
            for message in messages(self.buffer.get(..length).unwrap_or_default()) {
                let message = message.map_err(|_| Errno::EBADMSG)?;
                if message.sequence != self.sequence {
                    continue;
                }
                match message.reply {
                    Reply::End { errno: 0, interrupted, .. } => return Ok(!interrupted),
                    Reply::End { errno, message, .. } => return Err(Refusal { errno: Errno::new(errno), message }),
                    other => take(other),
                }
            }
        }
    }
}
