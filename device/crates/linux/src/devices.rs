//! The ioctls of block devices: loop devices, the device mapper, partitions, growing ext4.

use crate::sys;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// The kernel's `struct loop_config`.
#[repr(C)]
pub struct LoopConfig {
    descriptor: u32,
    block_size: u32,
    info: LoopInfo,
    reserved: [u64; 8],
}

/// The kernel's `struct loop_info64`.
#[repr(C)]
struct LoopInfo {
    numbers: [u64; 3],
    offset: u64,
    size_limit: u64,
    number: u32,
    encrypt: [u32; 2],
    flags: u32,
    file_name: [u8; 64],
    crypt_name: [u8; 64],
    encrypt_key: [u8; 32],
    init: [u64; 2],
}

/// Asks for the number of a loop device that nobody uses. `control` is `/dev/loop-control`.
pub fn free_loop_device(control: &File) -> io::Result<u32> {
    const GET_FREE: u32 = 0x4c82;
    u32::try_from(sys::ioctl_value(control.as_fd(), GET_FREE, 0)?).map_err(io::Error::other)
}

/// Makes `device` a read-only view of `file`, which goes away with its last user.
pub fn attach_loop_device(device: &File, file: &File, block_size: u32) -> io::Result<()> {
    const CONFIGURE: u32 = 0x4c0a;
    const READ_ONLY: u32 = 1;
    const AUTO_CLEAR: u32 = 4;
    let mut config = LoopConfig {
        descriptor: u32::try_from(file.as_raw_fd()).map_err(io::Error::other)?,
        block_size,
        info: LoopInfo {
            numbers: [0; 3],
            offset: 0,
            size_limit: 0,
            number: 0,
            encrypt: [0; 2],
            flags: READ_ONLY | AUTO_CLEAR,
            file_name: [0; 64],
            crypt_name: [0; 64],
            encrypt_key: [0; 32],
            init: [0; 2],
        },
        reserved: [0; 8],
    };
    sys::ioctl_plain(device.as_fd(), CONFIGURE, &mut config).map(drop)
}

/// Size of `struct dm_ioctl`, the start of every device mapper message.
pub const DM_HEADER: usize = 312;

/// The device mapper's commands that are used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapperCommand {
    /// `DM_DEV_CREATE`
    Create = 3,
    /// `DM_DEV_REMOVE`
    Remove = 4,
    /// `DM_DEV_SUSPEND`, which also resumes.
    Suspend = 6,
    /// `DM_TABLE_LOAD`
    LoadTable = 9,
}

/// Sends a message to the device mapper. `message` starts with a `struct dm_ioctl`; its `data_size` is filled in.
pub fn device_mapper(control: &File, command: MapperCommand, message: &mut [u64]) -> io::Result<()> {
    // _IOWR(0xfd, command, struct dm_ioctl)
    sys::ioctl_device_mapper(control.as_fd(), 0xc138_fd00 | command as u32, message)
}

/// Tells the kernel that a partition has a new length; offsets in bytes. Works while it is mounted.
pub fn resize_partition(disk: &File, number: u32, start: u64, length: u64) -> io::Result<()> {
    sys::ioctl_resize_partition(
        disk.as_fd(),
        libc::c_int::try_from(number).map_err(io::Error::other)?,
        i64::try_from(start).map_err(io::Error::other)?,
        i64::try_from(length).map_err(io::Error::other)?,
    )
}

/// Grows a mounted ext4 to `blocks` of its own blocks. `root` is its root directory. May take long.
pub fn resize_ext4(root: &File, blocks: u64) -> io::Result<()> {
    // _IOW('f', 16, __u64)
    const RESIZE: u32 = 0x4008_6610;
    let mut blocks = blocks;
    sys::ioctl_plain(root.as_fd(), RESIZE, &mut blocks).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_kernels_sizes() {
        assert_eq!(size_of::<LoopInfo>(), 232);
        assert_eq!(size_of::<LoopConfig>(), 304);
    }

    #[test]
    fn a_short_device_mapper_message_is_refused() {
        let file = File::open("/dev/null").unwrap();
        let error = device_mapper(&file, MapperCommand::Create, &mut [0; 4]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
