//! Where a container's group will be. Nothing is made yet.
//!
//! `cgroupsPath`, absolute or not, is taken from the root of each hierarchy, so that one value is one place. Without it the
//! group is `/<id>`, for rootless containers below what the caller may write to. With systemd it is
//! `slice:prefix:name`, which is the scope `prefix-name.scope` in that slice, as runc and crun have it.

use crate::group::{Member, Unit};
use crate::layout::own_unified_group;
use crate::path::{c_path, clean, join, parent};
use crate::systemd::expand_slice;
use crate::{Error, Group, Layout, Result};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use kernel::{CWD, fs};

/// Who makes groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Driver {
    /// The runtime, in the file system.
    #[default]
    Cgroupfs,
    /// systemd, asked over D-Bus for a scope.
    Systemd,
}

/// What decides where a group is.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The container's.
    pub id: &'a str,
    /// `linux.cgroupsPath`.
    pub cgroups_path: Option<&'a str>,
    /// Who makes it.
    pub driver: Driver,
    /// The caller is not the machine's root.
    pub rootless: bool,
    /// The caller's user on the machine, whose systemd is asked when rootless.
    pub user: u32,
    /// What is mounted.
    pub layout: Layout,
}

impl Group {
    /// Decides where the group will be.
    pub fn plan(request: &Request<'_>) -> Result<Self> {
        let path = request.cgroups_path.filter(|path| !path.is_empty());
        match request.driver {
            Driver::Systemd => for_systemd(request, path),
            Driver::Cgroupfs => match (path, request.rootless) {
                (Some(path), _) => Ok(everywhere(request, &clean(path)?)),
                (None, false) => Ok(everywhere(request, &clean(request.id)?)),
                (None, true) => below_own(request),
            },
        }
    }
}

/// The same path in every hierarchy.
fn everywhere(request: &Request<'_>, path: &str) -> Group {
    let (members, unified) = match &request.layout {
        Layout::Unified(mount) => (Vec::from([Member::new(&[], mount, path)]), true),
        Layout::Split(hierarchies) => {
            let member = |hierarchy: &crate::Hierarchy| Member::new(&hierarchy.controllers, &hierarchy.mount, path);
            (hierarchies.iter().map(member).collect(), false)
        }
    };
    Group { members, unified, unit: None, rootless: request.rootless, optional: false }
}

/// Where a caller without rights on the machine may make a group: beside its own, since one that holds processes cannot
/// hand controllers on; or below its own, which is enough to count and to kill; or nowhere.
fn below_own(request: &Request<'_>) -> Result<Group> {
    let id = clean(request.id)?;
    let place = |mount: &str, own: &str| {
        [parent(own), own].into_iter().find_map(|above| {
            let directory = c_path(&join(mount, above)).ok()?;
            fs::is_writable(CWD, &directory).then(|| format!("{}{id}", above.trim_end_matches('/')))
        })
    };
    let member = |controllers: &[String], mount: &str, own: &str| {
        place(mount, own).map(|path| Member::new(controllers, mount, &path))
    };
    let (members, unified) = match &request.layout {
        Layout::Unified(mount) => (member(&[], mount, &own_unified_group()?).into_iter().collect(), true),
        Layout::Split(list) => {
            (list.iter().filter_map(|found| member(&found.controllers, &found.mount, &found.own)).collect(), false)
        }
    };
    Ok(Group { members, unified, unit: None, rootless: true, optional: true })
}

fn for_systemd(request: &Request<'_>, path: Option<&str>) -> Result<Group> {
    let default = format!(":coracle:{}", request.id);
    let whole = path.unwrap_or(&default);
    let wrong = |what| Error::Path { path: whole.into(), what };
    let [slice, prefix, name] = <[&str; 3]>::try_from(whole.splitn(4, ':').collect::<Vec<_>>())
        .map_err(|_| wrong("is not of the form slice:prefix:name, which systemd needs"))?;
    if name.is_empty() || [prefix, name].iter().any(|part| part.contains('/')) {
        return Err(wrong("has no name that a unit may have"));
    }
    let slice = match (slice, request.rootless) {
        ("", false) => "system.slice",
        ("", true) => "user.slice",
        (given, _) => given,
    };
    let unit = match prefix {
        _ if name.ends_with(".slice") => name.into(),
        "" => format!("{name}.scope"),
        _ => format!("{prefix}-{name}.scope"),
    };
    let expanded = expand_slice(slice).ok_or_else(|| wrong("has no slice that systemd could have"))?;
    let manager = if request.rootless { user_manager(request) } else { String::new() };
    let group = everywhere(request, &clean(&format!("{manager}{expanded}/{unit}"))?);
    let user = request.rootless.then_some(request.user);
    Ok(Group { unit: Some(Unit { name: unit, slice: slice.into(), user }), optional: path.is_none(), ..group })
}

/// The group of the user's own systemd: the caller's as far as that, or where systemd has it by default.
fn user_manager(request: &Request<'_>) -> String {
    let service = format!("user@{}.service", request.user);
    let own = match &request.layout {
        Layout::Unified(_) => own_unified_group().unwrap_or_default(),
        Layout::Split(list) => list
            .iter()
            .find(|hierarchy| hierarchy.controllers.first().is_some_and(|name| name == "name=systemd"))
            .map(|hierarchy| hierarchy.own.clone())
            .unwrap_or_default(),
    };
    match own.split_once(&service) {
        Some((before, _)) => format!("{before}{service}"),
        None => format!("/user.slice/user-{}.slice/{service}", request.user),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hierarchy;

    fn request<'a>(cgroups_path: Option<&'a str>, driver: Driver) -> Request<'a> {
        let layout = Layout::Unified("/sys/fs/cgroup".into());
        Request { id: "box", cgroups_path, driver, rootless: false, user: 1000, layout }
    }

    fn directory(request: &Request<'_>) -> Result<String> {
        Group::plan(request).map(|group| group.members.first().unwrap().directory.clone())
    }

    #[test]
    fn a_path_is_one_place() {
        for (path, wanted) in [(None, "box"), (Some(""), "box"), (Some("/a/b"), "a/b"), (Some("a/b"), "a/b")] {
            let found = directory(&request(path, Driver::Cgroupfs)).unwrap();
            assert_eq!(found, format!("/sys/fs/cgroup/{wanted}"), "{path:?}");
        }
        for path in ["/", "/a/../..", "../x"] {
            assert!(matches!(directory(&request(Some(path), Driver::Cgroupfs)), Err(Error::Path { .. })), "{path}");
        }
    }

    #[test]
    fn systemd_names_scopes() {
        for (path, wanted) in [
            (None, "system.slice/coracle-box.scope"),
            (Some("user.slice:libpod:abc"), "user.slice/libpod-abc.scope"),
            (Some("a-b.slice:p:n"), "a.slice/a-b.slice/p-n.scope"),
            (Some("-.slice::n"), "n.scope"),
            (Some("a.slice:p:q.slice"), "a.slice/q.slice"),
        ] {
            let found = directory(&request(path, Driver::Systemd)).unwrap();
            assert_eq!(found, format!("/sys/fs/cgroup/{wanted}"), "{path:?}");
        }
        for path in ["/a/b", "a:b", "a.slice:b:", "x:y:z", "a--b.slice:p:n", "a.slice:p:../n", "a:b:c:d"] {
            assert!(matches!(directory(&request(Some(path), Driver::Systemd)), Err(Error::Path { .. })), "{path}");
        }
        let rootless = Request { rootless: true, ..request(Some(":p:n"), Driver::Systemd) };
        let found = directory(&rootless).unwrap();
        assert!(found.ends_with("user@1000.service/user.slice/p-n.scope"), "{found}");
    }

    #[test]
    fn every_hierarchy_has_a_member() {
        let hierarchy = |name: &str| Hierarchy {
            controllers: vec![name.into()],
            mount: format!("/sys/fs/cgroup/{name}"),
            own: "/own".into(),
        };
        let layout = Layout::Split(vec![hierarchy("memory"), hierarchy("pids")]);
        let group = Group::plan(&Request { layout, ..request(Some("/a"), Driver::Cgroupfs) }).unwrap();
        let directories: Vec<_> = group.members.iter().map(|member| member.directory.as_str()).collect();
        assert_eq!(directories, ["/sys/fs/cgroup/memory/a", "/sys/fs/cgroup/pids/a"]);
    }
}
