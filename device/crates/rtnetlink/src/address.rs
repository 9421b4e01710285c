//! Addresses of links, of any family: `struct ifaddrmsg` and attributes `IFA_`. What an address is made of is kept as it
//! came, so that it can be given again.

use crate::reply::{attributes, number};
use crate::request::{NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, Request};
use alloc::string::String;
use alloc::vec::Vec;

pub(crate) const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_LABEL: u16 = 3;
const IFA_BROADCAST: u16 = 4;
const IFA_CACHEINFO: u16 = 6;
const IFA_FLAGS: u16 = 8;
const IFA_RT_PRIORITY: u16 = 9;
const IFA_PROTO: u16 = 11;
/// What is given again as it came. Lifetimes, too: a permanent address may well not be preferred.
const KEPT: &[u16] = &[IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST, IFA_CACHEINFO, IFA_RT_PRIORITY, IFA_PROTO];
const IFA_F_PERMANENT: u32 = 0x80;
/// `NODAD`, `HOMEADDRESS`, `MANAGETEMPADDR`, `NOPREFIXROUTE`, `MCAUTOJOIN`: settings. Other flags say how an address does.
const SETTINGS: u32 = 0x02 | 0x10 | 0x100 | 0x200 | 0x400;
const RT_SCOPE_UNIVERSE: u8 = 0;
/// Length of `struct ifaddrmsg`.
const FIXED: usize = 8;
/// Longest name of an interface, and label.
const LONGEST: usize = 15;

/// An address of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `AF_INET`, `AF_INET6` or another.
    pub family: u8,
    /// Number of the link.
    pub index: i32,
    prefix: u8,
    scope: u8,
    flags: u32,
    /// Name of an IPv4 address: that of the link, perhaps with `:` and more.
    label: Option<String>,
    attributes: Vec<(u16, Vec<u8>)>,
}

impl Address {
    pub(crate) fn read(content: &[u8]) -> Option<Self> {
        let (fixed, rest) = content.split_at_checked(FIXED)?;
        let &[family, prefix, flags, scope, ..] = fixed else { return None };
        let index = number(fixed, 4)? as i32;
        let mut address =
            Self { family, index, prefix, scope, flags: flags.into(), label: None, attributes: Vec::new() };
        for attribute in attributes(rest) {
            let (kind, value) = attribute.ok()?;
            match kind {
                // All of them; the fixed part has room for eight.
                IFA_FLAGS => address.flags = number(value, 0)?,
                IFA_LABEL => {
                    let end = value.iter().position(|&byte| byte == 0).unwrap_or(value.len());
                    address.label = str::from_utf8(value.get(..end)?).ok().map(String::from);
                }
                _ if KEPT.contains(&kind) => address.attributes.push((kind, value.to_vec())),
                _ => {}
            }
        }
        Some(address)
    }

    /// Whether it is there to stay (`IFA_F_PERMANENT`) and valid everywhere (`RT_SCOPE_UNIVERSE`).
    #[must_use]
    pub const fn is_permanent_and_global(&self) -> bool {
        self.flags & IFA_F_PERMANENT != 0 && self.scope == RT_SCOPE_UNIVERSE
    }

    /// With its label following the link's new name. A label that would be too long becomes the name.
    #[must_use]
    pub fn for_renamed(mut self, old: &str, new: &str) -> Self {
        if let Some(label) = &mut self.label
            && let Some(more) = label.strip_prefix(old)
            && (more.is_empty() || more.starts_with(':'))
        {
            let more = if new.len() + more.len() <= LONGEST { more } else { "" };
            *label = [new, more].concat();
        }
        self
    }
}

/// Asks for the addresses of all links.
#[must_use]
pub fn dump_addresses(sequence: u32) -> Vec<u8> {
    Request::new(RTM_GETADDR, NLM_F_DUMP, sequence, &[0; FIXED]).finish()
}

/// Gives an address to the link of an index.
#[must_use]
pub fn add_address(sequence: u32, index: i32, address: &Address) -> Vec<u8> {
    let flags = address.flags & SETTINGS;
    let mut fixed = Vec::from([address.family, address.prefix, flags as u8, address.scope]);
    fixed.extend(index.to_ne_bytes());
    let mut request = Request::new(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sequence, &fixed);
    for (kind, value) in &address.attributes {
        request = request.attribute(*kind, value);
    }
    if let Some(label) = &address.label {
        request = request.text(IFA_LABEL, label);
    }
    request.attribute(IFA_FLAGS, &flags.to_ne_bytes()).finish()
}
