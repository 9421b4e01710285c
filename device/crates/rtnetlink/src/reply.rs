//! The reader of replies. A datagram holds messages one after the other; whatever is in it, reading ends.

use crate::address::{Address, RTM_NEWADDR};
use crate::aligned;
use crate::link::{Link, RTM_NEWLINK};
use alloc::string::String;
use core::fmt;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLMSG_OVERRUN: u16 = 4;
/// Set when an error has attributes (`NETLINK_EXT_ACK`), and when the request is not repeated in it.
const NLM_F_ACK_TLVS: u16 = 0x200;
const NLM_F_CAPPED: u16 = 0x100;
const NLMSGERR_ATTR_MSG: u16 = 1;
/// A dump saw changes while it was made.
const NLM_F_DUMP_INTR: u16 = 0x10;
/// Length of `struct nlmsghdr`.
const HEADER: usize = 16;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// That of the request it answers.
    pub sequence: u32,
    /// What it says.
    pub reply: Reply,
}

/// What the kernel says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A link.
    Link(Link),
    /// An address.
    Address(Address),
    /// The end of the answer: the request was carried out, or was not.
    End {
        /// 0, or the kernel's reason.
        errno: i32,
        /// More about the reason; often empty.
        message: String,
        /// What was listed changed meanwhile: ask again.
        interrupted: bool,
    },
    /// Nothing that was asked for.
    Other,
}

/// What is no message of rtnetlink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the kernel's reply is no message of rtnetlink")
    }
}

impl core::error::Error for Malformed {}

/// The messages of a datagram, up to the first that is none.
pub fn messages(datagram: &[u8]) -> impl Iterator<Item = Result<Message, Malformed>> {
    parts(datagram, |rest| {
        let length = number(rest, 0)? as usize;
        let content = rest.get(HEADER..length)?;
        let kind = short(rest, 4)?;
        let flags = short(rest, 6)?;
        let reply = match kind {
            RTM_NEWLINK => Reply::Link(Link::read(content)?),
            RTM_NEWADDR => Reply::Address(Address::read(content)?),
            NLMSG_ERROR => Reply::End {
                errno: error_number(content)?,
                message: error_message(content, flags).unwrap_or_default(),
                interrupted: false,
            },
            NLMSG_DONE => Reply::End {
                // Older kernels end a dump with nothing at all.
                errno: error_number(content).unwrap_or(0),
                message: String::new(),
                interrupted: flags & NLM_F_DUMP_INTR != 0,
            },
            NLMSG_OVERRUN => return None,
            _ => Reply::Other,
        };
        Some((Message { sequence: number(rest, 8)?, reply }, length))
    })
}

/// The kernel gives it negative.
fn error_number(content: &[u8]) -> Option<i32> {
    number(content, 0)?.cast_signed().checked_neg().filter(|errno| *errno >= 0)
}

/// Text beside an error: after the header of the request, and the rest of that unless it is left out.
fn error_message(content: &[u8], flags: u16) -> Option<String> {
    if flags & NLM_F_ACK_TLVS == 0 {
        return None;
    }
    let request = number(content, 4)? as usize;
    let skipped = if flags & NLM_F_CAPPED == 0 { aligned_length(request)? } else { HEADER };
    let (_, text) = attributes(content.get(4..)?.get(skipped..)?)
        .map_while(Result::ok)
        .find(|(kind, _)| *kind == NLMSGERR_ATTR_MSG)?;
    let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    Some(String::from_utf8_lossy(text.get(..end)?).into_owned())
}

/// Attributes: length (with this header), kind, value. The bits for nested ones and byte order are no part of the kind.
pub(crate) fn attributes(bytes: &[u8]) -> impl Iterator<Item = Result<(u16, &[u8]), Malformed>> {
    parts(bytes, |rest| {
        let length = usize::from(short(rest, 0)?);
        let value = rest.get(4..length)?;
        Some(((short(rest, 2)? & 0x3fff, value), length))
    })
}

/// Takes parts from the front for as long as there is anything; each says its own length, padding not counted.
fn parts<'a, T>(
    mut rest: &'a [u8],
    take: impl Fn(&'a [u8]) -> Option<(T, usize)>,
) -> impl Iterator<Item = Result<T, Malformed>> {
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some((part, length)) = take(rest) else {
            rest = &[];
            return Some(Err(Malformed));
        };
        rest = aligned_length(length).and_then(|length| rest.get(length..)).unwrap_or_default();
        Some(Ok(part))
    })
}

fn aligned_length(length: usize) -> Option<usize> {
    length.checked_add(3).map(|_| aligned(length))
}

pub(crate) fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_ne_bytes(*word))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|word| u16::from_ne_bytes(*word))
}
