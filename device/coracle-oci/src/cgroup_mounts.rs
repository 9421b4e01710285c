//! What a mount of type `cgroup` is made of: one mount of version 2, or of version 1 a tmpfs with a mount for each hierarchy.

use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use cgroup::{Group, HierarchyMount, Mounts};
use runtime_spec::Mount;

/// Mounts to be made in order, and links to be made after them.
#[derive(Debug, Default)]
pub(crate) struct CgroupMounts {
    pub(crate) mounts: Vec<Mount>,
    /// Target and path in the container.
    pub(crate) links: Vec<(CString, CString)>,
}

/// Works out the mounts that stand for `mount`. Without a cgroup namespace of its own, the container sees its groups as they
/// are on the host, bound.
pub(crate) fn plan(mount: &Mount, group: &Group, own_namespace: bool) -> CgroupMounts {
    match group.mounts() {
        Mounts::None => CgroupMounts::default(),
        Mounts::Unified { directory } => {
            let one = if own_namespace { made(mount, "", "cgroup2", &[]) } else { bound(mount, "", &directory) };
            CgroupMounts { mounts: [one].into(), links: Vec::new() }
        }
        Mounts::Split(hierarchies) => split(mount, &hierarchies, own_namespace),
    }
}

fn split(mount: &Mount, hierarchies: &[HierarchyMount], own_namespace: bool) -> CgroupMounts {
    let mut all = CgroupMounts::default();
    // Writable until the links are in it.
    let mut directory = made(mount, "", "tmpfs", &["mode=755"]);
    let read_only = directory.options.iter().any(|option| option == "ro");
    directory.options.retain(|option| option != "ro");
    all.mounts.push(directory);
    for hierarchy in hierarchies {
        all.mounts.push(if own_namespace {
            let options: Vec<&str> = hierarchy.options.split(',').filter(|option| !option.is_empty()).collect();
            made(mount, &hierarchy.name, hierarchy.kind, &options)
        } else {
            bound(mount, &hierarchy.name, &hierarchy.directory)
        });
        for link in &hierarchy.links {
            all.links.push((c_string(&hierarchy.name), below(mount, link)));
        }
    }
    if read_only {
        let remount = Mount { options: ["remount", "ro"].map(String::from).into(), ..made(mount, "", "tmpfs", &[]) };
        all.mounts.push(remount);
    }
    all
}

fn made(mount: &Mount, name: &str, kind: &str, options: &[&str]) -> Mount {
    let mut all = mount.options.clone();
    all.extend(options.iter().map(|option| String::from(*option)));
    Mount {
        destination: below(mount, name),
        kind: Some(c_string(kind)),
        source: Some(c_string(if kind == "tmpfs" { "tmpfs" } else { "cgroup" })),
        options: all,
        ..Mount::default()
    }
}

fn bound(mount: &Mount, name: &str, directory: &str) -> Mount {
    let options = mount.options.iter().cloned().chain([String::from("bind")]).collect();
    Mount { destination: below(mount, name), source: Some(c_string(directory)), options, ..Mount::default() }
}

fn below(mount: &Mount, name: &str) -> CString {
    if name.is_empty() {
        mount.destination.clone()
    } else {
        c_string(&format!("{}/{name}", mount.destination.to_string_lossy()))
    }
}

/// Neither names of controllers nor paths of groups have a zero byte.
fn c_string(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_is_a_directory_of_mounts_and_links() {
        let mount = Mount {
            destination: c"/sys/fs/cgroup".into(),
            options: vec!["ro".into(), "nosuid".into()],
            ..Mount::default()
        };
        let hierarchy = HierarchyMount {
            name: "cpu,cpuacct".into(),
            kind: "cgroup",
            options: "cpu,cpuacct".into(),
            directory: "/sys/fs/cgroup/cpu,cpuacct/x".into(),
            links: vec!["cpu".into(), "cpuacct".into()],
        };
        let all = split(&mount, core::slice::from_ref(&hierarchy), true);
        let shown: Vec<_> =
            all.mounts.iter().map(|mount| (mount.destination.to_str().unwrap(), mount.options.join(","))).collect();
        assert_eq!(
            shown,
            [
                ("/sys/fs/cgroup", "nosuid,mode=755".into()),
                ("/sys/fs/cgroup/cpu,cpuacct", "ro,nosuid,cpu,cpuacct".into()),
                ("/sys/fs/cgroup", "remount,ro".into()),
            ]
        );
        assert_eq!(all.links.len(), 2);
        let bound = split(&mount, &[hierarchy], false);
        assert!(bound.mounts[1].options.contains(&"bind".into()) && bound.mounts[1].kind.is_none());
    }
}
