//! Checking the file system of persist before it is mounted, with the root's own e2fsck.

use super::state::Cause;
use super::worker::{Failure, time_left};
use crate::console::say;
use crate::error::Doing;
use crate::slot::read_bounded;
use block::Partition;
use ext4::{Check, Superblock};
use linux::process::wait;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const PROGRAM: &str = "/sbin/e2fsck";
/// All that it says.
const LOG: &str = "/run/coracle/e2fsck.log";

/// Returns the superblock of a file system that may be mounted. One that was cleanly unmounted is not looked at any
/// further, as e2fsck itself would not; and without a superblock `e2fsck -p` would not do anything either.
pub(crate) fn check(partition: &Partition, deadline: Duration) -> Result<Superblock, Failure> {
    let superblock = read(partition)?;
    let Some(check) = superblock.check else { return Ok(superblock) };
    let reason = describe(check);
    say!("checking persist: {reason}");
    run(partition, deadline).map_err(|Failure(cause, text)| Failure(cause, format!("{reason}; {text}")))?;
    read(partition)
}

fn read(partition: &Partition) -> Result<Superblock, Failure> {
    let node = partition.node();
    let mut bytes = [0; ext4::SIZE];
    File::open(&node)
        .and_then(|file| file.read_exact_at(&mut bytes, ext4::OFFSET))
        .doing(|| format!("reading the superblock of {}", node.display()))?;
    let parsed = Superblock::parse(&bytes);
    parsed.map_err(|reason| Failure(Cause::Corrupt, format!("{}: {reason}", node.display())))
}

fn describe(check: Check) -> &'static str {
    match check {
        Check::Journal => "it was in use when the power went",
        Check::NotUnmounted => "it was not cleanly unmounted",
        Check::Errors => "the kernel found errors in it",
        Check::MountCount => "it is due for a check",
    }
}

/// Runs `e2fsck -p`, which mends what can be mended without asking; kills it at the deadline, which it survives: the
/// file system stays marked as unchecked until it is through.
fn run(partition: &Partition, deadline: Duration) -> Result<(), Failure> {
    let node = partition.node();
    let doing = || format!("checking {} with {PROGRAM}", node.display());
    let log = File::create(LOG).doing(|| format!("making {LOG}"))?;
    let log_too = log.try_clone().doing(|| format!("making {LOG}"))?;
    let mut child = Command::new(PROGRAM)
        .arg("-p")
        .arg(&node)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(log_too)
        .spawn()
        .doing(doing)?;
    let Some(status) = wait(&mut child, time_left(deadline, "e2fsck")?).doing(doing)? else {
        // The group is killed by the first process if this one cannot do it.
        let _ = child.kill();
        return Err(Failure(Cause::Late, "e2fsck did not end in time".into()));
    };
    match status.code() {
        Some(code) => {
            judge(code).map_err(|cause| Failure(cause, format!("e2fsck ended with {code}: {}", last_words())))
        }
        None => Err(Failure(Cause::Failed, format!("e2fsck ended with {status}"))),
    }
}

/// What e2fsck's exit code, a sum of bits, says of the file system.
fn judge(code: i32) -> Result<(), Cause> {
    /// Something was mended; and something that a mounted file system would restart for.
    const MENDED: i32 = 1 | 2;
    const DAMAGED: i32 = 4;
    if code & !MENDED == 0 {
        Ok(())
    } else if code & DAMAGED != 0 {
        Err(Cause::Corrupt)
    } else {
        // It could not do its work: the disk cannot be read, or memory or a library is missing.
        Err(Cause::Failed)
    }
}

/// The line that says most: e2fsck ends with what it could not do.
fn last_words() -> String {
    let text = read_bounded(Path::new(LOG), 16 << 10).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('('));
    lines.take(4).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_damage_is_called_corrupt() {
        for code in 0..4 {
            assert_eq!(judge(code), Ok(()));
        }
        for code in [4, 5, 6, 7, 12, 4 | 32] {
            assert_eq!(judge(code), Err(Cause::Corrupt), "{code}");
        }
        for code in [8, 9, 16, 32, 128] {
            assert_eq!(judge(code), Err(Cause::Failed), "{code}");
        }
    }
}
