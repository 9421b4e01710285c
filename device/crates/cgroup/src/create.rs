//! Making a group and setting its limits.
//!
//! In version 2 the directory is made first and then asked which controllers it has: those above it are nearly always in
//! order already, from the container before. Only when something is missing are controllers enabled from the top down.

use crate::directory::Directory;
use crate::group::Member;
use crate::limits::{self, Write, apply, v1, v2};
use crate::path::{c_path, parent};
use crate::{Action, Error, Group, Result, ebpf, systemd};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use kernel::{CWD, Errno, Fd, fs};
use runtime_spec::Resources;

/// Controllers that counting needs, if the machine has them.
const WANTED: [&str; 4] = ["cpu", "io", "memory", "pids"];
/// Controllers that a threaded group can have (cgroups(7)).
const THREADED: [&str; 4] = ["cpu", "cpuset", "perf_event", "pids"];

impl Group {
    /// Whether [`Group::create`] has to be given a process: systemd makes no scope without one.
    #[must_use]
    pub fn needs_process(&self) -> bool {
        self.unit.is_some() && !self.is_none()
    }

    /// Makes the group and sets its limits. Of version 2 the directory comes back, for `CLONE_INTO_CGROUP`; in version 1
    /// the process has to be moved by [`Group::attach`]. With systemd, `process` is in the group afterwards, in version 2.
    ///
    /// A rootless container that named no place and asked for no limits goes without a group when there is no right to
    /// make one; the group is [`Group::none`] then. What was made before an error stays, to be removed by
    /// [`Group::remove`].
    pub fn create(&mut self, resources: &Resources, process: Option<i32>) -> Result<Option<Fd>> {
        match self.try_create(resources, process) {
            Err(error) if self.optional && self.rootless && is_refusal(&error) => {
                if let Some(field) = limits::asked(resources, true) {
                    return Err(Error::Rights { field, cause: Box::new(error) });
                }
                *self = Self::none();
                Ok(None)
            }
            result => result,
        }
    }

    fn try_create(&self, resources: &Resources, process: Option<i32>) -> Result<Option<Fd>> {
        let Some(first) = self.members.first() else {
            return limits::asked(resources, self.rootless).map_or(Ok(None), |field| Err(Error::NoGroup { field }));
        };
        if let Some(unit) = &self.unit {
            systemd::start(unit, resources, self.unified, process)?;
        }
        if self.unified {
            self.create_unified(first, resources).map(Directory::into_fd)
        } else {
            self.create_split(resources)
        }
    }

    /// Sets limits of an existing group; what is not given stays.
    pub fn update(&self, resources: &Resources) -> Result<()> {
        let Some(first) = self.members.first() else {
            return limits::asked(resources, self.rootless).map_or(Ok(()), |field| Err(Error::NoGroup { field }));
        };
        if self.unified {
            check_usage(&Directory::at(&first.directory), resources)?;
        }
        if let Some(unit) = &self.unit {
            systemd::set_properties(unit, resources, self.unified)?;
        }
        if !self.unified {
            return self.write_split(&v1::writes(resources)?);
        }
        let directory = Directory::open(&first.directory)?;
        let mut writes = v2::writes(resources)?;
        keep_quota(&directory, resources, &mut writes);
        ensure_controllers(&directory, first, &writes)?;
        self.limit_unified(&directory, resources, &writes, false)
    }

    fn create_unified<'a>(&self, member: &'a Member, resources: &Resources) -> Result<Directory<'a>> {
        let writes = v2::writes(resources)?;
        self.check_free()?;
        let fresh = make(member)?;
        let directory = Directory::open(&member.directory)?;
        ensure_controllers(&directory, member, &writes)?;
        self.limit_unified(&directory, resources, &writes, fresh)?;
        Ok(directory)
    }

    fn limit_unified(
        &self,
        directory: &Directory<'_>,
        resources: &Resources,
        writes: &[Write],
        fresh: bool,
    ) -> Result<()> {
        match ebpf::restrict(directory, &resources.devices, fresh) {
            // Only the machine's root may load programs.
            Err(_) if self.rootless => {}
            result => result?,
        }
        apply(directory, writes)
    }

    fn create_split(&self, resources: &Resources) -> Result<Option<Fd>> {
        let writes = v1::writes(resources)?;
        self.check_free()?;
        for member in &self.members {
            make(member)?;
            if member.controllers.iter().any(|name| name == "cpuset") {
                fill_cpuset(member, resources)?;
            }
        }
        self.write_split(&writes).map(|()| None)
    }

    /// Before anything is made: a group that is there, of others or of an earlier container, has to be empty and awake. What
    /// systemd makes for us has our process in it.
    fn check_free(&self) -> Result<()> {
        if self.unit.is_some() {
            return Ok(());
        }
        self.main_member().map_or(Ok(()), |main| check_empty(&Directory::at(&main.directory)))?;
        // In the freezer's own hierarchy, too, where a process would stop as soon as it came in.
        self.members.iter().try_for_each(|member| check_not_frozen(&Directory::at(&member.directory)))
    }

    /// Each write in the hierarchy of its controller; those of one controller are beside each other.
    fn write_split(&self, writes: &[Write]) -> Result<()> {
        for of_one in writes.chunk_by(|one, two| one.controller == two.controller) {
            let Some(Write { controller, field, .. }) = of_one.first() else { continue };
            let Some(member) = self.member(controller) else {
                if self.rootless && controller == "devices" {
                    continue;
                }
                let (controller, group) = (controller.clone().into_owned(), String::new());
                return Err(Error::Controller { field, controller, group, why: None });
            };
            match apply(&Directory::at(&member.directory), of_one) {
                Err(_) if self.rootless && controller == "devices" => {}
                result => result?,
            }
        }
        Ok(())
    }
}

/// Whether the caller has no right to make a group.
fn is_refusal(error: &Error) -> bool {
    match error {
        Error::File { action: Action::Make | Action::Open, errno, .. }
        | Error::File { action: Action::Write(_), field: "", errno, .. } => {
            matches!(*errno, Errno::EACCES | Errno::EPERM | Errno::EROFS)
        }
        Error::Bus(error) => error.is_refusal(),
        _ => false,
    }
}

/// Makes the directory, and those above it; `false` if it was there.
fn make(member: &Member) -> Result<bool> {
    let path = member.directory.as_str();
    let fails = |path: &str, errno| Error::file(path, "", Action::Make, errno);
    let attempt = |path: &str| c_path(path).and_then(|path| fs::make_directory(CWD, &path, 0o755));
    match attempt(path) {
        Ok(()) => return Ok(true),
        Err(Errno::EEXIST) => return Ok(false),
        Err(Errno::ENOENT) => {}
        Err(errno) => return Err(fails(path, errno)),
    }
    for above in above(member) {
        match attempt(&above) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(fails(&above, errno)),
        }
    }
    match attempt(path) {
        Ok(()) => Ok(true),
        Err(Errno::EEXIST) => Ok(false),
        Err(errno) => Err(fails(path, errno)),
    }
}

/// The directories above a group and below the mount, topmost first.
fn above(member: &Member) -> impl Iterator<Item = String> {
    let mount = member.mount.trim_end_matches('/');
    let path = member.path();
    let ends = path.match_indices('/').map(|(end, _)| end).filter(|&end| end > 0);
    ends.filter_map(move |end| Some(format!("{mount}{}", path.get(..end)?)))
}

/// Two containers in one group would be signalled, frozen and limited together.
fn check_empty(directory: &Directory<'_>) -> Result<()> {
    let processes = directory.text("cgroup.procs").map_or(0, |list| list.lines().count());
    if processes > 0 {
        return Err(Error::InUse { group: directory.path.into(), processes });
    }
    check_not_frozen(directory)
}

fn check_not_frozen(directory: &Directory<'_>) -> Result<()> {
    if crate::freeze::frozen_by_itself(directory) {
        Err(Error::Frozen { group: directory.path.into() })
    } else {
        Ok(())
    }
}

/// Sees to it that the group has the controllers of the writes, and as many as possible of all others.
fn ensure_controllers(directory: &Directory<'_>, member: &Member, writes: &[Write]) -> Result<()> {
    let list = |directory: &Directory<'_>| directory.value("cgroup.controllers");
    let mut own = list(directory).map_err(directory.reading("cgroup.controllers"))?;
    let needed = || writes.iter().filter(|write| !write.controller.is_empty());
    let has = |own: &str, name: &str| own.split_whitespace().any(|controller| controller == name);
    if WANTED.iter().all(|name| has(&own, name)) && needed().all(|write| has(&own, &write.controller)) {
        return Ok(());
    }
    let top = Directory::at(&member.mount);
    let all = list(&top).map_err(top.reading("cgroup.controllers"))?;
    let missing: Vec<&str> = all.split_whitespace().filter(|name| !has(&own, name)).collect();
    let mut why = None;
    if !missing.is_empty() {
        for path in core::iter::once(member.mount.clone()).chain(above(member)) {
            why = enable(&Directory::at(&path), &missing).or(why);
        }
        own = list(directory).map_err(directory.reading("cgroup.controllers"))?;
        make_usable(directory, needed().any(|write| !THREADED.contains(&write.controller.as_ref())))?;
    }
    match needed().find(|write| !has(&own, &write.controller)) {
        None => Ok(()),
        Some(write) => {
            let controller = write.controller.clone().into_owned();
            // A controller that the machine does not have could not be refused.
            let why = why.filter(|_| has(&all, &controller));
            Err(Error::Controller { field: write.field, controller, group: directory.path.into(), why })
        }
    }
}

/// Enables controllers for the groups below, one by one if not all at once; the reason if one could not be.
fn enable(directory: &Directory<'_>, controllers: &[&str]) -> Option<Errno> {
    let file = "cgroup.subtree_control";
    let together = format!("+{}", controllers.join(" +"));
    directory.write(file, &together).err()?;
    let mut why = None;
    for name in controllers {
        why = directory.write(file, &format!("+{name}")).err().or(why);
    }
    why
}

/// Below a threaded group a new one can hold no processes until it is threaded itself, and then has only controllers
/// that work on threads.
fn make_usable(directory: &Directory<'_>, whole_processes: bool) -> Result<()> {
    let kind = directory.value("cgroup.type").unwrap_or_default();
    match (kind.trim_end(), whole_processes) {
        ("domain invalid", false) => directory.set("cgroup.type", "threaded"),
        (kind @ ("domain invalid" | "threaded" | "domain threaded"), true) => {
            Err(Error::Type { group: directory.path.into(), kind: kind.into() })
        }
        _ => Ok(()),
    }
}

/// A new cpuset of version 1 is empty, and no process could enter: it gets what the one above has.
fn fill_cpuset(member: &Member, resources: &Resources) -> Result<()> {
    let asked = [("cpus", resources.cpu.cpus.is_some()), ("mems", resources.cpu.mems.is_some())];
    let chain: Vec<String> = above(member).chain([member.directory.clone()]).collect();
    for (name, asked) in asked {
        // What the configuration gives is written later, but not to the directories above.
        let wanted = chain.len() - usize::from(asked);
        for path in chain.iter().take(wanted).skip(first_empty(&chain, name)) {
            let value = cpuset_value(&Directory::at(parent(path)), name)?;
            let directory = Directory::at(path);
            let file = format!("cpuset.{name}");
            match directory.write(&file, &value) {
                Err(Errno::ENOENT) => directory.set(name, &value)?,
                Err(errno) => return Err(Error::file(path, &file, Action::Write(value), errno)),
                Ok(()) => {}
            }
        }
    }
    Ok(())
}

/// How many directories of the chain, from the top, have processors already; found from below, where it is nearly always
/// only the new one that has not.
fn first_empty(chain: &[String], name: &str) -> usize {
    let filled = |path: &String| cpuset_value(&Directory::at(path), name).is_ok_and(|value| !value.is_empty());
    let above_last = chain.len().saturating_sub(1);
    let last_filled = chain.iter().take(above_last).rposition(filled).map_or(0, |index| index + 1);
    match chain.get(above_last) {
        Some(own) if last_filled == above_last && filled(own) => chain.len(),
        _ => last_filled,
    }
}

fn cpuset_value(directory: &Directory<'_>, name: &str) -> Result<String> {
    let file = format!("cpuset.{name}");
    let value = match directory.value(&file) {
        Err(Errno::ENOENT) => directory.value(name),
        result => result,
    };
    value.map(|value| value.trim_end().into()).map_err(directory.reading(&file))
}

/// Version 2 would kill to get below a new limit; version 1 refuses it by itself.
fn check_usage(directory: &Directory<'_>, resources: &Resources) -> Result<()> {
    if !resources.memory.check_before_update {
        return Ok(());
    }
    let Ok(usage) = directory.number("memory.current") else { return Ok(()) };
    for (field, limit) in [("memory.swap", resources.memory.swap), ("memory.limit", resources.memory.limit)] {
        let limit = limit.and_then(|limit| u64::try_from(limit).ok()).filter(|&limit| limit > 0);
        if let Some(limit) = limit.filter(|&limit| limit <= usage) {
            return Err(Error::Usage { field, limit, usage });
        }
    }
    Ok(())
}

/// A new period alone leaves the quota: the file has both.
fn keep_quota(directory: &Directory<'_>, resources: &Resources, writes: &mut [Write]) {
    if resources.cpu.quota.is_some_and(|quota| quota != 0) {
        return;
    }
    for write in writes.iter_mut().filter(|write| write.field == "cpu.period") {
        let current = directory.value("cpu.max").unwrap_or_default();
        if let (Some(quota), Some((_, period))) = (current.split_whitespace().next(), write.value.split_once(' ')) {
            write.value = format!("{quota} {period}");
        }
    }
}
