//! The file systems of the kernel, where every program expects them.

use crate::error::{Doing, Error};
use linux::mount::{NO_DEVICES, NO_EXEC, NO_SUID, mount};
use std::io::ErrorKind;
use std::path::Path;

/// Mounts them at the directories that the initramfs has for them.
pub(crate) fn mount_kernel_file_systems() -> Result<(), Error> {
    const PLAIN: u64 = NO_SUID | NO_DEVICES | NO_EXEC;
    for (kind, target, flags, options) in [
        ("proc", "/proc", PLAIN, ""),
        ("sysfs", "/sys", PLAIN, ""),
        ("devtmpfs", "/dev", NO_SUID, "mode=0755"),
        ("tmpfs", "/run", NO_SUID | NO_DEVICES, "mode=0755"),
    ] {
        match mount(Path::new(kind), Path::new(target), kind, flags, options) {
            // Some kernels mount devtmpfs by themselves.
            Err(error) if error.kind() == ErrorKind::ResourceBusy => {}
            result => result.doing(|| format!("mounting {kind} at {target}"))?,
        }
    }
    Ok(())
}
