//! Removing a group and those below it.

use crate::path::c_path;
use crate::processes::groups_below;
use crate::{Action, Error, Group, Result, systemd};
use kernel::{CWD, Errno, clock, fs};

/// How long the last processes may take to be gone, in nanoseconds.
const PATIENCE: u64 = 5_000_000_000;
const DEPTH: usize = 64;

impl Group {
    /// Removes the group in every hierarchy, with the groups below it. Processes that were killed may take a moment to be
    /// gone, which is waited for. What is gone already is no error.
    pub fn remove(&self) -> Result<()> {
        let unit = self.unit.as_ref().filter(|_| !self.is_none());
        let stopped = unit.map_or(Ok(()), systemd::stop);
        let end = clock::steady() + PATIENCE;
        let mut result = Ok(());
        for member in &self.members {
            // One that stays does not keep the others.
            result = result.and(remove(&member.directory, end));
        }
        match stopped {
            // Without its group and its processes a unit ends by itself.
            Err(Error::Bus(error)) if error.is_refusal() => result,
            _ => result.and(stopped),
        }
    }
}

fn remove(path: &str, end: u64) -> Result<()> {
    let mut pause = 100_000;
    loop {
        match remove_tree(path, DEPTH) {
            Err(Error::File { errno: Errno::EBUSY, .. }) if clock::steady() < end => {
                let _ = clock::sleep(pause);
                pause = (pause * 2).min(20_000_000);
            }
            result => return result,
        }
    }
}

/// Nearly every group has none below it, so this is one call.
fn remove_tree(path: &str, depth: usize) -> Result<()> {
    let attempt = || match c_path(path).and_then(|path| fs::remove(CWD, &path, fs::AT_REMOVEDIR)) {
        Ok(()) | Err(Errno::ENOENT | Errno::ENODEV) => Ok(()),
        Err(errno) => Err(Error::file(path, "", Action::Remove, errno)),
    };
    match attempt() {
        Err(Error::File { errno: Errno::EBUSY | Errno::ENOTEMPTY, .. }) if depth > 0 => {}
        result => return result,
    }
    for below in groups_below(path)? {
        remove_tree(&below, depth - 1)?;
    }
    attempt()
}
