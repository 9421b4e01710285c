//! Limits: from `Resources` to a list of writes ([`v1`], [`v2`], which are pure), and carrying them out.

pub(crate) mod convert;
pub(crate) mod v1;
pub(crate) mod v2;

use crate::directory::Directory;
use crate::{Action, Error, Result};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use kernel::{Errno, Fd, fs};
use runtime_spec::Resources;

/// A value for a file of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Write {
    /// Whose file it is; empty: of no controller.
    pub(crate) controller: Cow<'static, str>,
    /// The field of `linux.resources`.
    pub(crate) field: &'static str,
    /// The file.
    pub(crate) file: Cow<'static, str>,
    /// What is written.
    pub(crate) value: String,
    /// What it means when there is no such file.
    pub(crate) absent: Absent,
}

/// What a missing file means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Absent {
    /// The limit cannot be set.
    Fails,
    /// The kernel does not count this: nothing to limit.
    Passes,
    /// Another file takes this value.
    Instead(&'static str, String),
}

impl Write {
    pub(crate) fn new(
        controller: &'static str,
        field: &'static str,
        file: impl Into<Cow<'static, str>>,
        value: impl Into<String>,
    ) -> Self {
        let (file, value) = (file.into(), value.into());
        Self { controller: Cow::Borrowed(controller), field, file, value, absent: Absent::Fails }
    }

    pub(crate) fn or(self, absent: Absent) -> Self {
        Self { absent, ..self }
    }
}

/// Whether anything is asked for that needs a group. Rules about devices alone do not count for rootless containers: they
/// cannot have them, and have no rights on devices anyway.
pub(crate) fn asked(resources: &Resources, rootless: bool) -> Option<&'static str> {
    let mut rest = resources.clone();
    if rootless {
        rest.devices.clear();
    }
    let nothing = Resources::default();
    // A value of 0 is how callers say that they leave a limit alone.
    let memory = &mut rest.memory;
    for limit in
        [&mut memory.limit, &mut memory.swap, &mut memory.reservation, &mut memory.kernel, &mut memory.kernel_tcp]
    {
        *limit = limit.filter(|&bytes| bytes != 0);
    }
    memory.disable_oom_killer = memory.disable_oom_killer.filter(|&disable| disable);
    memory.check_before_update = false;
    let fields = [
        ("memory", rest.memory != nothing.memory),
        ("cpu", rest.cpu != nothing.cpu),
        ("pids", rest.pids_limit.is_some_and(|limit| limit != 0)),
        ("blockIO", rest.block_io != nothing.block_io),
        ("hugepageLimits", !rest.hugepage_limits.is_empty()),
        ("network", rest.network_class.is_some_and(|class| class != 0) || !rest.network_priorities.is_empty()),
        ("rdma", !rest.rdma.is_empty()),
        ("unified", !rest.unified.is_empty()),
        ("devices", !rest.devices.is_empty()),
    ];
    fields.into_iter().find_map(|(field, asked)| asked.then_some(field))
}

/// Carries out writes in one directory. Some pairs of limits have to be in order at every moment (memory below memory
/// and swap, burst below quota), and what order that is depends on what was before: a value that the kernel finds invalid
/// is tried again after the others.
pub(crate) fn apply<'w>(directory: &Directory<'_>, writes: impl IntoIterator<Item = &'w Write>) -> Result<()> {
    let mut later = Vec::new();
    let mut file = Open::default();
    for write in writes {
        match file.write(directory, write) {
            Err(Errno::EINVAL) => later.push(write),
            result => result.map_err(|errno| explain(directory, write, errno))?,
        }
    }
    for write in later {
        file.write(directory, write).map_err(|errno| explain(directory, write, errno))?;
    }
    Ok(())
}

/// The file that was written to last: lists take a write an item.
#[derive(Default)]
struct Open<'w> {
    last: Option<(&'w str, Fd)>,
}

impl<'w> Open<'w> {
    fn write(&mut self, directory: &Directory<'_>, write: &'w Write) -> core::result::Result<(), Errno> {
        let value = write.value.as_bytes();
        if let Some((_, file)) = self.last.as_ref().filter(|(name, _)| *name == write.file) {
            return fs::write(file.borrow(), value).map(drop);
        }
        match (directory.open_file(&write.file, fs::O_WRONLY), &write.absent) {
            (Ok(file), _) => {
                fs::write(file.borrow(), value)?;
                self.last = Some((&write.file, file));
                Ok(())
            }
            (Err(Errno::ENOENT), Absent::Passes) => Ok(()),
            (Err(Errno::ENOENT), Absent::Instead(other, value)) => directory.write(other, value),
            (Err(errno), _) => Err(errno),
        }
    }
}

/// A file that is not there means that its controller is not.
fn explain(directory: &Directory<'_>, write: &Write, errno: Errno) -> Error {
    let group = directory.path;
    if errno == Errno::ENOENT && !write.controller.is_empty() {
        return Error::Controller {
            field: write.field,
            controller: write.controller.clone().into_owned(),
            group: group.into(),
            why: None,
        };
    }
    let usage = |file| directory.number(file).ok().zip(write.value.parse().ok());
    if let (Errno::EBUSY, "memory.limit", Some((usage, limit))) = (errno, write.field, usage("memory.usage_in_bytes")) {
        return Error::Usage { field: write.field, limit, usage };
    }
    let action = Action::Write(write.value.clone());
    Error::File { group: group.into(), file: write.file.clone().into_owned(), action, field: write.field, errno }
}
