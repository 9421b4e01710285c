//! A container's file systems: its root, what is mounted in it, its devices, and what of it is hidden or read-only. Run by
//! the container's process in its new mount namespace, while the host's files can still be seen.

mod copy;
mod devices;
mod hide;
mod mounts;
pub(crate) mod options;
pub(crate) mod place;
mod sysctl;

use crate::cgroup_mounts::CgroupMounts;
use crate::error::{About, Error};
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;
use kernel::mount::{self, Attributes, MOUNT_ATTR_RDONLY, MS_PRIVATE, MS_REC, MS_SLAVE};
use kernel::{BorrowedFd, CWD, Fd, fs};
use runtime_spec::Config;

pub(crate) use mounts::{Sources, open_sources};
pub(crate) use sysctl::check as check_sysctl;

/// What the making of a root depends on, beside the configuration.
pub(crate) struct Plan<'a> {
    /// The configuration.
    pub(crate) config: &'a Config,
    /// Absolute path of the root file system.
    pub(crate) root: &'a CStr,
    /// Sources that were opened outside, where this process could not.
    pub(crate) sources: &'a Sources,
    /// Whether there is a user namespace, in which devices cannot be made.
    pub(crate) user_namespace: bool,
    /// What is mounted for the type `cgroup`.
    pub(crate) cgroup_mounts: &'a CgroupMounts,
    /// The host's procfs.
    pub(crate) proc: BorrowedFd<'a>,
    /// Waits until this process is in its network namespace.
    pub(crate) network: &'a dyn Fn() -> Result<(), Error>,
}

/// Makes the whole root and gives a descriptor of it; the process's own root is not changed yet.
pub(crate) fn build(plan: &Plan<'_>) -> Result<Fd, Error> {
    let config = plan.config;
    let shared = mounts::open_shared(config)?;
    let root = attach_root(plan)?;
    let last_dev = config.mounts.iter().rposition(|mount| mounts::is_at(mount, "dev"));
    let mut dev = None;
    let mut devices = !mounts::is_bound(&config.mounts, "dev");
    for (index, mount) in config.mounts.iter().enumerate() {
        if devices && mounts::needs_network(mount) && last_dev.is_some_and(|last| last < index) {
            // The network namespace may still be in the making: there is enough to do until then.
            devices::make(plan, root.borrow(), dev.take())?;
            devices = false;
        }
        let source = [plan.sources, &shared].into_iter().find_map(|all| all.get(index)?.as_ref());
        let made = mounts::mount(plan, root.borrow(), mount, source)?;
        if last_dev == Some(index) {
            dev = made;
        }
    }
    if devices {
        devices::make(plan, root.borrow(), dev)?;
    }
    if let Some(process) = &config.process {
        // While it can be made; whoever cannot enter it says so later.
        let _ = place::make_directories(root.borrow(), &process.cwd);
    }
    (plan.network)()?;
    sysctl::write(plan.proc, &config.linux.sysctl)?;
    Ok(root)
}

/// Hides and protects what the configuration names; after it, nothing more can be made in the root.
pub(crate) fn protect(config: &Config, root: BorrowedFd<'_>) -> Result<(), Error> {
    if config.root.readonly {
        let read_only = Attributes { set: u64::from(MOUNT_ATTR_RDONLY), ..Attributes::default() };
        mount::set_attributes(root, false, read_only).about(|| "make the root read-only")?;
    }
    hide::read_only(root, &config.linux.readonly_paths)?;
    hide::mask(root, &config.linux.masked_paths)
}

/// Keeps mounts in this namespace, and lays the root over its own directory, since only a mount can become the root.
fn attach_root(plan: &Plan<'_>) -> Result<Fd, Error> {
    let wanted = plan.config.linux.rootfs_propagation.as_deref();
    let propagation = match wanted.map(|name| (name, options::propagation(name))) {
        None => u64::from(MS_SLAVE),
        Some((_, Some((flag, _)))) => flag,
        Some((name, None)) => {
            return Err(Error::config(format!("linux.rootfsPropagation: {name:?} is no kind of propagation")));
        }
    };
    // Whatever is wanted for the root later: what is mounted here must not come to be seen outside.
    let first = if propagation == u64::from(MS_PRIVATE) { propagation } else { u64::from(MS_SLAVE) };
    mount::mount(None, c"/", None, first | u64::from(MS_REC), None)
        .about(|| "make the mounts of the new namespace its own")?;
    let path = || plan.root.to_string_lossy();
    let place = fs::open(CWD, plan.root, fs::O_PATH | fs::O_DIRECTORY, 0).about(|| format!("open root {}", path()))?;
    let tree = mount::clone_tree(place.borrow(), c"", true).about(|| format!("clone the tree {}", path()))?;
    mount::attach(tree.borrow(), place.borrow()).about(|| format!("attach {}", path()))?;
    // What shares mounts with it would get those that are made in it.
    let own = Attributes { propagation: first, ..Attributes::default() };
    mount::set_attributes(tree.borrow(), true, own).about(|| format!("make {} a mount of its own", path()))?;
    Ok(tree)
}

/// How the process comes to have the new root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// `pivot_root`: nothing of the old one can be seen.
    Pivot,
    /// The root is moved over the old one, for when that is an initramfs, which cannot be pivoted away from.
    Move,
    /// `chroot` alone: there is no mount namespace.
    Chroot,
}

/// Makes the root this process's own.
pub(crate) fn enter(root: BorrowedFd<'_>, change: Change, propagation: Option<&str>) -> Result<(), Error> {
    fs::change_directory_fd(root).about(|| "change to the new root")?;
    match change {
        Change::Pivot => {
            mount::pivot_root_here().about(|| "pivot_root")?;
            // Here is now the old root, on top of the new one. Nothing in this namespace shares its mounts with the host's.
            mount::unmount(c".", mount::MNT_DETACH).about(|| "unmount the old root")?;
        }
        Change::Move => {
            let old = fs::open(CWD, c"/", fs::O_PATH | fs::O_DIRECTORY, 0).about(|| "open /")?;
            mount::attach(root, old.borrow()).about(|| "move the new root over the old one")?;
            mount::change_root(c".").about(|| "chroot")?;
        }
        Change::Chroot => mount::change_root(c".").about(|| "chroot")?,
    }
    fs::change_directory(c"/").about(|| "chdir /")?;
    let wanted: Vec<_> = propagation.and_then(options::propagation).into_iter().collect();
    for (flag, recursive) in wanted.into_iter().filter(|_| change != Change::Chroot) {
        let recursive = if recursive { u64::from(MS_REC) } else { 0 };
        mount::mount(None, c"/", None, flag | recursive, None).about(|| "set the root's propagation")?;
    }
    Ok(())
}
