//! The child that does what may take long or hang: finding persist, growing its partition, checking and mounting it,
//! growing the file system. It runs in the new root, and everything it learns goes through its standard input, a socket.

use super::report::Report;
use super::state::Cause;
use super::{check, enlarge};
use crate::console::say;
use crate::error::{Doing, Error};
use block::{Partition, Sysfs, wait_for};
use linux::mount::{ATTRIBUTE_NO_ACCESS_TIMES, ATTRIBUTE_NO_DEVICES, DetachedMount};
use linux::socket::Channel;
use linux::system::since_boot;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

pub(super) const PARTITION: &str = "coracle-persist";
/// Errors that ext4 finds later must not spread.
const OPTIONS: [(&str, &str); 1] = [("errors", "remount-ro")];

/// Why it did not work, for people and for programs.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) Cause, pub(crate) String);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(Cause::Failed, error.to_string())
    }
}

/// The worker's whole life; returns the exit code. Arguments: the slot's disk, the deadline in ms since boot.
pub(crate) fn work(arguments: &[&str]) -> i32 {
    let [disk, deadline] = arguments else { return 2 };
    let Ok(deadline) = deadline.parse().map(Duration::from_millis) else { return 2 };
    let Ok(channel) = io::stdin().as_fd().try_clone_to_owned().map(Channel::from) else { return 2 };
    let sent = match mount(disk, deadline) {
        Ok((mount, room)) => send_mount(&channel, &mount, room),
        Err(Failure(cause, reason)) => channel.send(&Report::Failed(cause, reason).encode(), None),
    };
    match sent {
        Ok(()) => 0,
        Err(error) => {
            say!("reporting on persist: {error}");
            1
        }
    }
}

/// Hands the mount over, and grows the file system while the boot goes on.
fn send_mount(channel: &Channel, mount: &DetachedMount, room: Option<u64>) -> io::Result<()> {
    channel.send(&Report::Mounted { growing: room.is_some() }.encode(), Some(mount.as_fd()))?;
    let Some(blocks) = room else { return Ok(()) };
    let report = match enlarge::file_system(mount, blocks) {
        Ok(()) => Report::Grown,
        Err(error) => Report::NotGrown(error.to_string()),
    };
    match channel.send(&report.encode(), None) {
        // The first process went on without waiting.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// The mounted file system, and how many blocks it could have if those are more than it has.
fn mount(disk: &str, deadline: Duration) -> Result<(DetachedMount, Option<u64>), Failure> {
    let partition = find(disk, deadline)?;
    let size = match enlarge::partition(&partition) {
        Ok(size) => size,
        // As large as it was is good enough.
        Err(error) => {
            say!("growing the partition of persist: {error}");
            partition.size
        }
    };
    let superblock = check::check(&partition, deadline)?;
    let node = partition.node();
    let mount = DetachedMount::open(&node, "ext4", &OPTIONS, ATTRIBUTE_NO_DEVICES | ATTRIBUTE_NO_ACCESS_TIMES)
        .map_err(|error| {
            let cause = if error.is_about_content() { Cause::Corrupt } else { Cause::Failed };
            Failure(cause, format!("mounting {}: {error}", node.display()))
        })?;
    Ok((mount, superblock.room_to_grow(size)))
}

/// The slot's own disk is looked at first; persist may be on another.
fn find(disk: &str, deadline: Duration) -> Result<Partition, Failure> {
    let found = wait_for(&Sysfs::default(), PARTITION, deadline, |partitions| {
        let mut there = partitions.iter().filter(|partition| partition.node().exists());
        let first = there.next()?;
        Some(there.chain([first]).find(|partition| partition.disk == disk).unwrap_or(first).clone())
    });
    found
        .doing(|| "looking for the persist partition")?
        .ok_or_else(|| Failure(Cause::Missing, format!("no partition named {PARTITION} came in time")))
}

/// What is left until `deadline`, or the failure that nothing is.
pub(crate) fn time_left(deadline: Duration, doing: &str) -> Result<Duration, Failure> {
    let left = deadline.saturating_sub(since_boot());
    if left.is_zero() { Err(Failure(Cause::Late, format!("{doing} did not end in time"))) } else { Ok(left) }
}
