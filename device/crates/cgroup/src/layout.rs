//! How the machine's hierarchies are laid out: version 2 alone, or version 1 with perhaps version 2 beside it.
//!
//! `/sys/fs/cgroup` comes in. One `statfs` tells version 2, which nearly every machine has. For version 1,
//! `/proc/self/cgroup` names the hierarchies and they are looked for where everybody mounts them; mountinfo, which is long
//! and slow to read, only has to tell of those that are elsewhere.

use crate::path::{c_path, join};
use crate::{Action, Error, Result};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use kernel::{CWD, Errno, fs};

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// Version 2 alone, mounted here.
    Unified(String),
    /// Hierarchies of version 1, perhaps version 2 among them; none: no cgroups at all.
    Split(Vec<Hierarchy>),
}

/// A hierarchy of the older layout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hierarchy {
    /// Its controllers; of a named one `name=systemd`; of version 2 none.
    pub controllers: Vec<String>,
    /// Where it is mounted.
    pub mount: String,
    /// The caller's own group in it.
    pub own: String,
}

impl Layout {
    /// Finds out. `root` is `/sys/fs/cgroup` but for tests.
    pub fn find(root: &str) -> Result<Self> {
        if file_system(root) == Some(fs::CGROUP2_SUPER_MAGIC) {
            return Ok(Self::Unified(root.into()));
        }
        let mut mounts = None;
        let mut found = Vec::new();
        for (controllers, own) in own_groups(&own_text()?) {
            let mount = usual_place(root, &controllers).or_else(|| {
                let mounts: &String = mounts.get_or_insert_with(|| read("/proc/self/mountinfo").unwrap_or_default());
                mounted_place(mounts, &controllers)
            });
            found.extend(mount.map(|mount| Hierarchy { controllers, mount, own }));
        }
        Ok(Self::Split(found))
    }
}

/// The caller's own group of version 2.
pub(crate) fn own_unified_group() -> Result<String> {
    own_groups(&own_text()?)
        .find(|(controllers, _)| controllers.is_empty())
        .map(|(_, own)| own)
        .ok_or(Error::NoGroup { field: "version 2" })
}

fn own_text() -> Result<String> {
    read("/proc/self/cgroup").map_err(|errno| Error::file("/proc/self/cgroup", "", Action::Read, errno))
}

fn read(path: &str) -> core::result::Result<String, Errno> {
    let content = fs::read_file(CWD, &c_path(path)?, 4 << 20)?;
    Ok(String::from_utf8_lossy(&content).into_owned())
}

/// Lines of `/proc/PID/cgroup` (cgroups(7)), `number:controllers:path`: the controllers and the path.
pub(crate) fn own_groups(text: &str) -> impl Iterator<Item = (Vec<String>, String)> {
    text.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let controllers = controllers.split(',').filter(|name| !name.is_empty()).map(ToString::to_string).collect();
        Some((controllers, path.to_string()))
    })
}

fn file_system(path: &str) -> Option<i64> {
    fs::statfs(&c_path(path).ok()?).ok().map(|found| found.f_type)
}

/// `/sys/fs/cgroup/cpu,cpuacct`, `…/cpu`, `…/systemd` for `name=systemd`, `…/unified` for version 2.
fn usual_place(root: &str, controllers: &[String]) -> Option<String> {
    let wanted = if controllers.is_empty() { fs::CGROUP2_SUPER_MAGIC } else { fs::CGROUP_SUPER_MAGIC };
    let together = controllers.join(",");
    let together = if controllers.is_empty() { "unified" } else { together.trim_start_matches("name=") };
    let alone = controllers.iter().map(String::as_str).filter(|_| controllers.len() > 1);
    let mut names = core::iter::once(together).chain(alone);
    names.find_map(|name| Some(join(root, name)).filter(|path| file_system(path) == Some(wanted)))
}

/// A line of mountinfo (proc(5)): ids, device, root, place, options, optional fields up to `-`, type, source, options of
/// the file system, among which version 1 lists its controllers.
fn mounted_place(text: &str, controllers: &[String]) -> Option<String> {
    text.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let (place, mut after) = (before.split(' ').nth(4)?, after.split(' '));
        let (kind, options) = (after.next()?, after.nth(1)?);
        let fits = match kind {
            "cgroup2" => controllers.is_empty(),
            "cgroup" => {
                let has = |name: &String| options.split(',').any(|option| option == name);
                !controllers.is_empty() && controllers.iter().all(has)
            }
            _ => false,
        };
        fits.then(|| unescape(place))
    })
}

/// A place of mountinfo as a path: spaces and the like are written `\040` there.
#[must_use]
pub fn unescape(place: &str) -> String {
    let mut parts = place.split('\\');
    let mut result = String::from(parts.next().unwrap_or_default());
    for part in parts {
        let code = part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match (code, part.get(3..)) {
            (Some(code), Some(rest)) => {
                result.push(char::from(code));
                result.push_str(rest);
            }
            _ => result.push_str(part),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_a_process_are_read() {
        let text = "9:name=systemd:/\n2:cpu,cpuacct:/a:b\n0::/user.slice\n\nodd\n";
        let groups: Vec<_> = own_groups(text).collect();
        assert_eq!(
            groups,
            [
                (vec!["name=systemd".to_string()], "/".to_string()),
                (vec!["cpu".to_string(), "cpuacct".to_string()], "/a:b".to_string()),
                (vec![], "/user.slice".to_string()),
            ]
        );
    }

    #[test]
    fn mounts_in_odd_places_are_found() {
        let text = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n\
            32 31 0:29 / /dev/my\\040cpu rw,relatime shared:5 - cgroup cgroup rw,cpu,cpuacct\n\
            40 31 0:37 / /sd rw - cgroup cgroup rw,xattr,name=systemd\n\
            41 31 0:38 / /two rw - cgroup2 cgroup2 rw\n";
        let place = |names: &[&str]| mounted_place(text, &names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(place(&["cpu", "cpuacct"]).as_deref(), Some("/dev/my cpu"));
        assert_eq!(place(&["name=systemd"]).as_deref(), Some("/sd"));
        assert_eq!(place(&[]).as_deref(), Some("/two"));
        assert_eq!(place(&["memory"]), None);
    }

    #[test]
    fn this_machine_is_understood() {
        match Layout::find("/sys/fs/cgroup").unwrap() {
            Layout::Unified(mount) => assert_eq!(mount, "/sys/fs/cgroup"),
            Layout::Split(hierarchies) => {
                for hierarchy in hierarchies {
                    assert!(std::path::Path::new(&hierarchy.mount).join("cgroup.procs").exists(), "{hierarchy:?}");
                }
            }
        }
    }
}
