//! Links, which is what rtnetlink calls network interfaces: `struct ifinfomsg` and attributes `IFLA_`.

use crate::reply::{attributes, number};
use crate::request::Request;
use alloc::string::String;
use alloc::vec::Vec;

pub(crate) const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const IFLA_IFNAME: u16 = 3;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_EXT_MASK: u16 = 29;
/// Counters are not asked for.
const RTEXT_FILTER_SKIP_STATS: u32 = 8;
const IFF_UP: u32 = 1;
/// Length of `struct ifinfomsg`.
const FIXED: usize = 16;

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its number in its network namespace.
    pub index: i32,
    /// Its name, at most 15 bytes.
    pub name: String,
    /// Whether it is set to be up.
    pub up: bool,
}

/// How a link is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// By its name, or another name of it.
    Name(&'a str),
    /// By its number.
    Index(i32),
}

impl Link {
    pub(crate) fn read(content: &[u8]) -> Option<Self> {
        let (fixed, rest) = content.split_at_checked(FIXED)?;
        let mut name = None;
        for attribute in attributes(rest) {
            let (kind, value) = attribute.ok()?;
            if kind == IFLA_IFNAME {
                let end = value.iter().position(|&byte| byte == 0).unwrap_or(value.len());
                name = Some(String::from_utf8_lossy(value.get(..end)?).into_owned());
            }
        }
        Some(Self { index: number(fixed, 4)? as i32, name: name?, up: number(fixed, 8)? & IFF_UP != 0 })
    }
}

/// `struct ifinfomsg`: family, kind, index, flags, and which of the flags are to change.
fn fixed(index: i32, flags: u32, change: u32) -> Vec<u8> {
    [0, index as u32, flags, change].iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// Asks for one link; the reply is a [`Link`], or `ENODEV`.
#[must_use]
pub fn get_link(sequence: u32, which: Which<'_>) -> Vec<u8> {
    let index = if let Which::Index(index) = which { index } else { 0 };
    let request = Request::new(RTM_GETLINK, 0, sequence, &fixed(index, 0, 0));
    let request = if let Which::Name(name) = which { request.text(IFLA_IFNAME, name) } else { request };
    request.attribute(IFLA_EXT_MASK, &RTEXT_FILTER_SKIP_STATS.to_ne_bytes()).finish()
}

/// Moves a link to the network namespace that a descriptor of the sender's is open on, under a name. It is down there, and has
/// no addresses. The kernel moves first and renames then: when the name is taken it may be there under its old one.
#[must_use]
pub fn move_link(sequence: u32, index: i32, namespace: i32, name: &str) -> Vec<u8> {
    Request::new(RTM_NEWLINK, 0, sequence, &fixed(index, 0, 0))
        .attribute(IFLA_NET_NS_FD, &namespace.to_ne_bytes())
        .text(IFLA_IFNAME, name)
        .finish()
}

/// Sets a link up.
#[must_use]
pub fn set_link_up(sequence: u32, index: i32) -> Vec<u8> {
    Request::new(RTM_NEWLINK, 0, sequence, &fixed(index, IFF_UP, IFF_UP)).finish()
}
