//! Device files and links of `/dev` (`config-linux.md`, "Default Devices").

use super::Plan;
use super::place::{self, Kind};
use crate::error::{About, Error};
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;
use kernel::mount;
use kernel::{BorrowedFd, CWD, Errno, Fd, fs};
use runtime_spec::Device;

/// Name, major, minor; readable and writable by all.
const DEFAULT: &[(&CStr, u64, u64)] = &[
    (c"/dev/null", 1, 3),
    (c"/dev/zero", 1, 5),
    (c"/dev/full", 1, 7),
    (c"/dev/random", 1, 8),
    (c"/dev/urandom", 1, 9),
    (c"/dev/tty", 5, 0),
];

const LINKS: &[(&CStr, &CStr)] = &[
    (c"fd", c"/proc/self/fd"),
    (c"stdin", c"/proc/self/fd/0"),
    (c"stdout", c"/proc/self/fd/1"),
    (c"stderr", c"/proc/self/fd/2"),
];

/// Makes the default devices, those of the configuration, and the links. `dev` is what was mounted on `/dev`, if anything.
pub(super) fn make(plan: &Plan<'_>, root: BorrowedFd<'_>, dev: Option<Fd>) -> Result<(), Error> {
    let directory = match dev {
        Some(dev) => dev,
        None => place::make_directories(root, c"/dev")?,
    };
    let configured = &plan.config.linux.devices;
    let default = DEFAULT.iter().filter(|(path, ..)| configured.iter().all(|device| device.path.as_c_str() != *path));
    let default: Vec<Device> = default
        .map(|&(path, major, minor)| Device {
            kind: 'c',
            path: path.into(),
            major,
            minor,
            mode: Some(0o666),
            uid: 0,
            gid: 0,
        })
        .collect();
    for device in default.iter().chain(configured) {
        let name = device
            .path
            .to_bytes_with_nul()
            .strip_prefix(b"/dev/")
            .and_then(|rest| CStr::from_bytes_with_nul(rest).ok());
        match name.filter(|name| !name.to_bytes().contains(&b'/')) {
            Some(name) => make_device(plan, root, directory.borrow(), name, device)?,
            None => {
                let (parent, name) = place::split(&device.path);
                let parent = place::make_directories(root, &parent)?;
                make_device(plan, root, parent.borrow(), &name, device)?;
            }
        }
    }
    for (name, target) in LINKS {
        link(directory.borrow(), name, target)?;
    }
    // A devpts of its own has a ptmx of its own; an image's node would lead to the host's.
    if fs::make_link(c"pts/ptmx", directory.borrow(), c"ptmx") == Err(Errno::EEXIST) {
        fs::remove(directory.borrow(), c"ptmx", 0).about(|| "remove /dev/ptmx")?;
        link(directory.borrow(), c"ptmx", c"pts/ptmx")?;
    }
    Ok(())
}

fn link(directory: BorrowedFd<'_>, name: &CStr, target: &CStr) -> Result<(), Error> {
    match fs::make_link(target, directory, name) {
        Ok(()) | Err(Errno::EEXIST) => Ok(()),
        Err(errno) => Err(Error::system(format!("make the link /dev/{}", name.to_string_lossy()), errno)),
    }
}

fn make_device(
    plan: &Plan<'_>,
    root: BorrowedFd<'_>,
    directory: BorrowedFd<'_>,
    name: &CStr,
    device: &Device,
) -> Result<(), Error> {
    let what = || format!("make the device {}", device.path.to_string_lossy());
    if plan.user_namespace {
        // The host's own, since none can be made; one that the host lacks, cannot be had.
        let tree = mount::clone_tree(CWD, &device.path, false).about(what)?;
        let place = place::make(root, &device.path, Kind::File)?;
        return mount::attach(tree.borrow(), place.borrow()).about(what);
    }
    let kind = match device.kind {
        'b' => fs::S_IFBLK,
        'p' => fs::S_IFIFO,
        _ => fs::S_IFCHR,
    };
    let number = fs::device_number(device.major, device.minor);
    let mode = device.mode.unwrap_or(0o666) & 0o7777;
    match fs::make_node(directory, name, kind | mode, number) {
        Ok(()) => {}
        Err(Errno::EEXIST) => {
            let there = fs::stat_at(directory, name, fs::AT_SYMLINK_NOFOLLOW).about(what)?;
            if there.st_mode & fs::S_IFMT != kind || (kind != fs::S_IFIFO && there.st_rdev != number) {
                return Err(Error::config(format!(
                    "linux.devices: {} is there, and is something else",
                    device.path.to_string_lossy()
                )));
            }
            // An image's own device keeps its mode unless one was asked for.
            fs::change_mode(directory, name, mode).about(what)?;
        }
        Err(errno) => return Err(Error::system(what(), errno)),
    }
    if (device.uid, device.gid) != (0, 0) {
        fs::change_owner_at(directory, name, device.uid, device.gid).about(what)?;
    }
    Ok(())
}
