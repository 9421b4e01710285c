//! persist: the partition that survives updates, brought up within a limit, or a tmpfs in its place.
//!
//! This side, the first process, only waits: a child (`worker`) looks, checks, mounts and grows, and sends the mounted
//! file system as a descriptor. If it is late it is killed, and if the kernel does not let go of it, left behind; its
//! mount is at no path then, so it goes when the child goes.

mod check;
mod enlarge;
mod report;
mod state;
mod tree;
mod worker;

pub(crate) use state::{Cause, State};
pub(crate) use worker::work;

use crate::PERSIST_WORKER;
use crate::console::say;
use crate::error::{Doing, Error};
use crate::options::Options;
use linux::mount::{DetachedMount, NO_DEVICES, NO_SUID, mount, unmount};
use linux::process::kill_group;
use linux::socket::{Channel, Received};
use linux::system::{room, since_boot};
use report::Report;
use state::Growth;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where it is found, whatever it is.
pub(crate) const MOUNT_POINT: &str = "/mnt/persist";
/// What the worker has less than this process, to say itself that it is late.
const HEAD_START: Duration = Duration::from_millis(250);
/// With less room than this, in bytes and in inodes, services that write to persist cannot be counted on.
const FULL: u64 = 4 << 20;
const FULL_INODES: u64 = 64;

/// Mounts persist, or what stands in for it; `disk` is the disk that the slot came from. Never fails: the state says
/// what was reached.
pub(crate) fn bring_up(options: &Options, disk: &str) -> State {
    let failure = match options.persist_wait {
        None => State::failed(Cause::Off, "coracle.persist=off"),
        Some(limit) => match from_disk(disk, since_boot() + limit) {
            Ok(state) => return state,
            Err(state) => state,
        },
    };
    let made = mount_memory().and_then(|()| tree::make(Path::new(MOUNT_POINT)));
    if let Err(error) = made {
        say!("{error}");
    }
    failure
}

fn mount_memory() -> Result<(), Error> {
    fs::create_dir_all(MOUNT_POINT).doing(|| format!("making {MOUNT_POINT}"))?;
    mount(Path::new("tmpfs"), Path::new(MOUNT_POINT), "tmpfs", NO_SUID | NO_DEVICES, "mode=0755,size=50%")
        .doing(|| format!("mounting tmpfs at {MOUNT_POINT}"))
}

/// The error is a state as well: why there is no persist.
fn from_disk(disk: &str, deadline: Duration) -> Result<State, State> {
    let failed = |error: Error| State::failed(Cause::Failed, error.to_string());
    let (channel, child) = start_worker(disk, deadline.saturating_sub(HEAD_START)).map_err(failed)?;
    let (mounted, growing) = match next(&channel, deadline) {
        Ok(Some((Report::Mounted { growing }, Some(fd)))) => (DetachedMount::from(fd), growing),
        Ok(Some((Report::Failed(cause, reason), _))) => return Err(State::failed(cause, reason)),
        other => {
            abandon(&child);
            return Err(match other {
                Ok(Some((report, _))) => State::failed(Cause::Failed, format!("unexpected report: {report:?}")),
                Ok(None) => State::failed(Cause::Late, "nothing was heard of it in time"),
                Err(error) => failed(error),
            });
        }
    };
    attach(mounted).map_err(failed)?;
    let growth = if growing { wait_for_growth(&channel, deadline) } else { Growth::None };
    let state = State::ok(growth);
    let full = fullness().map_err(|error| take_away(failed(error)))?;
    match (tree::make(Path::new(MOUNT_POINT)), full) {
        (Ok(()), None) => Ok(state),
        // What is there can be read, and services find their places.
        (Ok(()), Some(full)) => Ok(state.degraded(Cause::Full, full)),
        (Err(error), full) => {
            let cause = if full.is_some() { Cause::Full } else { Cause::Failed };
            Err(take_away(State::failed(cause, error.to_string())))
        }
    }
}

/// Unmounts persist, which is of no use, so that it does not stay below what takes its place.
fn take_away(state: State) -> State {
    if let Err(error) = unmount(Path::new(MOUNT_POINT)) {
        say!("unmounting {MOUNT_POINT}: {error}");
    }
    state
}

fn start_worker(disk: &str, deadline: Duration) -> Result<(Channel, Child), Error> {
    let doing = || "starting the worker for persist";
    let (channel, theirs) = Channel::pair().doing(doing)?;
    // The program's own file is gone with the initramfs; /proc still leads to it.
    let child = Command::new("/proc/self/exe")
        .args([PERSIST_WORKER, disk, &deadline.as_millis().to_string()])
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .process_group(0)
        .spawn()
        .doing(doing)?;
    Ok((channel, child))
}

/// The worker's next report; `None` if there is none in time. One that has ended without a report is an error: it was
/// killed, or could not be started.
fn next(channel: &Channel, deadline: Duration) -> Result<Option<(Report, Option<OwnedFd>)>, Error> {
    let limit = deadline.saturating_sub(since_boot());
    let doing = || "hearing from the worker for persist";
    match channel.receive(limit).doing(doing)? {
        Received::Message(data, fd) => match Report::decode(&data) {
            Some(report) => Ok(Some((report, fd))),
            None => Err("not a report").doing(doing),
        },
        Received::Closed => Err("it has ended").doing(doing),
        Received::Nothing => Ok(None),
    }
}

fn abandon(child: &Child) {
    if let Err(error) = kill_group(child) {
        say!("killing the worker for persist: {error}");
    }
}

fn attach(mounted: DetachedMount) -> Result<(), Error> {
    fs::create_dir_all(MOUNT_POINT).doing(|| format!("making {MOUNT_POINT}"))?;
    mounted.attach(Path::new(MOUNT_POINT)).doing(|| format!("mounting persist at {MOUNT_POINT}"))
}

/// A worker that still grows the file system when time is up goes on in the background, which ext4 allows.
fn wait_for_growth(channel: &Channel, deadline: Duration) -> Growth {
    match next(channel, deadline) {
        Ok(Some((Report::Grown, _))) => Growth::Done,
        Ok(Some((Report::NotGrown(reason), _))) => {
            say!("{reason}");
            Growth::None
        }
        Err(error) => {
            say!("growing persist: {error}");
            Growth::None
        }
        Ok(_) => Growth::Running,
    }
}

/// Says so if there is no room left.
fn fullness() -> Result<Option<String>, Error> {
    let doing = || format!("asking how much room there is at {MOUNT_POINT}");
    let room = File::open(MOUNT_POINT).and_then(|directory| room(&directory)).doing(doing)?;
    let inodes = room.free_inodes.filter(|inodes| *inodes < FULL_INODES);
    Ok(if room.free < FULL {
        Some(format!("{} KiB are free", room.free >> 10))
    } else {
        inodes.map(|inodes| format!("{inodes} inodes are free"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    #[test]
    fn a_worker_that_is_silent_is_late_and_one_that_has_ended_is_not() {
        let (here, there) = Channel::pair().unwrap();
        assert!(next(&here, Duration::ZERO).unwrap().is_none());
        assert_eq!(wait_for_growth(&here, Duration::ZERO), Growth::Running);
        there.send(&Report::Grown.encode(), None).unwrap();
        assert_eq!(wait_for_growth(&here, since_boot() + SOON), Growth::Done);
        there.send(b"?", None).unwrap();
        assert!(next(&here, since_boot() + SOON).unwrap_err().to_string().ends_with("not a report"));
        drop(there);
        assert!(next(&here, since_boot() + SOON).unwrap_err().to_string().ends_with("it has ended"));
        assert_eq!(wait_for_growth(&here, since_boot() + SOON), Growth::None);
    }
}
