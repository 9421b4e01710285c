//! mknod(2) and mknodat(2) of devices. The node is made in the directory that was judged, by descriptor, as the caller: with
//! its identity and mask, and no right but the one to make devices.
//!
//! On file systems that were mounted in a user namespace (the `/dev` of a rootless container, mostly) nodes are dead: the
//! kernel refuses to open them. There the node is made in a small file system of the agent's and bound onto an empty file.

use super::{Done, Request, Stop, failed, rule_name};
use crate::apart::apart;
use crate::caller::{Identity, Opened};
use crate::errno;
use agent_policy::Block;
use linux::mount::{ATTRIBUTE_NO_EXEC, ATTRIBUTE_NO_SUID, DetachedMount, make_all_private};
use linux::namespace::{Kind, act_as, enter, leave_mounts, own_directory};
use linux::node::{Node, NodeKind, Walk, give, make_mount_point, make_node, node_of, open_below, open_in_root, remove};
use std::fs::File;
use std::io;
use std::path::Path;

/// `AT_FDCWD`
const WORKING_DIRECTORY: i32 = -100;

pub(crate) fn carry_out_mknod(request: &mut Request<'_>, block: &Block) -> Result<Done, Stop> {
    carry_out(request, block, "cwd".into(), 0)
}

pub(crate) fn carry_out_mknodat(request: &mut Request<'_>, block: &Block) -> Result<Done, Stop> {
    let directory = request.integer(0);
    let from = if directory == WORKING_DIRECTORY { "cwd".into() } else { format!("fd/{directory}") };
    carry_out(request, block, from, 1)
}

/// `first` is the register of the path; mode and device follow.
fn carry_out(request: &mut Request<'_>, block: &Block, from: String, first: usize) -> Result<Done, Stop> {
    let (mode, device) = (request.register(first + 1) as u32, request.register(first + 2) as u32);
    request.note("mode", format!("{mode:#o}"));
    // Pipes, sockets and plain files are no privilege.
    let Some(asked) = node_of(mode, device) else { return Ok(Done::NotGuarded) };
    request.note("device", format!("{}:{}", asked.major, asked.minor));
    let caller = request.caller()?;
    let path = caller.path("path", request.register(first))?;
    request.note("path", path.as_str());
    let namespace = caller.mount_namespace(request.shared)?;
    let (parent, name) = match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((parent, name)) => (parent, name),
        None => (".", path.as_str()),
    };
    if matches!(name, "" | "." | "..") {
        return Err(Stop::Failed { errno: errno::EEXIST, why: format!("{path} ends in no name") });
    }
    let directory = caller.resolve("directory", parent, &from, Walk::DIRECTORY)?;
    let judged = format!("{}/{name}", directory.path.trim_end_matches('/'));
    request.note("resolved", judged.as_str());
    let (index, rule) = block.node(asked.kind == NodeKind::Block, asked.major, asked.minor, &judged)?;
    let identity = caller.identity()?;
    let node = Node { permissions: asked.permissions & rule.mode & !identity.mask, ..asked };
    caller.check()?;
    make(&directory, Path::new(name), node, &identity, &namespace, request.notification.id)
        .map_err(|error| failed(&format!("making {judged}"), &error))?;
    Ok(Done::Made { rule: rule_name("mknod", index, block) })
}

fn make(directory: &Opened, name: &Path, node: Node, identity: &Identity, namespace: &File, id: u64) -> io::Result<()> {
    let target = apart(|| {
        own_directory()?;
        act_as(identity.user, identity.group)?;
        if devices_work(&directory.file, id)? {
            return make_node(&directory.file, name, node).map(|()| None);
        }
        make_mount_point(&directory.file, name)?;
        let target = open_in_root(&directory.file, name, Walk { follow: false, ..Walk::PLAIN })?;
        Ok(Some(target))
    })?;
    let Some(target) = target else { return Ok(()) };
    let bound = detached_node(node, identity).and_then(|mount| {
        apart(|| {
            enter(namespace, Kind::Mount)?;
            mount.attach_to(&target)
        })
    });
    if bound.is_err() {
        let _ = remove(&directory.file, name);
    }
    bound
}

/// Tries with `/dev/null`'s numbers, which nobody feels.
fn devices_work(directory: &File, id: u64) -> io::Result<bool> {
    let name = format!(".coracle-oci-agent-{id:x}");
    let name = Path::new(&name);
    let null = Node { kind: NodeKind::Character, major: 1, minor: 3, permissions: 0o600 };
    make_node(directory, name, null)?;
    let opened = open_below(directory, name, true);
    remove(directory, name)?;
    Ok(opened.is_ok())
}

/// A mount whose root is the node.
fn detached_node(node: Node, identity: &Identity) -> io::Result<DetachedMount> {
    let options = [("size", Some("4k")), ("nr_inodes", Some("4")), ("mode", Some("755"))];
    let attributes = ATTRIBUTE_NO_SUID | ATTRIBUTE_NO_EXEC;
    let home = DetachedMount::open_with(Path::new("coracle-oci-agent"), "tmpfs", &options, attributes)
        .map_err(|error| io::Error::from_raw_os_error(error.errno().unwrap_or(errno::EIO)))?;
    let name = Path::new("node");
    apart(|| {
        own_directory()?;
        make_node(&home, name, node)
    })?;
    give(&home, name, identity.user, identity.group)?;
    match DetachedMount::copy_below(&home, name, false) {
        // Before Linux 6.15 only what is attached somewhere can be copied: to a copy of the agent's mounts that nobody sees.
        Err(error) if error.raw_os_error() == Some(errno::EINVAL) => apart(|| {
            leave_mounts()?;
            make_all_private()?;
            home.attach_to(&File::open("/proc")?)?;
            DetachedMount::copy_below(&home, name, false)
        }),
        result => result,
    }
}
