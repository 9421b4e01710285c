//! Finding partitions by their GPT name.

use linux::socket::DeviceEvents;
use linux::system::since_boot;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A partition that the kernel knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// `vda2`
    pub device: String,
    /// `vda`
    pub disk: String,
    /// Its number, as the kernel and people count: from 1.
    pub number: u32,
    /// Bytes.
    pub size: u64,
}

impl Partition {
    /// `/dev/vda2`
    #[must_use]
    pub fn node(&self) -> PathBuf {
        Path::new("/dev").join(&self.device)
    }

    /// `/dev/vda`
    #[must_use]
    pub fn disk_node(&self) -> PathBuf {
        Path::new("/dev").join(&self.disk)
    }
}

/// A sysfs; tests have their own.
#[derive(Debug, Clone)]
pub struct Sysfs {
    root: PathBuf,
}

impl Default for Sysfs {
    fn default() -> Self {
        Self { root: PathBuf::from("/sys") }
    }
}

impl Sysfs {
    /// A sysfs at another place.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// All partitions with this GPT name, sorted by device. A device that goes away while it is looked at is left out.
    pub fn partitions(&self, name: &str) -> io::Result<Vec<Partition>> {
        let directory = self.root.join("class/block");
        let mut found = Vec::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            found.extend(partition(&path, name));
        }
        found.sort_by(|a, b| a.device.cmp(&b.device));
        Ok(found)
    }

    /// Bytes of a logical sector, and how many of them the disk has.
    pub fn geometry(&self, disk: &str) -> io::Result<(u32, u64)> {
        let directory = self.root.join("class/block").join(disk);
        let sector_size: u32 = number(&directory.join("queue/logical_block_size"))?;
        let size: u64 = number(&directory.join("size"))?;
        let sectors = (size * 512).checked_div(sector_size.into());
        Ok((sector_size, sectors.ok_or(io::ErrorKind::InvalidData)?))
    }
}

fn partition(path: &Path, name: &str) -> Option<Partition> {
    let uevent = fs::read_to_string(path.join("uevent")).ok()?;
    let value = |key: &str| uevent.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    if value("PARTNAME") != Some(name) {
        return None;
    }
    // …/block/vda/vda2: the disk is the directory above.
    let directory = fs::canonicalize(path).ok()?;
    let size: u64 = number(&path.join("size")).ok()?;
    Some(Partition {
        device: value("DEVNAME")?.to_owned(),
        disk: directory.parent()?.file_name()?.to_str()?.to_owned(),
        number: value("PARTN")?.parse().ok()?,
        size: size.checked_mul(512)?,
    })
}

fn number<T: std::str::FromStr>(path: &Path) -> io::Result<T> {
    let text = fs::read_to_string(path)?;
    text.trim()
        .parse()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("not a number: {}", text.trim())))
}

/// Looks, and looks again whenever a device came, until `accept` returns something or the deadline (time since boot)
/// is there. `accept` gets all partitions of that name.
pub fn wait_for<T>(
    sysfs: &Sysfs,
    name: &str,
    deadline: Duration,
    mut accept: impl FnMut(&[Partition]) -> Option<T>,
) -> io::Result<Option<T>> {
    // Some drivers announce a partition a moment before its node is there; nothing announces the node.
    const LOOK_AGAIN: Duration = Duration::from_millis(100);
    // Before the first look, so that nothing falls between the look and the wait.
    let events = DeviceEvents::listen()?;
    loop {
        let partitions = sysfs.partitions(name)?;
        if let Some(found) = accept(&partitions) {
            return Ok(Some(found));
        }
        let left = deadline.saturating_sub(since_boot());
        if left.is_zero() {
            return Ok(None);
        }
        events.wait(left.min(LOOK_AGAIN))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Fake(PathBuf);

    impl Fake {
        fn new(test: &str) -> Self {
            let root = std::env::temp_dir().join(format!("sysfs-{test}-{}", std::process::id()));
            fs::create_dir_all(root.join("class/block")).unwrap();
            Self(root)
        }

        fn add(&self, disk: &str, device: &str, uevent: &str) {
            let directory = self.0.join("devices/block").join(disk).join(device);
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join("uevent"), uevent).unwrap();
            fs::write(directory.join("size"), "2048\n").unwrap();
            symlink(&directory, self.0.join("class/block").join(device)).unwrap();
        }
    }

    impl Drop for Fake {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn partitions_are_found_by_name_and_know_their_disk() {
        let fake = Fake::new("found");
        fake.add("mmcblk0", "mmcblk0p2", "DEVNAME=mmcblk0p2\nDEVTYPE=partition\nPARTN=2\nPARTNAME=persist\n");
        fake.add("vda", "vda1", "DEVNAME=vda1\nPARTN=1\nPARTNAME=persist-old\n");
        fake.add("vdb", "vdb3", "DEVNAME=vdb3\nPARTN=3\n");
        let found = Sysfs::at(&fake.0).partitions("persist").unwrap();
        let expected = Partition { device: "mmcblk0p2".into(), disk: "mmcblk0".into(), number: 2, size: 1 << 20 };
        assert_eq!(found, [expected]);
    }

    #[test]
    fn waiting_ends_at_the_deadline() {
        let fake = Fake::new("waiting");
        let start = since_boot();
        let found = wait_for(&Sysfs::at(&fake.0), "persist", start + Duration::from_millis(250), |partitions| {
            partitions.first().cloned()
        });
        assert_eq!(found.unwrap(), None);
        assert!(since_boot() - start >= Duration::from_millis(250));
    }
}
