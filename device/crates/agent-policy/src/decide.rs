//! Decisions: a request and a block of rules go in; the rule that allows it with its number, or why none does, comes out.

use crate::flags::{Asked, FLAGS};
use crate::glob::Glob;
use crate::policy::{Block, Match, MountRule, NodeRule, Origin, Policy, SocketRule};
use crate::state::Container;

/// Why nothing allows a request: the nearest rule's reason, or that there is no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied(pub String);

/// A mount that was asked for. Paths are resolved ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MountRequest<'a> {
    /// The file system; of no meaning for a bind mount.
    pub kind: &'a str,
    /// The text that was given.
    pub source: &'a str,
    /// For a bind mount: the source in the container, resolved, if there is one.
    pub resolved: Option<&'a str>,
    /// Where, resolved.
    pub destination: &'a str,
    /// Flags
    pub asked: Asked,
    /// Options of the file system.
    pub options: &'a [&'a str],
}

/// The arguments of socket(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketRequest {
    /// Domain
    pub domain: i32,
    /// Type, without flags.
    pub kind: i32,
    /// Protocol
    pub protocol: i32,
}

impl Policy {
    /// The rules for a container that `user` brought.
    #[must_use]
    pub fn block_for(&self, container: &Container, user: u32) -> Option<&Block> {
        self.containers.iter().find(|block| block.applies.matches(container, user))
    }
}

impl Match {
    fn matches(&self, container: &Container, user: u32) -> bool {
        let fits = |glob: &Option<Glob>, text: &str| glob.as_ref().is_none_or(|glob| glob.matches(text));
        self.users.as_ref().is_none_or(|users| users.contains(&user))
            && fits(&self.id, &container.id)
            && fits(&self.metadata, &container.metadata)
            && self.annotations.iter().all(|(name, glob)| {
                container.annotations.iter().any(|(there, value)| there == name && glob.matches(value))
            })
    }
}

fn is_plain(path: &str) -> bool {
    path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(|part| !matches!(part, "" | "." | "..")))
}

fn any(globs: &[Glob], text: &str) -> bool {
    globs.iter().any(|glob| glob.matches(text))
}

/// The first rule that has no objection; else the objection that came last, that of the rule that fits best.
fn first<'r, R>(
    what: &str,
    rules: &'r [R],
    objection: impl Fn(&R) -> Option<(u8, String)>,
) -> Result<(usize, &'r R), Denied> {
    let mut best: Option<(u8, String)> = None;
    for (index, rule) in rules.iter().enumerate() {
        match objection(rule) {
            None => return Ok((index, rule)),
            Some(reason) if best.as_ref().is_none_or(|best| reason.0 > best.0) => best = Some(reason),
            Some(_) => {}
        }
    }
    Err(Denied(best.map_or_else(|| format!("there is no rule for {what}"), |(_, reason)| reason)))
}

impl Block {
    /// Whether a mount may be made.
    pub fn mount(&self, request: &MountRequest<'_>) -> Result<(usize, &MountRule), Denied> {
        first("mount", &self.mount, |rule| rule.objection(request))
    }

    /// Whether the agent's mount at a place may go.
    pub fn unmount(&self, destination: &str) -> Result<usize, Denied> {
        let objection = |_: &_| (1, format!("destination {destination} is in no rule of umount"));
        first(
            "umount",
            &self.unmount,
            |rule| {
                if any(&rule.destinations, destination) { None } else { Some(objection(rule)) }
            },
        )
        .map(|(index, _)| index)
    }

    /// Whether a device node may be made.
    pub fn node(&self, block: bool, major: u32, minor: u32, path: &str) -> Result<(usize, &NodeRule), Denied> {
        first("mknod", &self.nodes, |rule| {
            let kind = if block { "block" } else { "char" };
            if rule.block != block || rule.major != major || !(rule.minors.0..=rule.minors.1).contains(&minor) {
                Some((1, format!("device {kind} {major}:{minor} is in no rule of mknod")))
            } else if any(&rule.paths, path) {
                None
            } else {
                Some((2, format!("path {path} is in no rule for device {kind} {major}:{minor}")))
            }
        })
    }

    /// Whether a socket may be opened; `None`: it is none that the agent guards, so the kernel is to decide. All of a
    /// request is in registers.
    #[must_use]
    pub fn socket(&self, request: SocketRequest) -> Option<Result<(usize, SocketRule), Denied>> {
        const INET: i32 = 2;
        const INET6: i32 = 10;
        const PACKET: i32 = 17;
        const DATAGRAM: i32 = 2;
        const RAW: i32 = 3;
        /// The old way to a packet socket, by way of `AF_INET`.
        const OLD_PACKET: i32 = 10;
        let wanted = match (request.domain, request.kind, request.protocol) {
            (INET, DATAGRAM, 1) => SocketRule::Ping,
            (INET6, DATAGRAM, 58) => SocketRule::Ping6,
            (PACKET, ..) | (INET | INET6, RAW | OLD_PACKET, _) => {
                return Some(Err(Denied("a raw socket can send under any address: no rule allows it".into())));
            }
            _ => return None,
        };
        let objection = (1, "this kind of ping socket is in no rule of socket".to_owned());
        let found = first("socket", &self.sockets, |rule| if *rule == wanted { None } else { Some(objection.clone()) });
        Some(found.map(|(index, rule)| (index, *rule)))
    }
}

impl MountRule {
    /// Why this rule does not allow it, and how far it fitted.
    fn objection(&self, request: &MountRequest<'_>) -> Option<(u8, String)> {
        let MountRequest { kind, source, resolved, destination, asked, options } = request;
        let kind = if asked.bind { "bind" } else { *kind };
        if !self.types.iter().any(|name| name == kind) {
            return Some((1, format!("type {kind} is in no rule of mount")));
        }
        if !any(&self.destinations, destination) {
            return Some((2, format!("destination {destination} is in no rule for {kind}")));
        }
        let source = match (asked.bind, self.origin) {
            (true, Origin::Container) => match resolved {
                Some(path) => path,
                None => return Some((3, format!("source {source} is not in the container"))),
            },
            // What a pattern allows must not be left again by `..`; links are not followed when it is opened.
            (true, Origin::Host) if !is_plain(source) => {
                return Some((3, format!("source {source} is not written as a plain absolute path")));
            }
            _ => source,
        };
        if !any(&self.sources, source) {
            return Some((3, format!("source {source} is in no rule for {kind} at {destination}")));
        }
        if asked.recursive && !self.recursive {
            return Some((4, format!("the rule for {destination} allows no recursive bind mount")));
        }
        let extra = asked.bits & !(self.flags | self.force);
        if let Some(flag) = FLAGS.iter().find(|flag| flag.bit & extra != 0) {
            return Some((4, format!("flag {} is not allowed for {kind} at {destination}", flag.name)));
        }
        options
            .iter()
            .find(|option| !any(&self.options, option))
            .map(|option| (5, format!("option {option} is not allowed for {kind} at {destination}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::read_flags;

    const POLICY: &[u8] = br"
version: 1
containers:
  - name: a
    match: {id: 'a*', uid: [1000], annotations: {org.example.trust: 'yes'}}
    mount:
      - {type: tmpfs, destination: [/foo, /run/*], flags: [ro], options: ['size=*']}
      - {type: bind, source: /data/**, destination: /srv}
    umount: [{destination: /foo}]
    mknod: [{type: char, major: 10, minor: 200-201, path: /dev/net/*}]
    socket: [ping]
  - {name: rest, match: {}}
";

    fn container(id: &str) -> Container {
        let annotations = vec![("org.example.trust".into(), "yes".into())];
        Container { id: id.into(), metadata: String::new(), annotations }
    }

    #[test]
    fn the_first_block_that_matches_counts() {
        let policy = Policy::parse(POLICY).unwrap();
        let name = |container: &Container, user| policy.block_for(container, user).map(|block| block.name.as_str());
        assert_eq!(name(&container("abc"), 1000), Some("a"));
        assert_eq!(name(&container("abc"), 1001), Some("rest"));
        assert_eq!(name(&container("b"), 1000), Some("rest"));
        assert_eq!(name(&Container { annotations: vec![], ..container("abc") }, 1000), Some("rest"));
    }

    #[test]
    fn a_mount_is_denied_for_the_reason_that_is_nearest() {
        let policy = Policy::parse(POLICY).unwrap();
        let block = &policy.containers[0];
        let ask = |kind, source, destination, raw, options: &[&str]| {
            let asked = read_flags(raw).unwrap();
            let resolved = Some(source);
            let request = MountRequest { kind, source, resolved, destination, asked, options };
            block.mount(&request).map(|(index, _)| index).map_err(|Denied(why)| why)
        };
        assert_eq!(ask("tmpfs", "none", "/foo", 0, &["size=1m"]), Ok(0));
        // What is forced anyway may be asked for.
        assert_eq!(ask("tmpfs", "none", "/run/x", 7, &[]), Ok(0));
        assert_eq!(ask("", "/data/x", "/srv", 0x1000, &[]), Ok(1));
        let denied = [
            (ask("tmpfs", "none", "/bar", 0, &[]), "destination /bar is in no rule for tmpfs"),
            (ask("ext4", "/dev/sda", "/foo", 0, &[]), "type ext4 is in no rule of mount"),
            (ask("tmpfs", "none", "/foo", 8, &[]), "flag noexec is not allowed for tmpfs at /foo"),
            (ask("tmpfs", "none", "/foo", 0, &["mode=777"]), "option mode=777 is not allowed for tmpfs at /foo"),
            (ask("", "/etc", "/srv", 0x1000, &[]), "source /etc is in no rule for bind at /srv"),
            (ask("", "/data/x", "/srv", 0x5000, &[]), "the rule for /srv allows no recursive bind mount"),
            (ask("tmpfs", "none", "/foo/../bar", 0, &[]), "destination /foo/../bar is in no rule for tmpfs"),
        ];
        for (answer, why) in denied {
            assert_eq!(answer, Err(why.to_owned()));
        }
    }

    #[test]
    fn a_source_of_the_host_is_judged_as_written_and_must_be_plain() {
        let text = b"version: 1
containers:
  - name: a
    match: {}
    mount: [{type: bind, from: host, source: /srv/**, destination: /srv}]
";
        let policy = Policy::parse(text).unwrap();
        let asked = read_flags(0x1000).unwrap();
        let ask = |source| {
            let resolved = Some("/srv/in-the-container");
            let request = MountRequest { kind: "", source, resolved, destination: "/srv", asked, options: &[] };
            policy.containers[0].mount(&request).is_ok()
        };
        assert!(ask("/srv/a"));
        for source in ["/etc", "/srv/../etc", "/srv/.", "/srv//x", "srv/a", "/srv/a/"] {
            assert!(!ask(source), "{source}");
        }
    }

    #[test]
    fn nodes_sockets_and_unmounts_have_rules_of_their_own() {
        let policy = Policy::parse(POLICY).unwrap();
        let (a, rest) = (&policy.containers[0], &policy.containers[1]);
        assert!(a.node(false, 10, 201, "/dev/net/tun").is_ok());
        for (block, major, minor, path) in [
            (true, 10, 200, "/dev/net/tun"),
            (false, 10, 202, "/dev/net/tun"),
            (false, 1, 200, "/dev/net/tun"),
            (false, 10, 200, "/dev/tun"),
        ] {
            assert!(a.node(block, major, minor, path).is_err(), "{block} {major} {minor} {path}");
        }
        let socket = |domain, kind, protocol| SocketRequest { domain, kind, protocol };
        assert!(a.socket(socket(2, 2, 1)).unwrap().is_ok());
        for request in [socket(2, 3, 1), socket(2, 3, 255), socket(10, 2, 58), socket(17, 2, 0), socket(2, 10, 3)] {
            assert!(a.socket(request).unwrap().is_err(), "{request:?}");
        }
        for request in [socket(1, 1, 0), socket(2, 2, 17), socket(2, 1, 6), socket(16, 3, 0)] {
            assert!(a.socket(request).is_none(), "{request:?}");
        }
        assert!(a.unmount("/foo").is_ok() && a.unmount("/run/x").is_err());
        assert_eq!(rest.unmount("/foo"), Err(Denied("there is no rule for umount".into())));
    }
}
