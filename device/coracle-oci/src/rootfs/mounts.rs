//! One mount after the other: made detached, complete with its attributes, and only then attached where it belongs.

use super::options::{Options, propagation};
use super::place::{self, Kind};
use super::{Plan, copy};
use crate::error::{About, Error};
use crate::id_map;
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use kernel::mount::{self, Attributes, MOUNT_ATTR_IDMAP, MOUNT_ATTR_RDONLY, MS_SHARED, MS_SLAVE};
use kernel::{BorrowedFd, CWD, Errno, Fd, fs};
use runtime_spec::{Config, Mount};

/// Trees of bind mounts, by their index in the configuration, that were cloned where their sources can be reached.
pub(crate) type Sources = Vec<Option<Fd>>;

/// File systems of the kernel's own, of which there is one: the mount can be read-only, they themselves cannot.
const VIRTUAL: &[&CStr] =
    &[c"proc", c"sysfs", c"cgroup", c"cgroup2", c"tmpfs", c"devpts", c"mqueue", c"ramfs", c"overlay"];

/// File systems that do not care which network namespace they are made in, as sysfs and those of networks do.
const WITHOUT_NETWORK: &[&CStr] =
    &[c"proc", c"tmpfs", c"devpts", c"mqueue", c"ramfs", c"overlay", c"cgroup", c"cgroup2"];

/// Clones the sources of all bind mounts before the container's process leaves for a user namespace, in which it may lack the
/// right to reach them, and in which no mount can be given a map of users.
pub(crate) fn open_sources(config: &Config, user_namespace: impl Fn() -> Result<Fd, Error>) -> Result<Sources, Error> {
    config
        .mounts
        .iter()
        .map(|mount| {
            let options = Options::read(&mount.options);
            if !options.bind || options.remount {
                return Ok(None);
            }
            let tree = clone_source(mount, &options)?;
            // What is mounted in a user namespace is never seen outside of it, whoever shares the source.
            let slave = Attributes { propagation: u64::from(MS_SLAVE), ..Attributes::default() };
            mount::set_attributes(tree.borrow(), true, slave)
                .about(|| format!("set the propagation of {}", mount.destination.to_string_lossy()))?;
            set_id_map(mount, &options, tree.borrow(), &user_namespace)?;
            Ok(Some(tree))
        })
        .collect()
}

/// Clones the sources of bind mounts that are to be shared with where they come from, as long as the namespace's mounts still are
/// those of the host. That has to be asked for twice, of the mount and of the root, as with runc.
pub(super) fn open_shared(config: &Config) -> Result<Sources, Error> {
    let is_shared = |&(flag, _): &(u64, bool)| flag == u64::from(MS_SHARED);
    if !config.linux.rootfs_propagation.as_deref().and_then(propagation).as_ref().is_some_and(is_shared) {
        return Ok(Vec::new());
    }
    let open = |mount: &Mount| {
        let options = Options::read(&mount.options);
        let shared = options.bind && !options.remount && options.propagation.last().is_some_and(is_shared);
        // A map of users is set on what is nobody else's.
        let mapped = options.id_map.is_some() || !mount.uid_mappings.is_empty();
        (shared && !mapped).then(|| clone_source(mount, &options)).transpose()
    };
    config.mounts.iter().map(open).collect()
}

/// Makes and attaches one mount; gives its descriptor.
pub(super) fn mount(
    plan: &Plan<'_>,
    root: BorrowedFd<'_>,
    mount: &Mount,
    source: Option<&Fd>,
) -> Result<Option<Fd>, Error> {
    if mount.kind.as_deref() == Some(c"cgroup") {
        for mount in &plan.cgroup_mounts.mounts {
            make_one(plan, root, mount, None)?;
        }
        return make_links(root, &plan.cgroup_mounts.links).map(|()| None);
    }
    make_one(plan, root, mount, source)
}

fn make_links(root: BorrowedFd<'_>, links: &[(CString, CString)]) -> Result<(), Error> {
    for (target, path) in links {
        let (parent, name) = place::parent_of(root, path)?;
        fs::make_link(target, parent.borrow(), &name).about(|| format!("make the link {}", path.to_string_lossy()))?;
    }
    Ok(())
}

fn make_one(plan: &Plan<'_>, root: BorrowedFd<'_>, mount: &Mount, source: Option<&Fd>) -> Result<Option<Fd>, Error> {
    let options = Options::read(&mount.options);
    let to = || mount.destination.to_string_lossy();
    if options.remount {
        return remount(root, mount, &options).map(|()| None);
    }
    let tree = match source {
        Some(tree) => fs::duplicate(tree.borrow(), 3).about(|| "duplicate")?,
        None => make_tree(plan, mount, &options)?,
    };
    let place = destination(root, mount, &options, tree.borrow())?;
    if options.copy_up {
        let below = fs::open_in_root(root, &mount.destination, fs::O_RDONLY | fs::O_DIRECTORY, 0);
        let below = below.about(|| format!("open {} in the container", to()))?;
        let above = fs::open(tree.borrow(), c".", fs::O_RDONLY | fs::O_DIRECTORY, 0)
            .about(|| format!("open the new {}", to()))?;
        copy::copy_tree(below.borrow(), above.borrow()).about(|| format!("copy what {} holds", to()))?;
    }
    set_attributes(&options, tree.borrow()).about(|| format!("set the options of {}", to()))?;
    mount::attach(tree.borrow(), place.borrow()).about(|| format!("mount {}", to()))?;
    for (propagation, recursive) in &options.propagation {
        let attributes = Attributes { propagation: *propagation, ..Attributes::default() };
        mount::set_attributes(tree.borrow(), *recursive, attributes)
            .about(|| format!("set the propagation of {}", to()))?;
    }
    Ok(Some(tree))
}

/// A mount that is attached nowhere yet.
fn make_tree(plan: &Plan<'_>, mount: &Mount, options: &Options) -> Result<Fd, Error> {
    if options.bind {
        let tree = clone_source(mount, options)?;
        set_id_map(mount, options, tree.borrow(), || own_user_namespace(plan.proc))?;
        return Ok(tree);
    }
    let kind = mount.kind.as_deref().unwrap_or(c"none");
    if needs_network(mount) {
        (plan.network)()?;
    }
    let made = new_file_system(kind, mount, options);
    match made {
        // A user namespace without a network namespace of its own may not: the host's, then, which it sees anyway.
        Err(Error::System { errno: Errno::EPERM, .. }) if kind == c"sysfs" && plan.user_namespace => {
            mount::clone_tree(CWD, c"/sys", true).about(|| "clone the tree /sys")
        }
        other => other,
    }
}

fn new_file_system(kind: &CStr, mount: &Mount, options: &Options) -> Result<Fd, Error> {
    let what = |step: &str| format!("{step} {} for {}", kind.to_string_lossy(), mount.destination.to_string_lossy());
    let context = mount::fsopen(kind).about(|| what("open file system"))?;
    if let Some(source) = mount.source.as_deref() {
        mount::set_string(context.borrow(), c"source", source).about(|| what("name the source of"))?;
    }
    for flag in &options.flags {
        let flag = CString::new(*flag).unwrap_or_default();
        mount::set_flag(context.borrow(), &flag).about(|| what("set a flag of"))?;
    }
    if options.set & u64::from(MOUNT_ATTR_RDONLY) != 0 && !VIRTUAL.contains(&kind) {
        mount::set_flag(context.borrow(), c"ro").about(|| what("set ro of"))?;
    }
    for data in &options.data {
        let set = set_parameter(context.borrow(), data);
        set.about(|| format!("{}: option {data}", what("configure")))?;
    }
    mount::create(context.borrow()).about(|| what("create"))?;
    let attributes = options.set & !u64::from(mount::MOUNT_ATTR_NOSYMFOLLOW);
    mount::fsmount(context.borrow(), attributes).about(|| what("mount"))
}

fn set_parameter(context: BorrowedFd<'_>, data: &str) -> kernel::Result<()> {
    let c_string = |text: &str| CString::new(text).map_err(|_| Errno::EINVAL);
    match data.split_once('=') {
        Some((key, value)) => mount::set_string(context, &c_string(key)?, &c_string(value)?),
        None => mount::set_flag(context, &c_string(data)?),
    }
}

/// A copy of what is to be seen in the container.
fn clone_source(mount: &Mount, options: &Options) -> Result<Fd, Error> {
    let source = mount.source.as_deref().ok_or_else(|| {
        Error::config(format!("mounts: the bind mount {} has no source", mount.destination.to_string_lossy()))
    })?;
    // A relative path is one from the bundle, which is the working directory.
    mount::clone_tree(CWD, source, options.recursive_bind)
        .about(|| format!("clone the tree {} for {}", source.to_string_lossy(), mount.destination.to_string_lossy()))
}

fn set_id_map(
    mount: &Mount,
    options: &Options,
    tree: BorrowedFd<'_>,
    user_namespace: impl FnOnce() -> Result<Fd, Error>,
) -> Result<(), Error> {
    let own;
    let recursive = match (options.id_map, mount.uid_mappings.is_empty()) {
        (None, true) => return Ok(()),
        (recursive, true) => {
            own = user_namespace()?;
            recursive.unwrap_or(false)
        }
        (recursive, false) => {
            own = id_map::namespace_of(&mount.uid_mappings, &mount.gid_mappings)?;
            recursive.unwrap_or(false)
        }
    };
    let map =
        Attributes { set: u64::from(MOUNT_ATTR_IDMAP), user_namespace: Some(own.borrow()), ..Attributes::default() };
    mount::set_attributes(tree, recursive, map)
        .about(|| format!("map the users of {}", mount.destination.to_string_lossy()))
}

fn own_user_namespace(proc: BorrowedFd<'_>) -> Result<Fd, Error> {
    fs::open(proc, c"self/ns/user", fs::O_RDONLY, 0).about(|| "open the user namespace")
}

fn set_attributes(options: &Options, tree: BorrowedFd<'_>) -> kernel::Result<()> {
    // Those of a new file system are set already, but for what `fsmount` does not take.
    let done = if options.bind { 0 } else { options.set & !u64::from(mount::MOUNT_ATTR_NOSYMFOLLOW) };
    let attributes = |set, clear| Attributes { set, clear, ..Attributes::default() };
    if options.recursive_set | options.recursive_clear != 0 {
        mount::set_attributes(tree, true, attributes(options.recursive_set, options.recursive_clear))?;
    }
    let (set, clear) = (options.set & !done, if options.bind { options.clear } else { 0 });
    if set | clear != 0 {
        mount::set_attributes(tree, false, attributes(set, clear))?;
    }
    Ok(())
}

/// Where it goes: what is missing is made.
fn destination(root: BorrowedFd<'_>, mount: &Mount, options: &Options, tree: BorrowedFd<'_>) -> Result<Fd, Error> {
    let path = &mount.destination;
    let what = || format!("look at {}", path.to_string_lossy());
    let is_file = options.bind && fs::stat_fd(tree).about(what)?.st_mode & fs::S_IFMT != fs::S_IFDIR;
    let kernel_s_own = matches!(mount.kind.as_deref(), Some(kind) if kind == c"proc" || kind == c"sysfs");
    if !options.bind && kernel_s_own {
        // What other parts of the system take for procfs must not be elsewhere for them than for us.
        let (parent, name) = place::parent_of(root, path)?;
        match fs::make_directory(parent.borrow(), &name, 0o755) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => {
                return Err(Error::system(format!("make {} in the container", path.to_string_lossy()), errno));
            }
        }
        let flags = fs::O_PATH | fs::O_DIRECTORY | fs::O_NOFOLLOW;
        return fs::open(parent.borrow(), &name, flags, 0)
            .about(|| format!("open {} in the container, which must not be a link", path.to_string_lossy()));
    }
    let place = place::make(root, path, if is_file { Kind::File } else { Kind::Directory })?;
    refuse_procfs(&place, mount, options)?;
    Ok(place)
}

/// Nothing but a file system of the kernel's may lie on or in procfs, where programs trust what they read; single files that
/// tell of the machine's resources are known to be replaced.
fn refuse_procfs(place: &Fd, mount: &Mount, options: &Options) -> Result<(), Error> {
    const REPLACED: &[&[u8]] = &[
        b"/proc/cpuinfo",
        b"/proc/diskstats",
        b"/proc/meminfo",
        b"/proc/stat",
        b"/proc/swaps",
        b"/proc/uptime",
        b"/proc/loadavg",
        b"/proc/slabinfo",
        b"/proc/sys/kernel/ns_last_pid",
        b"/proc/sys/crypto/fips_enabled",
        b"/proc/net/dev",
        b"/proc/sys/fs/binfmt_misc",
    ];
    let on_procfs = fs::statfs_fd(place.borrow()).is_ok_and(|stat| stat.f_type == fs::PROC_SUPER_MAGIC);
    let path = mount.destination.to_bytes();
    if !on_procfs || REPLACED.contains(&path) || (path == b"/proc" && options.bind) {
        return Ok(());
    }
    Err(Error::config(format!(
        "mounts: {} is inside of procfs, where nothing may be mounted",
        mount.destination.to_string_lossy()
    )))
}

/// Changes the options of what is mounted there already.
fn remount(root: BorrowedFd<'_>, mount: &Mount, options: &Options) -> Result<(), Error> {
    let what = || format!("remount {}", mount.destination.to_string_lossy());
    let place = place::find(root, &mount.destination)?.ok_or_else(|| Error::system(what(), Errno::ENOENT))?;
    if !options.data.is_empty() || !options.flags.is_empty() {
        let context = mount::fspick(place.borrow(), c"").about(what)?;
        for data in options.data.iter().map(String::as_str).chain(options.flags.iter().copied()) {
            set_parameter(context.borrow(), data).about(what)?;
        }
        mount::reconfigure(context.borrow()).about(what)?;
    }
    let attributes = Attributes { set: options.set, clear: options.clear, ..Attributes::default() };
    mount::set_attributes(place.borrow(), false, attributes).about(what)
}

/// Whether a mount is made of a file system that belongs to a network namespace, as far as is known.
pub(super) fn needs_network(mount: &Mount) -> bool {
    let kind = mount.kind.as_deref().unwrap_or_default();
    !Options::read(&mount.options).bind && !WITHOUT_NETWORK.contains(&kind)
}

/// Whether a mount goes to a directory of the root, however its path is written.
pub(super) fn is_at(mount: &Mount, name: &str) -> bool {
    let parts = mount.destination.to_bytes().split(|&byte| byte == b'/');
    parts.filter(|part| !matches!(*part, b"" | b".")).eq([name.as_bytes()])
}

/// Whether the last mount at a directory of the root is a bind mount.
pub(super) fn is_bound(mounts: &[Mount], name: &str) -> bool {
    mounts.iter().rev().find(|mount| is_at(mount, name)).is_some_and(|mount| Options::read(&mount.options).bind)
}
