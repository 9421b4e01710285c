//! A container's group: one directory in version 2, one a hierarchy in version 1, and its unit if systemd makes it.

use crate::directory::Directory;
use crate::layout::own_groups;
use crate::path::{c_path, clean, join};
use crate::{Action, Error, Result};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use kernel::{CWD, Errno, Fd, fs};

/// Where a container's group is. It may not be there yet, or no longer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// A directory a hierarchy; none: the container has no group.
    pub(crate) members: Vec<Member>,
    /// There is version 2 alone.
    pub(crate) unified: bool,
    /// systemd makes it.
    pub(crate) unit: Option<Unit>,
    /// The caller is not the machine's root.
    pub(crate) rootless: bool,
    /// Nobody named a place, so without rights and limits there may be no group.
    pub(crate) optional: bool,
}

/// A group in one hierarchy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Member {
    /// Of version 1; `name=systemd` for a named one.
    pub(crate) controllers: Vec<String>,
    /// Where the hierarchy is mounted.
    pub(crate) mount: String,
    /// The group's directory.
    pub(crate) directory: String,
}

/// A unit of systemd.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit {
    /// `libpod-0123.scope`.
    pub name: String,
    /// The slice that it is in.
    pub slice: String,
    /// The user whose systemd has it; `None`: the machine's.
    pub user: Option<u32>,
}

impl Member {
    pub(crate) fn new(controllers: &[String], mount: &str, path: &str) -> Self {
        Self { controllers: controllers.into(), mount: mount.into(), directory: join(mount, path) }
    }

    /// The group's path in its hierarchy, `/` first.
    pub(crate) fn path(&self) -> &str {
        match self.directory.strip_prefix(self.mount.trim_end_matches('/')) {
            Some(path) if !path.is_empty() => path,
            _ => "/",
        }
    }
}

impl Group {
    /// No group at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether there is no group.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.members.is_empty()
    }

    /// The unit, if systemd makes the group.
    #[must_use]
    pub fn unit(&self) -> Option<&Unit> {
        self.unit.as_ref()
    }

    /// The group's directory: of version 2, or of the hierarchy with this controller. `freezer`, `devices` and the like
    /// are of version 1 alone.
    #[must_use]
    pub fn directory(&self, controller: &str) -> Option<&str> {
        self.member(controller).map(|member| member.directory.as_str())
    }

    pub(crate) fn member(&self, controller: &str) -> Option<&Member> {
        if self.unified {
            return self.members.first();
        }
        self.members.iter().find(|member| member.controllers.iter().any(|name| name == controller))
    }

    /// The member whose list of processes stands for all of them.
    pub(crate) fn main_member(&self) -> Option<&Member> {
        ["devices", "pids", "memory", "freezer"]
            .iter()
            .find_map(|name| self.member(name))
            .or_else(|| self.members.first())
    }

    /// Version 2: the directory, for `CLONE_INTO_CGROUP`. In version 1 processes have to be moved by [`Group::attach`].
    pub fn entry(&self) -> Result<Option<Fd>> {
        match self.members.first() {
            Some(member) if self.unified => Directory::open(&member.directory).map(Directory::into_fd),
            _ => Ok(None),
        }
    }

    /// As [`Group::entry`], but the group that another process of the container is in: one whose program manages groups,
    /// like systemd, has no processes in the topmost.
    pub fn entry_beside(&self, pid: i32) -> Result<Option<Fd>> {
        let Some(member) = self.members.first().filter(|_| self.unified) else { return Ok(None) };
        let directory = beside(member, pid)?;
        Directory::open(&directory).map(Directory::into_fd)
    }

    /// A group below this one, which is not made: of a path, or in version 1 also of `controller,controller:path`, where
    /// only those hierarchies differ (`runc exec --cgroup`).
    pub fn below(&self, path: &str) -> Result<Self> {
        let (only, path) = match path.split_once(':') {
            Some((controllers, path)) if !self.unified => (Some(controllers), path),
            _ => (None, path),
        };
        let path = if path.trim_matches('/').is_empty() { String::new() } else { clean(path)? };
        let mut group = self.clone();
        let mut changed = only.is_none();
        for member in &mut group.members {
            let named = |list: &str| list.split(',').any(|name| member.controllers.iter().any(|own| own == name));
            if only.is_none_or(named) {
                member.directory = join(&member.directory, &path);
                changed = true;
            }
        }
        if changed {
            Ok(group)
        } else {
            Err(Error::Path { path: path.clone(), what: "is for a controller that is not there" })
        }
    }

    /// Moves a process into the group, in every hierarchy.
    pub fn attach(&self, pid: i32) -> Result<()> {
        self.members.iter().try_for_each(|member| enter(&member.directory, pid))
    }

    /// As [`Group::attach`], but into the groups that another process of the container is in, where the group itself may
    /// have no processes.
    pub fn attach_beside(&self, pid: i32, other: i32) -> Result<()> {
        for member in &self.members {
            match enter(&member.directory, pid) {
                Err(error) if error.errno() == Some(Errno::EBUSY) => enter(&beside(member, other)?, pid)?,
                result => result?,
            }
        }
        Ok(())
    }

    /// Gives the group of version 2 to a user, who may then divide it further: the directory and the files that the
    /// kernel lists for that (cgroups(7), "delegation"). Version 1 cannot be delegated safely; nothing is done there.
    pub fn give_to(&self, user: u32) -> Result<()> {
        let Some(member) = self.members.first().filter(|_| self.unified) else { return Ok(()) };
        let listed = fs::read_file(CWD, c"/sys/kernel/cgroup/delegate", 4096)
            .ok()
            .and_then(|content| String::from_utf8(content).ok())
            .unwrap_or_else(|| "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n".to_string());
        let directory = Directory::open(&member.directory)?;
        for name in core::iter::once(".").chain(listed.lines().filter(|name| !name.contains('/'))) {
            let own = || {
                let file = directory.open_file(name, fs::O_PATH | fs::O_NOFOLLOW)?;
                // The group of the files stays.
                fs::change_owner(file.borrow(), user, u32::MAX)
            };
            match own() {
                Ok(()) | Err(Errno::ENOENT) => {}
                Err(errno) => return Err(Error::file(&member.directory, name, Action::Own, errno)),
            }
        }
        Ok(())
    }
}

fn enter(directory: &str, pid: i32) -> Result<()> {
    Directory::at(directory).set("cgroup.procs", &format!("{pid}"))
}

/// The directory of the group that a process is in, in the hierarchy of a member.
fn beside(member: &Member, pid: i32) -> Result<String> {
    let file = format!("/proc/{pid}/cgroup");
    let read = || fs::read_file(CWD, &c_path(&file)?, 1 << 16);
    let content = read().map_err(|errno| Error::file(&file, "", Action::Read, errno))?;
    let text = String::from_utf8_lossy(&content);
    own_groups(&text)
        .find(|(controllers, _)| *controllers == member.controllers)
        .map(|(_, path)| join(&member.mount, &path))
        .ok_or(Error::NoGroup { field: "joining a process" })
}
