//! Stopping all processes of a group, and letting them go on.

use crate::directory::Directory;
use crate::{Action, Error, Group, Result};
use kernel::{Errno, clock, fs, poll};

/// How long processes may take to stop, in nanoseconds. Those in a system call that cannot be interrupted take long.
const PATIENCE: u64 = 10_000_000_000;

impl Group {
    /// Stops every process of the group, and comes back when they stand still.
    pub fn freeze(&self) -> Result<()> {
        let Some(member) = self.member("freezer") else { return Err(none()) };
        let directory = Directory::at(&member.directory);
        let result = if self.unified { freeze_unified(&directory) } else { freeze_split(&directory) };
        if matches!(result, Err(Error::Timeout { .. })) {
            // Half of a container standing still would be worse than none.
            let _ = self.thaw();
        }
        result
    }

    /// Lets them go on.
    pub fn thaw(&self) -> Result<()> {
        let Some(member) = self.member("freezer") else { return Err(none()) };
        let directory = Directory::at(&member.directory);
        if self.unified { directory.set("cgroup.freeze", "0") } else { directory.set("freezer.state", "THAWED") }
    }

    /// Whether the group's processes were stopped. A group that is not there is not frozen.
    pub fn is_frozen(&self) -> Result<bool> {
        let Some(member) = self.member("freezer") else { return Ok(false) };
        let directory = Directory::at(&member.directory);
        let (file, frozen) = if self.unified { ("cgroup.freeze", "1") } else { ("freezer.self_freezing", "1") };
        match directory.value(file) {
            Ok(value) => Ok(value.trim_end() == frozen),
            Err(Errno::ENOENT | Errno::ENODEV) => Ok(false),
            Err(errno) => Err(Error::file(directory.path, file, Action::Read, errno)),
        }
    }
}

fn none() -> Error {
    Error::Controller { field: "freezer", controller: "freezer".into(), group: "".into(), why: None }
}

/// Whether a group was frozen, in either version.
pub(crate) fn frozen_by_itself(directory: &Directory<'_>) -> bool {
    ["cgroup.freeze", "freezer.self_freezing"]
        .iter()
        .any(|file| directory.value(file).is_ok_and(|value| value.trim_end() == "1"))
}

/// The kernel tells of a change of `cgroup.events` by poll.
fn freeze_unified(directory: &Directory<'_>) -> Result<()> {
    /// `POLLPRI`
    const CHANGED: i16 = 2;
    directory.set("cgroup.freeze", "1")?;
    let reading = |errno| Error::file(directory.path, "cgroup.events", Action::Read, errno);
    let events = directory.open_file("cgroup.events", fs::O_RDONLY).map_err(reading)?;
    let end = clock::steady() + PATIENCE;
    loop {
        let mut text = [0; 256];
        let length = fs::read_at(events.borrow(), &mut text, 0).map_err(reading)?;
        let text = text.get(..length).unwrap_or_default();
        if text.split(|&byte| byte == b'\n').any(|line| line == b"frozen 1") {
            return Ok(());
        }
        let now = clock::steady();
        if now >= end {
            return Err(Error::Timeout { group: directory.path.into(), what: "freezing" });
        }
        poll::poll(&[(events.borrow(), CHANGED)], Some((end - now) / 1_000_000 + 1)).map_err(reading)?;
    }
}

/// The kernel stops processes while it is asked for the state; one that was in the middle of a fork may be missed, so the
/// request is made again now and then, as in runc.
fn freeze_split(directory: &Directory<'_>) -> Result<()> {
    let end = clock::steady() + PATIENCE;
    let mut pause = 50_000;
    loop {
        directory.set("freezer.state", "FROZEN")?;
        for _ in 0..20 {
            let state = directory.value("freezer.state").map_err(directory.reading("freezer.state"))?;
            if state.trim_end() == "FROZEN" {
                return Ok(());
            }
            if clock::steady() > end {
                return Err(Error::Timeout { group: directory.path.into(), what: "freezing" });
            }
            let _ = clock::sleep(pause);
            pause = (pause * 2).min(10_000_000);
        }
        directory.set("freezer.state", "THAWED")?;
    }
}
