//! The form of a policy file: from nodes to a [`Policy`].

use crate::error::Error;
use crate::flags::FLAGS;
use crate::glob::Glob;
use crate::policy::{Block, Idmap, Match, MountRule, NodeRule, Origin, Policy, SocketRule, UnmountRule};
use crate::read::{Fields, choice, globs, items, list, paths, text, whole};
use crate::yaml::{Node, parse};

/// `errno`s that calls may be refused with (asm-generic/errno-base.h, errno.h).
const ERRNOS: &[(&str, (i32, &str))] = &[
    ("EPERM", (1, "EPERM")),
    ("EACCES", (13, "EACCES")),
    ("EINVAL", (22, "EINVAL")),
    ("ENOSYS", (38, "ENOSYS")),
    ("EOPNOTSUPP", (95, "EOPNOTSUPP")),
];

/// What these show depends on the namespaces of who mounts them: the agent would show the host's.
const OF_NAMESPACES: [&str; 6] = ["proc", "sysfs", "mqueue", "cgroup", "cgroup2", "binder"];

impl Policy {
    /// Reads a policy file's text.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        let root = parse(text)?;
        let fields = Fields::of(&root, "the policy", &["version", "refuse", "socketMode", "containers"])?;
        let version = fields.need("version", "the policy")?;
        if whole(version, "version", u32::MAX)? != 1 {
            return Err(Error::new(version.place, "this version of policies is not known", "write `version: 1`"));
        }
        let refuse = fields.get("refuse").map(|node| choice(node, "refuse", ERRNOS)).transpose()?;
        let socket_mode = fields.get("socketMode").map(|node| whole(node, "socketMode", 0o777)).transpose()?;
        fields.need("containers", "the policy")?;
        let containers = list(fields.get("containers"), "containers")?.iter().map(block).collect::<Result<_, _>>()?;
        Ok(Self { refuse: refuse.unwrap_or((1, "EPERM")), socket_mode: socket_mode.unwrap_or(0o600), containers })
    }
}

fn block(node: &Node) -> Result<Block, Error> {
    let what = "a block of containers";
    let fields = Fields::of(node, what, &["name", "match", "mount", "umount", "mknod", "socket"])?;
    let each = |key: &str| list(fields.get(key), key);
    Ok(Block {
        name: text(fields.need("name", what)?, "name")?.to_owned(),
        applies: applies(fields.need("match", what)?)?,
        mount: each("mount")?.iter().map(mount).collect::<Result<_, _>>()?,
        unmount: each("umount")?.iter().map(unmount).collect::<Result<_, _>>()?,
        nodes: each("mknod")?.iter().map(device).collect::<Result<_, _>>()?,
        sockets: each("socket")?.iter().map(socket).collect::<Result<_, _>>()?,
    })
}

fn applies(node: &Node) -> Result<Match, Error> {
    let fields = Fields::of(node, "match", &["uid", "id", "metadata", "annotations"])?;
    let glob = |key: &str| fields.get(key).map(|node| text(node, key).map(Glob::new)).transpose();
    let numbers = |node| items(node)?.iter().map(|item| whole(item, "uid", u32::MAX)).collect::<Result<Vec<_>, _>>();
    let annotations = match fields.get("annotations") {
        None => Vec::new(),
        Some(node) => {
            let known: Vec<&str> = match &node.content {
                crate::yaml::Content::Map(members) => members.iter().map(|(name, ..)| name.as_str()).collect(),
                _ => Vec::new(),
            };
            let fields = Fields::of(node, "annotations", &known)?;
            let one = |(name, node): (&str, _)| Ok((name.to_owned(), Glob::new(text(node, name)?)));
            fields.all().map(one).collect::<Result<_, Error>>()?
        }
    };
    let users = fields.get("uid").map(numbers).transpose()?;
    Ok(Match { users, id: glob("id")?, metadata: glob("metadata")?, annotations })
}

fn flags(node: &Node, what: &str) -> Result<u64, Error> {
    let known: Vec<(&str, u64)> = FLAGS.iter().map(|flag| (flag.name, flag.bit)).collect();
    list(Some(node), what)?.iter().try_fold(0, |all, item| Ok(all | choice(item, what, &known)?))
}

fn mount(node: &Node) -> Result<MountRule, Error> {
    const KEYS: [&str; 9] =
        ["type", "source", "destination", "flags", "force", "options", "from", "idmap", "recursive"];
    let what = "a rule of mount";
    let fields = Fields::of(node, what, &KEYS)?;
    let mut types = Vec::new();
    for item in items(fields.need("type", what)?)? {
        let name = text(item, "type")?;
        if OF_NAMESPACES.contains(&name) {
            return Err(Error::new(
                item.place,
                format!("the agent cannot mount {name}: what it shows would be the host's"),
                "a container can do that itself in its own namespaces, or its config.json can",
            ));
        }
        types.push(name.to_owned());
    }
    let bind = types.iter().any(|name| name == "bind");
    for (key, wrong, hint) in [
        ("from", !bind, "only `type: bind` has a source that is a path; leave it out"),
        ("recursive", !bind, "only `type: bind` can be recursive; leave it out"),
        ("options", bind, "a bind mount has no options of its own; leave it out"),
    ] {
        if let (true, Some(node)) = (wrong, fields.get(key)) {
            return Err(Error::new(node.place, format!("\"{key}\" means nothing for this type"), hint));
        }
    }
    if bind && types.len() > 1 {
        return Err(Error::new(node.place, "a rule for bind mounts is for nothing else", "write two rules"));
    }
    let sources = match fields.get("source") {
        Some(node) if bind => paths(node, "source")?,
        Some(node) => globs(node, "source")?,
        None if bind => paths(fields.need("source", what)?, "source")?,
        None => vec![Glob::new("**")],
    };
    let every = FLAGS.iter().fold(0, |all, flag| all | flag.bit);
    let maps: [(&str, Idmap); 3] = [("auto", Idmap::Auto), ("yes", Idmap::Yes), ("no", Idmap::No)];
    let origins = [("container", Origin::Container), ("host", Origin::Host)];
    let truths = [("true", true), ("false", false)];
    Ok(MountRule {
        types,
        sources,
        destinations: paths(fields.need("destination", what)?, "destination")?,
        flags: fields.get("flags").map_or(Ok(every), |node| flags(node, "flag"))?,
        // nosuid and nodev
        force: fields.get("force").map_or(Ok(6), |node| flags(node, "flag"))?,
        options: list(fields.get("options"), "options")?
            .iter()
            .map(|item| text(item, "option").map(Glob::new))
            .collect::<Result<_, _>>()?,
        origin: fields.get("from").map_or(Ok(Origin::Container), |node| choice(node, "from", &origins))?,
        idmap: match fields.get("idmap") {
            Some(node) => choice(node, "idmap", &maps)?,
            // Through a mapped bind mount a container makes files that belong to the host's root.
            None if bind => Idmap::No,
            None => Idmap::Auto,
        },
        recursive: fields.get("recursive").map_or(Ok(false), |node| choice(node, "recursive", &truths))?,
    })
}

fn unmount(node: &Node) -> Result<UnmountRule, Error> {
    let fields = Fields::of(node, "a rule of umount", &["destination"])?;
    Ok(UnmountRule { destinations: paths(fields.need("destination", "a rule of umount")?, "destination")? })
}

fn device(node: &Node) -> Result<NodeRule, Error> {
    let what = "a rule of mknod";
    let fields = Fields::of(node, what, &["type", "major", "minor", "path", "mode"])?;
    let minor = fields.need("minor", what)?;
    // The kernel's numbers have 12 and 20 bits.
    let minors = match text(minor, "minor")?.split_once('-') {
        None => {
            let one = whole(minor, "minor", 0xf_ffff)?;
            (one, one)
        }
        Some((from, to)) => match (from.trim().parse(), to.trim().parse()) {
            (Ok(from), Ok(to)) if from <= to && to <= 0xf_ffff => (from, to),
            _ => return Err(Error::new(minor.place, "minor has to be a number or two", "like 0, or 0-15")),
        },
    };
    Ok(NodeRule {
        block: choice(fields.need("type", what)?, "type", &[("char", false), ("block", true)])?,
        major: whole(fields.need("major", what)?, "major", 0xfff)?,
        minors,
        paths: paths(fields.need("path", what)?, "path")?,
        mode: fields.get("mode").map_or(Ok(0o666), |node| whole(node, "mode", 0o777))?,
    })
}

fn socket(node: &Node) -> Result<SocketRule, Error> {
    choice(node, "socket", &[("ping", SocketRule::Ping), ("ping6", SocketRule::Ping6)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(text: &str) -> String {
        Policy::parse(text.as_bytes()).unwrap_err().to_string()
    }

    /// A policy with these lines in its one block.
    fn with(lines: &str) -> String {
        format!("version: 1\ncontainers:\n  - name: a\n    match: {{}}\n{lines}")
    }

    #[test]
    fn the_least_policy_refuses_everything() {
        let policy = Policy::parse(b"version: 1\ncontainers: []\n").unwrap();
        assert_eq!(policy, Policy { refuse: (1, "EPERM"), socket_mode: 0o600, containers: vec![] });
    }

    #[test]
    fn mistakes_have_a_place_and_a_way_out() {
        assert_eq!(fails("version: 2\n"), "1:10: this version of policies is not known\n  hint: write `version: 1`");
        let text = with("    mount:\n      - type: tmpfs\n        destinaton: /foo\n");
        assert_eq!(fails(&text), "7:9: a rule of mount has no key \"destinaton\"\n  hint: did you mean destination?");
        let text = with("    mount:\n      - {type: tmpfs, destination: foo}\n");
        assert!(fails(&text).starts_with("6:36: destination \"foo\" is no absolute path"));
        let text = with("    mount:\n      - {type: proc, destination: /proc}\n");
        assert!(fails(&text).contains("what it shows would be the host's"));
        let text = with("    mount:\n      - {type: tmpfs, destination: /x, force: [nosiud]}\n");
        assert!(fails(&text).ends_with("did you mean nosuid?"));
        let text = with("    mknod:\n      - {type: char, major: 10, minor: 229, path: /dev/fuse, mode: 0666}\n");
        assert!(fails(&text).ends_with("write 0o666 for octal"), "{}", fails(&text));
        assert!(fails(&with("    socket: [raw]\n")).contains("\"raw\" is not known"));
        assert!(fails(&with("    mount:\n      - {type: bind, destination: /x}\n")).contains("lacks \"source\""));
        assert!(fails(&with("    mount:\n      - {type: tmpfs, destination: /x/../y}\n")).contains("never matches"));
    }

    #[test]
    fn a_mount_is_without_devices_and_foreign_powers_unless_told() {
        let text = with(
            "    mount:\n      - {type: tmpfs, destination: /x}\n      - {type: bind, source: /a, destination: /x, force: []}\n",
        );
        let policy = Policy::parse(text.as_bytes()).unwrap();
        let rules = &policy.containers[0].mount;
        assert_eq!((rules[0].force, rules[0].idmap), (6, Idmap::Auto));
        assert_eq!((rules[1].force, rules[1].idmap, rules[1].origin), (0, Idmap::No, Origin::Container));
    }
}
