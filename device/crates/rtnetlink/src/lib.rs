//! Messages of rtnetlink, as far as moving network interfaces between namespaces needs them (netlink(7), rtnetlink(7), RFC
//! 3549). Names, indices and addresses come in, and the bytes of a request go out; bytes of replies come in, and links,
//! addresses and errors go out. No call to the kernel is made here.

#![cfg_attr(not(test), no_std)]

extern crate alloc;

mod address;
mod link;
mod reply;
mod request;

pub use address::{Address, add_address, dump_addresses};
pub use link::{Link, Which, get_link, move_link, set_link_up};
pub use reply::{Malformed, Message, Reply, messages};

/// Bytes up to the next header or attribute, which start at multiples of four.
const fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

#[cfg(test)]
mod tests;
