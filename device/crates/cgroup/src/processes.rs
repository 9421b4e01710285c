//! The processes of a group: listing them, and ending them all.

use crate::directory::Directory;
use crate::path::c_path;
use crate::{Action, Error, Group, Result};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use kernel::{CWD, Errno, clock, fs, process, signal};

/// How long processes may take to end, in nanoseconds.
const PATIENCE: u64 = 10_000_000_000;
/// How deep groups may be nested below a container's; the kernel's own limit is far above any use.
const DEPTH: usize = 64;

impl Group {
    /// The numbers of the group's processes, with those of the groups below it if `recursive`. None when it is not there.
    pub fn processes(&self, recursive: bool) -> Result<Vec<i32>> {
        let mut found = Vec::new();
        if let Some(member) = self.main_member() {
            list(&member.directory, if recursive { DEPTH } else { 0 }, &mut found)?;
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Sends a signal to every process of the group and of those below it. Frozen meanwhile where that is possible, so that
    /// none slips away by forking.
    pub fn signal_all(&self, number: i32) -> Result<()> {
        let was_frozen = self.is_frozen().unwrap_or(false);
        // Without a freezer a process that forks may be missed; callers that end a group do this again.
        let frozen = !was_frozen && self.freeze().is_ok();
        let result = self.processes(true).map(|all| {
            for pid in all {
                // It may have ended meanwhile.
                let _ = process::kill(pid, number);
            }
        });
        // A process of version 1 that is frozen would not even be killed.
        let thaw = frozen || (was_frozen && number == signal::SIGKILL as i32 && !self.unified);
        if thaw { self.thaw().and(result) } else { result }
    }

    /// Kills every process of the group and of those below it. They may be there for a moment yet: [`Group::remove`] waits.
    pub fn kill_all(&self) -> Result<()> {
        let Some(member) = self.main_member() else { return Ok(()) };
        if self.unified {
            // Linux 5.14.
            match Directory::at(&member.directory).write("cgroup.kill", "1") {
                Ok(()) => return Ok(()),
                Err(Errno::ENOENT) if !fs::exists(CWD, &as_path(&member.directory)?) => return Ok(()),
                Err(_) => {}
            }
        }
        let end = clock::steady() + PATIENCE;
        let mut pause = 100_000;
        while !self.processes(true)?.is_empty() {
            self.signal_all(signal::SIGKILL as i32)?;
            if clock::steady() > end {
                return Err(Error::Timeout { group: member.directory.clone(), what: "ending its processes" });
            }
            let _ = clock::sleep(pause);
            pause = (pause * 2).min(20_000_000);
        }
        Ok(())
    }
}

fn as_path(directory: &str) -> Result<alloc::ffi::CString> {
    c_path(directory).map_err(|errno| Error::file(directory, "", Action::Open, errno))
}

fn list(path: &str, depth: usize, found: &mut Vec<i32>) -> Result<()> {
    let directory = Directory::at(path);
    let text = match directory.text("cgroup.procs") {
        // In a threaded group only threads can be listed; their leaders are listed above it.
        Err(Errno::EOPNOTSUPP) => String::new(),
        Err(Errno::ENOENT | Errno::ENODEV) => return Ok(()),
        result => result.map_err(directory.reading("cgroup.procs"))?,
    };
    // 0: a process of another PID namespace.
    found.extend(text.lines().filter_map(|line| line.parse().ok()).filter(|&pid: &i32| pid > 0));
    if depth > 0 {
        for below in groups_below(path)? {
            list(&below, depth - 1, found)?;
        }
    }
    Ok(())
}

/// The groups directly below one; none when it is gone.
pub(crate) fn groups_below(path: &str) -> Result<Vec<String>> {
    let entries = match entries(path) {
        Err(Errno::ENOENT | Errno::ENODEV) => Vec::new(),
        result => result.map_err(|errno| Error::file(path, "", Action::Read, errno))?,
    };
    let groups = entries.iter().filter(|entry| entry.kind == fs::KIND_DIRECTORY);
    Ok(groups.filter_map(|entry| Some(format!("{path}/{}", entry.name.to_str().ok()?))).collect())
}

/// The names of what is in a group's directory.
pub(crate) fn file_names(path: &str) -> core::result::Result<Vec<String>, Errno> {
    Ok(entries(path)?.into_iter().filter_map(|entry| entry.name.into_string().ok()).collect())
}

fn entries(path: &str) -> core::result::Result<Vec<fs::Entry>, Errno> {
    let directory = fs::open(CWD, &c_path(path)?, fs::O_RDONLY | fs::O_DIRECTORY, 0)?;
    fs::entries(directory.borrow())
}
