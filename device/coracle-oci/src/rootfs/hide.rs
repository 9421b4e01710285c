//! Paths that are masked or read-only. All is done on descriptors: between looking and mounting, nothing can be put in the
//! place of a path; and what lies over a masked file is the host's `/dev/null`, seen to be one.

use super::place;
use crate::error::{About, Error};
use alloc::ffi::CString;
use alloc::format;
use kernel::mount::{self, Attributes, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY};
use kernel::{BorrowedFd, CWD, Fd, fs};

/// Lays each path over itself, read-only. What is not there needs no protection.
pub(super) fn read_only(root: BorrowedFd<'_>, paths: &[CString]) -> Result<(), Error> {
    for path in paths {
        let what = || format!("make {} read-only", path.to_string_lossy());
        let Some(place) = place::find(root, path)? else { continue };
        let tree = mount::clone_tree(place.borrow(), c"", true).about(what)?;
        let read_only = Attributes { set: u64::from(MOUNT_ATTR_RDONLY), ..Attributes::default() };
        mount::set_attributes(tree.borrow(), true, read_only).about(what)?;
        mount::attach(tree.borrow(), place.borrow()).about(what)?;
    }
    Ok(())
}

/// Hides each path: a directory under an empty one, anything else under the null device.
pub(super) fn mask(root: BorrowedFd<'_>, paths: &[CString]) -> Result<(), Error> {
    let (mut null, mut empty): (Option<Fd>, Option<Fd>) = (None, None);
    for path in paths {
        let what = || format!("mask {}", path.to_string_lossy());
        let Some(place) = place::find(root, path)? else { continue };
        let is_directory = fs::stat_fd(place.borrow()).about(what)?.st_mode & fs::S_IFMT == fs::S_IFDIR;
        let kept = if is_directory { &mut empty } else { &mut null };
        // The first lies where it is needed itself: one that is attached nowhere has to be taken down in the end, which waits for
        // all processors.
        let cover = match kept {
            Some(first) => mount::clone_tree(first.borrow(), c"", false).about(what)?,
            None if is_directory => empty_directory()?,
            None => null_device()?,
        };
        mount::attach(cover.borrow(), place.borrow()).about(what)?;
        kept.get_or_insert(cover);
    }
    Ok(())
}

fn empty_directory() -> Result<Fd, Error> {
    let make = || {
        let context = mount::fsopen(c"tmpfs")?;
        mount::set_string(context.borrow(), c"source", c"tmpfs")?;
        mount::set_string(context.borrow(), c"nr_inodes", c"1")?;
        mount::create(context.borrow())?;
        let attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
        mount::fsmount(context.borrow(), u64::from(attributes))
    };
    make().about(|| "make an empty directory to mask others")
}

fn null_device() -> Result<Fd, Error> {
    let null = fs::open(CWD, c"/dev/null", fs::O_PATH | fs::O_NOFOLLOW, 0).about(|| "open /dev/null")?;
    let stat = fs::stat_fd(null.borrow()).about(|| "look at /dev/null")?;
    if stat.st_mode & fs::S_IFMT != fs::S_IFCHR || stat.st_rdev != fs::device_number(1, 3) {
        return Err(Error::Reported("/dev/null of this machine is not the null device".into()));
    }
    let cover = mount::clone_tree(null.borrow(), c"", false).about(|| "clone the mount of /dev/null")?;
    // It can be written to even so, but not be given another mode or owner, which would be the host's.
    let set = u64::from(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    mount::set_attributes(cover.borrow(), false, Attributes { set, ..Attributes::default() })
        .about(|| "make the mount of /dev/null read-only")?;
    Ok(cover)
}
