//! Finding the boot partition, and on it the slot that was asked for.

use crate::console::say;
use crate::error::{Doing, Error};
use block::{Partition, Sysfs, wait_for};
use linux::mount::{NO_DEVICES, NO_EXEC, NO_SUID, READ_ONLY, mount, unmount};
use linux::system::since_boot;
use manifest::Manifest;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

const PARTITION: &str = "coracle-boot";
const MOUNT_POINT: &str = "/run/coracle/boot";
/// How long to look for another medium once one was there without the slot: a stick shows up seconds after the
/// soldered flash, which may hold another installation.
const OTHER_MEDIUM: Duration = Duration::from_secs(3);

/// The slot that is being started.
#[derive(Debug)]
pub(crate) struct Slot {
    /// What its manifest says.
    pub(crate) manifest: Manifest,
    /// Where its files are.
    pub(crate) directory: PathBuf,
    /// The disk that it is on, `vda`.
    pub(crate) disk: String,
}

/// Waits for the boot partition until `deadline` (time since boot), mounts it and reads the slot's manifest.
pub(crate) fn find(name: &str, deadline: Duration) -> Result<Slot, Error> {
    fs::create_dir_all(MOUNT_POINT).doing(|| format!("making {MOUNT_POINT}"))?;
    let directory = Path::new(MOUNT_POINT).join("slots").join(name);
    let mut seen = Vec::new();
    let mut failure = None;
    let mut other_medium_until = deadline;
    let found = wait_for(&Sysfs::default(), PARTITION, deadline, |partitions| {
        for partition in partitions.iter().filter(|partition| partition.node().exists()) {
            if seen.contains(&partition.device) {
                continue;
            }
            seen.push(partition.device.clone());
            other_medium_until = deadline.min(since_boot() + OTHER_MEDIUM);
            match open(partition, &directory) {
                Ok(text) => return Some(Ok((text, partition.disk.clone()))),
                Err(error) => {
                    say!("{error}");
                    failure = Some(error);
                }
            }
        }
        (since_boot() >= other_medium_until).then(|| failure.take()).flatten().map(Err)
    });
    let found = found.doing(|| "looking for the boot partition")?;
    let (text, disk) = found.ok_or_else(|| Error::new(format!("no partition named {PARTITION} came in time")))??;
    let path = directory.join("manifest.json");
    let manifest = Manifest::parse(&text).doing(|| format!("reading {}", path.display()))?;
    check(&manifest, name).doing(|| format!("reading {}", path.display()))?;
    Ok(Slot { manifest, directory, disk })
}

/// Mounts the partition and reads the manifest; leaves nothing mounted if there is none.
fn open(partition: &Partition, directory: &Path) -> Result<Vec<u8>, Error> {
    let node = partition.node();
    let target = Path::new(MOUNT_POINT);
    mount(&node, target, "vfat", READ_ONLY | NO_SUID | NO_DEVICES | NO_EXEC, "")
        .doing(|| format!("mounting {} at {MOUNT_POINT}", node.display()))?;
    let path = directory.join("manifest.json");
    let text = read_bounded(&path, manifest::MAX_SIZE + 1)
        .doing(|| format!("reading {} of {}", path.display(), node.display()));
    if text.is_err() {
        unmount(target).doing(|| format!("unmounting {MOUNT_POINT}"))?;
    }
    text
}

/// Reads at most `limit` bytes of a file. Whatever else has its name, such as a FIFO, could keep the boot waiting.
pub(crate) fn read_bounded(path: &Path, limit: usize) -> std::io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn check(manifest: &Manifest, slot: &str) -> Result<(), Error> {
    let own = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    if manifest.version != slot {
        Err(Error::new(format!("it is the manifest of {}, not of {slot}", manifest.version)))
    } else if manifest.arch != own {
        Err(Error::new(format!("it is for {}, this machine is {own}", manifest.arch)))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_has_bounds_and_waits_for_nobody() {
        assert_eq!(read_bounded(Path::new("/proc/self/cmdline"), 4).unwrap().len(), 4);
        for path in ["/dev/zero", "/"] {
            assert_eq!(read_bounded(Path::new(path), 4).unwrap_err().to_string(), "not a file");
        }
    }
}
