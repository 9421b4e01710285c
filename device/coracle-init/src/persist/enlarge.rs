//! Growing persist to the end of its medium: first the partition, before anything is mounted, then the mounted file
//! system. A loss of power in between is made good by the next boot, since each step only looks at what is there.

use crate::console::say;
use crate::error::{Doing, Error};
use block::{Partition, Sysfs};
use gpt::{Geometry, Table};
use linux::devices::{resize_ext4, resize_partition};
use linux::mount::DetachedMount;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};

/// Gives the partition the rest of its disk if it is the last one; returns its size in bytes.
pub(crate) fn partition(partition: &Partition) -> Result<u64, Error> {
    let node = partition.disk_node();
    let (sector_size, sectors) =
        Sysfs::default().geometry(&partition.disk).doing(|| format!("asking for the size of {}", node.display()))?;
    let read_only = File::open(&node).doing(|| format!("opening {}", node.display()))?;
    let table = Table::read(&read_only, Geometry { sector_size, sectors })
        .doing(|| format!("reading the partition table of {}", node.display()))?;
    let Some(growth) =
        table.grow(&read_only, super::worker::PARTITION).doing(|| format!("looking for room on {}", node.display()))?
    else {
        return Ok(partition.size);
    };
    if growth.partition.index + 1 != partition.number as usize {
        return Err(Error::new(format!("the kernel does not number partitions as {} does", node.display())));
    }
    let mut disk =
        File::options().read(true).write(true).open(&node).doing(|| format!("opening {}", node.display()))?;
    growth.write(&mut disk).doing(|| format!("growing the last partition of {}", node.display()))?;
    let (start, length) = growth.extent();
    resize_partition(&disk, partition.number, start, length)
        .doing(|| format!("telling the kernel the new size of {}", partition.node().display()))?;
    if length > partition.size {
        say!("{} now has {} MiB", partition.node().display(), length >> 20);
    } else {
        say!("the partition table of {} was damaged, and is mended from its backup", node.display());
    }
    Ok(length)
}

/// Grows the mounted file system to so many of its blocks.
pub(crate) fn file_system(mount: &DetachedMount, blocks: u64) -> Result<(), Error> {
    // The descriptor of a mount only stands for its place; this opens the directory there.
    let path = format!("/proc/self/fd/{}", mount.as_fd().as_raw_fd());
    let root = File::open(&path).doing(|| format!("opening {path}"))?;
    resize_ext4(&root, blocks).doing(|| "growing the file system of persist")
}
