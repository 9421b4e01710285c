//! Hearing of processes that were killed because memory ran out.

use crate::directory::Directory;
use crate::{Action, Error, Group, Result};
use alloc::format;
use kernel::{BorrowedFd, Fd, fs};

/// Tells when memory ran out. Readable when something happened.
#[derive(Debug)]
pub struct OomWatch {
    notices: Fd,
    /// Version 2: the file with counts, and the last count of killed processes.
    events: Option<(Fd, u64)>,
    /// Version 1: what the kernel watches has to stay open.
    _watched: Option<Fd>,
}

impl Group {
    /// Begins to listen: in version 2 to changes of `memory.events`, in version 1 by an event counter.
    pub fn watch_oom(&self) -> Result<OomWatch> {
        let Some(member) = self.member("memory") else {
            return Err(Error::Controller {
                field: "memory",
                controller: "memory".into(),
                group: "".into(),
                why: None,
            });
        };
        let directory = Directory::at(&member.directory);
        if self.unified { watch_unified(&directory) } else { watch_split(&directory) }
    }
}

fn watch_unified(directory: &Directory<'_>) -> Result<OomWatch> {
    let file = "memory.events";
    let fails = directory.reading(file);
    let watch = || {
        let notices = fs::watch_writes(&directory.file_path(file)?)?;
        let events = directory.open_file(file, fs::O_RDONLY)?;
        let count = killed(events.borrow())?;
        Ok(OomWatch { notices, events: Some((events, count)), _watched: None })
    };
    watch().map_err(fails)
}

fn watch_split(directory: &Directory<'_>) -> Result<OomWatch> {
    let file = "memory.oom_control";
    let watched = directory.open_file(file, fs::O_RDONLY).map_err(directory.reading(file))?;
    let notices = kernel::fs::event_counter().map_err(directory.reading(file))?;
    directory.set("cgroup.event_control", &format!("{} {}", notices.raw(), watched.raw()))?;
    Ok(OomWatch { notices, events: None, _watched: Some(watched) })
}

/// `oom_kill` of `memory.events`.
fn killed(events: BorrowedFd<'_>) -> kernel::Result<u64> {
    let mut content = [0; 512];
    let length = fs::read_at(events, &mut content, 0)?;
    let text = core::str::from_utf8(content.get(..length).unwrap_or_default()).unwrap_or_default();
    let count = text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok());
    Ok(count.unwrap_or(0))
}

impl OomWatch {
    /// Readable when something happened, which may also be something else.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.notices.borrow()
    }

    /// Takes the notices that have come; whether memory ran out since the last time. In version 1 the notice also comes
    /// when the group is removed: ask whether it is there yet.
    pub fn take(&mut self) -> Result<bool> {
        let fails = |errno| Error::file("", "memory.events", Action::Read, errno);
        let mut notices = [0; 4096];
        fs::read(self.notices.borrow(), &mut notices).map_err(fails)?;
        match &mut self.events {
            None => Ok(true),
            Some((events, last)) => {
                // A group that is gone has no more to say.
                let count = killed(events.borrow()).unwrap_or(*last);
                let more = count > *last;
                *last = count;
                Ok(more)
            }
        }
    }
}
