//! Mount options, as fstab and the specification write them, told apart: attributes of the mount, of the file system, of its
//! propagation, and what the file system itself understands.

use alloc::string::String;
use alloc::vec::Vec;
use kernel::mount::{
    MOUNT_ATTR__ATIME, MOUNT_ATTR_NOATIME, MOUNT_ATTR_NODEV, MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_NOEXEC,
    MOUNT_ATTR_NOSUID, MOUNT_ATTR_NOSYMFOLLOW, MOUNT_ATTR_RDONLY, MOUNT_ATTR_RELATIME, MOUNT_ATTR_STRICTATIME,
    MS_PRIVATE, MS_SHARED, MS_SLAVE, MS_UNBINDABLE,
};

/// What the options of one mount ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// `bind` or `rbind`.
    pub(crate) bind: bool,
    /// With what is mounted below.
    pub(crate) recursive_bind: bool,
    /// Changes what is mounted there already.
    pub(crate) remount: bool,
    /// `MOUNT_ATTR_` flags of this mount.
    pub(crate) set: u64,
    /// As above.
    pub(crate) clear: u64,
    /// `MOUNT_ATTR_` flags of this mount and all below.
    pub(crate) recursive_set: u64,
    /// As above.
    pub(crate) recursive_clear: u64,
    /// `MS_PRIVATE` and so on, with whether it is for those below, too.
    pub(crate) propagation: Vec<(u64, bool)>,
    /// Flags of the file system, `sync`.
    pub(crate) flags: Vec<&'static str>,
    /// `key` or `key=value`, for the file system.
    pub(crate) data: Vec<String>,
    /// What the directory held goes into the new tmpfs.
    pub(crate) copy_up: bool,
    /// Users are mapped as in the container's user namespace; with those below.
    pub(crate) id_map: Option<bool>,
}

/// Names of attributes and whether they are set or cleared. Those of access times share one field of several bits.
const ATTRIBUTES: &[(&str, u64, u64)] = &[
    ("ro", MOUNT_ATTR_RDONLY as u64, 0),
    ("rw", 0, MOUNT_ATTR_RDONLY as u64),
    ("nosuid", MOUNT_ATTR_NOSUID as u64, 0),
    ("suid", 0, MOUNT_ATTR_NOSUID as u64),
    ("nodev", MOUNT_ATTR_NODEV as u64, 0),
    ("dev", 0, MOUNT_ATTR_NODEV as u64),
    ("noexec", MOUNT_ATTR_NOEXEC as u64, 0),
    ("exec", 0, MOUNT_ATTR_NOEXEC as u64),
    ("noatime", MOUNT_ATTR_NOATIME as u64, MOUNT_ATTR__ATIME as u64),
    ("atime", 0, MOUNT_ATTR__ATIME as u64),
    ("relatime", MOUNT_ATTR_RELATIME as u64, MOUNT_ATTR__ATIME as u64),
    ("norelatime", 0, MOUNT_ATTR__ATIME as u64),
    ("strictatime", MOUNT_ATTR_STRICTATIME as u64, MOUNT_ATTR__ATIME as u64),
    ("nostrictatime", 0, MOUNT_ATTR__ATIME as u64),
    ("nodiratime", MOUNT_ATTR_NODIRATIME as u64, 0),
    ("diratime", 0, MOUNT_ATTR_NODIRATIME as u64),
    ("nosymfollow", MOUNT_ATTR_NOSYMFOLLOW as u64, 0),
    ("symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW as u64),
];

const PROPAGATIONS: &[(&str, u64)] = &[
    ("private", MS_PRIVATE as u64),
    ("shared", MS_SHARED as u64),
    ("slave", MS_SLAVE as u64),
    ("unbindable", MS_UNBINDABLE as u64),
];

/// Flags of a superblock, by the names that `fsconfig` knows.
const FLAGS: &[&str] = &["sync", "async", "dirsync", "lazytime", "nolazytime", "mand", "nomand"];

/// What is understood and means nothing (any more).
const IGNORED: &[&str] =
    &["defaults", "silent", "loud", "iversion", "noiversion", "nofail", "_netdev", "auto", "noauto"];

impl Options {
    pub(crate) fn read(options: &[String]) -> Self {
        let mut read = Self::default();
        for option in options {
            read.take(option);
        }
        read
    }

    fn take(&mut self, option: &str) {
        let named = |name: &str| ATTRIBUTES.iter().find(|(known, ..)| *known == name);
        if let Some((_, set, clear)) = named(option) {
            (self.set, self.clear) = (self.set & !clear | set, self.clear & !set | clear);
        } else if let Some((_, set, clear)) = option.strip_prefix('r').and_then(named) {
            self.recursive_set = self.recursive_set & !clear | set;
            self.recursive_clear = self.recursive_clear & !set | clear;
        } else if let Some(propagation) = propagation(option) {
            self.propagation.push(propagation);
        } else if let Some(flag) = FLAGS.iter().find(|known| **known == option) {
            self.flags.push(flag);
        } else if !IGNORED.contains(&option) {
            match option {
                "bind" => self.bind = true,
                "rbind" => (self.bind, self.recursive_bind) = (true, true),
                "remount" => self.remount = true,
                "tmpcopyup" => self.copy_up = true,
                "idmap" => self.id_map = Some(false),
                "ridmap" => self.id_map = Some(true),
                data => self.data.push(data.into()),
            }
        }
    }
}

/// Names of what is understood, but for what file systems take themselves. Attributes may have an r in front.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    const OWN: &[&str] = &["bind", "rbind", "remount", "tmpcopyup", "idmap", "ridmap"];
    const RECURSIVE: &[&str] = &[
        "rro",
        "rrw",
        "rnosuid",
        "rsuid",
        "rnodev",
        "rdev",
        "rnoexec",
        "rexec",
        "rnodiratime",
        "rdiratime",
        "rrelatime",
        "rnorelatime",
        "rnoatime",
        "ratime",
        "rstrictatime",
        "rnostrictatime",
        "rnosymfollow",
        "rsymfollow",
        "rprivate",
        "rshared",
        "rslave",
        "runbindable",
    ];
    let attributes = ATTRIBUTES.iter().map(|(name, ..)| *name).chain(PROPAGATIONS.iter().map(|(name, _)| *name));
    attributes.chain(FLAGS.iter().chain(IGNORED).chain(OWN).chain(RECURSIVE).copied())
}

/// A kind of propagation by its name, with an r in front for the mounts below as well.
pub(crate) fn propagation(name: &str) -> Option<(u64, bool)> {
    let find = |name: &str| PROPAGATIONS.iter().find(|(known, _)| *known == name).map(|(_, flag)| *flag);
    find(name).map(|flag| (flag, false)).or_else(|| Some((find(name.strip_prefix('r')?)?, true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &[&str]) -> Options {
        Options::read(&options.iter().map(|option| (*option).into()).collect::<Vec<String>>())
    }

    #[test]
    fn options_are_told_apart() {
        let options = read(&["nosuid", "rro", "rbind", "rslave", "size=64k", "sync", "defaults", "mode=755"]);
        assert_eq!((options.set, options.recursive_set), (2, 1));
        assert!(options.bind && options.recursive_bind);
        assert_eq!(options.propagation, [(u64::from(MS_SLAVE), true)]);
        assert_eq!(options.data, ["size=64k", "mode=755"]);
        assert_eq!(options.flags, ["sync"]);
    }

    #[test]
    fn the_later_of_two_that_exclude_each_other_wins() {
        assert_eq!((read(&["ro", "rw"]).set, read(&["ro", "rw"]).clear), (0, 1));
        assert_eq!((read(&["rw", "ro"]).set, read(&["rw", "ro"]).clear), (1, 0));
        let times = read(&["noatime", "strictatime"]);
        assert_eq!((times.set, times.clear & times.set), (u64::from(MOUNT_ATTR_STRICTATIME), times.set));
    }

    #[test]
    fn relatime_is_not_a_recursive_elatime() {
        assert_eq!(read(&["relatime"]).data, [""; 0]);
        assert_eq!(read(&["rw"]).recursive_set, 0);
        assert_eq!(propagation("rprivate"), Some((u64::from(MS_PRIVATE), true)));
        assert_eq!(propagation("rx"), None);
    }
}
