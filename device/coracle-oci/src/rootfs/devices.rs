//! Device files and links of `/dev` (`config-linux.md`, "Default Devices").

use super::Plan;
use super::place::{self, Kind};
use crate::error::{About, Error};
use alloc::ffi::CString;
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
        None => {
            let found = place::make_directories(root, c"/dev")?;
            let mount = |fd| fs::mount_id(fd).about(|| "look at /dev in the container");
            if mount(found.borrow())? != mount(root)? {
                // Whatever led to its being mounted there, it is somebody else's: perhaps the host's own.
                return Ok(());
            }
            found
        }
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
                let (parent, name) = place::parent_of(root, &device.path)?;
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
    let kind = match device.kind {
        'b' => fs::S_IFBLK,
        'p' => fs::S_IFIFO,
        _ => fs::S_IFCHR,
    };
    let number = fs::device_number(device.major, device.minor);
    if plan.user_namespace && kind != fs::S_IFIFO {
        // The host's own, since none can be made; one that the host lacks, cannot be had.
        let tree = mount::clone_tree(CWD, &device.path, false).about(what)?;
        check(&tree, kind, number, device)?;
        let place = place::make(root, &device.path, Kind::File)?;
        return mount::attach(tree.borrow(), place.borrow()).about(what);
    }
    let mode = device.mode.unwrap_or(0o666) & 0o7777;
    let is_new = match fs::make_node(directory, name, kind | mode, number) {
        Ok(()) => true,
        Err(Errno::EEXIST) => false,
        Err(errno) => return Err(Error::system(what(), errno)),
    };
    let owned = (device.uid, device.gid) != (0, 0);
    if is_new && !owned {
        return Ok(());
    }
    // By descriptor: what is there now may be a link by the next call.
    let node = fs::open(directory, name, fs::O_PATH | fs::O_NOFOLLOW, 0).about(what)?;
    check(&node, kind, number, device)?;
    if !is_new {
        let path = CString::new(format!("self/fd/{}", node.raw())).unwrap_or_default();
        fs::change_mode(plan.proc, &path, mode).about(what)?;
    }
    if owned {
        fs::change_owner(node.borrow(), device.uid, device.gid).about(what)?;
    }
    Ok(())
}

/// Refuses what is not the device that was asked for.
fn check(node: &Fd, kind: u32, number: u64, device: &Device) -> Result<(), Error> {
    let path = || device.path.to_string_lossy();
    let there = fs::stat_fd(node.borrow()).about(|| format!("look at {}", path()))?;
    if there.st_mode & fs::S_IFMT != kind || (kind != fs::S_IFIFO && there.st_rdev != number) {
        return Err(Error::config(format!("linux.devices: {} is there, and is something else", path())));
    }
    Ok(())
}
