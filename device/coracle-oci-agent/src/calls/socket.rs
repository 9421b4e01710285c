//! socket(2): ping sockets, which can send echo requests under the own address and nothing else. All of the call is in
//! registers, so what the agent does not guard goes on in the kernel.

use super::{Done, Request, Stop, failed, rule_name};
use crate::apart::apart;
use agent_policy::{Block, SocketRequest, SocketRule};
use linux::namespace::{Kind, enter, set_group};
use linux::socket::{CLOSE_ON_EXEC, DATAGRAM, ICMP, ICMP_6, INTERNET, INTERNET_6, NON_BLOCKING, socket};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;

/// Which groups may open ping sockets in a network namespace, "from to", both versions of the protocol.
const GROUPS: &str = "/proc/sys/net/ipv4/ping_group_range";
/// The host's root's, which no process in a rootless container has.
const AGENT_GROUP: u32 = 0;

pub(crate) fn carry_out(request: &mut Request<'_>, block: &Block) -> Result<Done, Stop> {
    let flags = request.integer(1) & (NON_BLOCKING | CLOSE_ON_EXEC);
    let kind = request.integer(1) & !(NON_BLOCKING | CLOSE_ON_EXEC);
    let (domain, protocol) = (request.integer(0), request.integer(2));
    for (name, value) in [("domain", domain), ("type", kind), ("protocol", protocol)] {
        request.note(name, value.to_string());
    }
    let Some(found) = block.socket(SocketRequest { domain, kind, protocol }) else { return Ok(Done::NotGuarded) };
    let (index, rule) = found?;
    let caller = request.caller()?;
    caller.user_namespace(request.shared)?;
    // On the host's network the host has decided who may ping.
    let Some(namespace) = caller.network_namespace(request.shared)? else { return Ok(Done::NotGuarded) };
    let group = caller.identity()?.effective_group;
    caller.check()?;
    let fd = apart(|| {
        enter(&namespace, Kind::Network)?;
        open(rule, group, flags & NON_BLOCKING)
    })
    .map_err(|error| failed("opening a ping socket", &error))?;
    let close_on_exec = flags & CLOSE_ON_EXEC != 0;
    Ok(Done::Descriptor { rule: rule_name("socket", index, block), fd, close_on_exec })
}

/// In the container's network namespace. If its groups may not ping by themselves, they still may not afterwards: only the
/// agent's group is let in.
fn open(rule: SocketRule, group: u32, flags: i32) -> io::Result<OwnedFd> {
    let range = fs::read_to_string(GROUPS)?;
    if is_in(&range, group) {
        set_group(group)?;
    } else {
        set_group(AGENT_GROUP)?;
        if !is_in(&range, AGENT_GROUP) {
            fs::write(GROUPS, format!("{AGENT_GROUP} {AGENT_GROUP}"))?;
        }
    }
    let (domain, protocol) = match rule {
        SocketRule::Ping => (INTERNET, ICMP),
        SocketRule::Ping6 => (INTERNET_6, ICMP_6),
    };
    socket(domain, DATAGRAM | flags, protocol)
}

fn is_in(range: &str, group: u32) -> bool {
    let mut numbers = range.split_ascii_whitespace().map(str::parse::<u32>);
    matches!((numbers.next(), numbers.next()), (Some(Ok(from)), Some(Ok(to))) if (from..=to).contains(&group))
}

#[cfg(test)]
mod tests {
    use super::is_in;

    #[test]
    fn the_kernels_usual_range_is_empty() {
        assert!(!is_in("1\t0\n", 0) && !is_in("1\t0\n", 1));
        assert!(is_in("0\t2147483647\n", 1000) && is_in("0 0", 0) && !is_in("", 0));
    }
}
