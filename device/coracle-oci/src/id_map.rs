//! Maps of users and groups: written for a new user namespace by who is outside of it.

use crate::error::{About, Error};
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use kernel::process::{self, CLONE_NEWUSER, Clone, Ending, Side};
use kernel::{CWD, Fd, fs, signal, user};
use runtime_spec::IdMapping;

/// Where the programs that map more than one's own number are looked for.
const PLACES: &[&str] = &["/usr/bin", "/bin", "/usr/local/bin"];

/// Writes the maps of a process that has just been made in a user namespace. Returns whether groups can be set in it.
pub(crate) fn write(pid: i32, users: &[IdMapping], groups: &[IdMapping]) -> Result<bool, Error> {
    if users.is_empty() || groups.is_empty() {
        return Err(Error::config(
            "linux.namespaces has a new user namespace, but linux lacks uidMappings or gidMappings",
        ));
    }
    let privileged = user::effective_user_id() == 0
        && user::capabilities().is_ok_and(|sets| sets.effective & (0b11 << 6) == 0b11 << 6);
    if privileged {
        write_file(pid, "uid_map", &lines(users))?;
        write_file(pid, "gid_map", &lines(groups))?;
        return Ok(true);
    }
    // Without privileges, only one's own number can be mapped, and only where groups can no longer be set.
    let own = |maps: &[IdMapping], id: u32| matches!(maps, [only] if only.size == 1 && only.host_id == id);
    let own_groups = own(groups, user::effective_group_id());
    if own_groups {
        write_file(pid, "setgroups", "deny")?;
        write_file(pid, "gid_map", &lines(groups))?;
    } else {
        helper("newgidmap", pid, groups)?;
    }
    if own(users, user::effective_user_id()) {
        write_file(pid, "uid_map", &lines(users))?;
    } else {
        helper("newuidmap", pid, users)?;
    }
    Ok(!own_groups)
}

fn lines(maps: &[IdMapping]) -> String {
    maps.iter().map(|map| format!("{} {} {}\n", map.container_id, map.host_id, map.size)).collect()
}

fn write_file(pid: i32, name: &str, text: &str) -> Result<(), Error> {
    let path = format!("/proc/{pid}/{name}");
    let c_path = CString::new(path.as_str()).unwrap_or_default();
    fs::write_file(CWD, &c_path, text.as_bytes()).about(|| format!("write {:?} to {path}", text.trim_end()))
}

/// Runs newuidmap or newgidmap, which know from /etc/subuid and /etc/subgid what a user may have.
fn helper(name: &str, pid: i32, maps: &[IdMapping]) -> Result<(), Error> {
    let numbers =
        maps.iter().flat_map(|map| [map.container_id, map.host_id, map.size]).map(|number| format!("{number}"));
    let words = [String::from(name), format!("{pid}")].into_iter().chain(numbers);
    let arguments: Vec<CString> = words.map(|word| CString::new(word).unwrap_or_default()).collect();
    let child = Clone::default().start().about(|| format!("start {name}"))?;
    match child {
        Side::Child => {
            for place in PLACES {
                let path = CString::new(format!("{place}/{name}")).unwrap_or_default();
                process::execute(&path, &arguments, &[] as &[&CStr]);
            }
            process::exit(127)
        }
        Side::Parent { pid, .. } => match process::wait(pid).about(|| format!("wait for {name}"))?.1 {
            Ending::Exited(0) => Ok(()),
            Ending::Exited(127) => {
                Err(Error::Reported(format!("{name} is not installed: package uidmap (shadow) has it")))
            }
            _ => Err(Error::Reported(format!("{name} refused the map: see /etc/subuid and /etc/subgid"))),
        },
    }
}

/// A user namespace that is nothing but its maps: for mounts whose users are mapped.
pub(crate) fn namespace_of(users: &[IdMapping], groups: &[IdMapping]) -> Result<Fd, Error> {
    let what = || "make a user namespace for a mount";
    match (Clone { namespaces: CLONE_NEWUSER, ..Clone::default() }).start().about(what)? {
        Side::Child => loop {
            // Until it is killed; its parent's end ends it, too.
            let _ = process::signal_on_parents_death(signal::SIGKILL as i32);
            let _ = kernel::clock::sleep(60_000_000_000);
        },
        Side::Parent { pid, handle } => {
            let namespace = write(pid, users, groups).and_then(|_| {
                let path = CString::new(format!("/proc/{pid}/ns/user")).unwrap_or_default();
                fs::open(CWD, &path, fs::O_RDONLY, 0).about(what)
            });
            let _ = process::send_signal(handle.borrow(), signal::SIGKILL as i32);
            let _ = process::wait(pid);
            namespace
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_written_a_line_each() {
        let maps = [
            IdMapping { container_id: 0, host_id: 1000, size: 1 },
            IdMapping { container_id: 1, host_id: 100_000, size: 65_536 },
        ];
        assert_eq!(lines(&maps), "0 1000 1\n1 100000 65536\n");
    }
}
