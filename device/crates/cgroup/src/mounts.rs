//! What a mount of type `cgroup` in a container consists of.

use crate::Group;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mounts {
    /// Nothing is there to be mounted.
    None,
    /// Version 2: one `cgroup2` in a cgroup namespace, or the group's directory bound when there is no new namespace.
    Unified {
        /// The group's directory on the host.
        directory: String,
    },
    /// Version 1: a tmpfs with a directory and a mount a hierarchy.
    Split(Vec<HierarchyMount>),
}

/// A hierarchy of version 1 in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HierarchyMount {
    /// The directory's name below the mount: `cpu,cpuacct`, `systemd`, `unified`.
    pub name: String,
    /// `cgroup`, or `cgroup2` for version 2 beside version 1.
    pub kind: &'static str,
    /// Options of the file system in a cgroup namespace: `cpu,cpuacct`, `none,name=systemd`; empty for `cgroup2`.
    pub options: String,
    /// The group's directory on the host, bound when there is no new namespace.
    pub directory: String,
    /// Links beside it that lead to it: `cpu` and `cpuacct`.
    pub links: Vec<String>,
}

impl Group {
    /// What a mount of type `cgroup` in this container consists of.
    #[must_use]
    pub fn mounts(&self) -> Mounts {
        match self.members.first() {
            None => Mounts::None,
            Some(member) if self.unified => Mounts::Unified { directory: member.directory.clone() },
            Some(_) => Mounts::Split(self.members.iter().map(hierarchy).collect()),
        }
    }
}

fn hierarchy(member: &crate::group::Member) -> HierarchyMount {
    let directory = member.directory.clone();
    // The host's name of it: the order of controllers in it is the host's, too.
    let last = member.mount.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let together = member.controllers.join(",");
    let (name, kind, options) = match member.controllers.first() {
        None => ("unified", "cgroup2", String::new()),
        Some(first) => match first.strip_prefix("name=") {
            Some(name) => (name, "cgroup", alloc::format!("none,{first}")),
            None if last.split(',').count() == member.controllers.len() => (last, "cgroup", together),
            None => (together.as_str(), "cgroup", together.clone()),
        },
    };
    let shared = member.controllers.len() > 1;
    let links = member.controllers.iter().filter(|link| shared && *link != name).map(ToString::to_string).collect();
    HierarchyMount { name: name.to_string(), kind, options, directory, links }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Member;

    #[test]
    fn hierarchies_are_mounted_as_on_the_host() {
        let member = |names: &[&str], mount: &str| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            Member::new(&names, mount, "/box")
        };
        let members = vec![
            member(&["cpuacct", "cpu"], "/sys/fs/cgroup/cpu,cpuacct"),
            member(&["memory"], "/sys/fs/cgroup/memory"),
            member(&["name=systemd"], "/sys/fs/cgroup/systemd"),
            member(&[], "/sys/fs/cgroup/unified"),
        ];
        let Mounts::Split(mounts) = (Group { members, ..Group::none() }).mounts() else { panic!("not split") };
        let shown: Vec<_> =
            mounts.iter().map(|m| (m.name.as_str(), m.kind, m.options.as_str(), m.links.len())).collect();
        assert_eq!(
            shown,
            [
                ("cpu,cpuacct", "cgroup", "cpuacct,cpu", 2),
                ("memory", "cgroup", "memory", 0),
                ("systemd", "cgroup", "none,name=systemd", 0),
                ("unified", "cgroup2", "", 0),
            ]
        );
        assert_eq!(mounts[1].directory, "/sys/fs/cgroup/memory/box");
        assert_eq!(Group::none().mounts(), Mounts::None);
    }
}
