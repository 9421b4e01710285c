//! mount(2): new file systems and bind mounts. The mount is made detached, in the agent; restricted; then a thread enters the
//! container's mount namespace and attaches it to the destination that was judged, by descriptor.

use super::{Done, Request, Stop, failed, rule_name};
use crate::apart::apart;
use crate::caller::{Caller, Opened, place_of};
use crate::errno;
use agent_policy::{Asked, Block, FLAGS, Idmap, MountRequest, MountRule, Origin, read_flags};
use linux::mount::{DETACH, DetachedMount, mount_identity, unmount_with};
use linux::namespace::{Kind, enter};
use linux::node::{Walk, open_in_root, work_in};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// The kernel takes one page of options.
const MAX_OPTIONS: usize = 4096;
const READ_ONLY: u64 = 1;

struct Arguments {
    source: String,
    destination: String,
    kind: String,
    asked: Asked,
    options: String,
}

pub(crate) fn carry_out(request: &mut Request<'_>, block: &Block) -> Result<Done, Stop> {
    let caller = request.caller()?;
    let arguments = read(request, &caller)?;
    let namespace = caller.mount_namespace(request.shared)?;
    let destination = caller.resolve("destination", &arguments.destination, "cwd", Walk::USUAL)?;
    request.note("resolved", destination.path.as_str());
    let source = match arguments.asked.bind {
        true => caller.resolve("source", &arguments.source, "cwd", Walk::USUAL).ok(),
        false => None,
    };
    let options: Vec<&str> = arguments.options.split(',').filter(|option| !option.is_empty()).collect();
    let (index, rule) = block.mount(&MountRequest {
        kind: &arguments.kind,
        source: &arguments.source,
        resolved: source.as_ref().map(|source| source.path.as_str()),
        destination: &destination.path,
        asked: arguments.asked,
        options: &options,
    })?;
    let mount = if arguments.asked.bind {
        copy(rule, &arguments, source, &namespace)?
    } else {
        make(rule, &arguments, &options)?
    };
    map_owners(rule, &mount, &caller.user_namespace(request.shared)?)?;
    // Somebody who is killed now gets no mount.
    caller.check()?;
    apart(|| {
        enter(&namespace, Kind::Mount)?;
        mount.attach_to(&destination.file)
    })
    .map_err(|error| failed(&format!("attaching the mount to {}", destination.path), &error))?;
    verify(mount, &destination.path, &namespace, request)?;
    Ok(Done::Made { rule: rule_name("mount", index, block) })
}

/// Copies the arguments, once.
fn read(request: &mut Request<'_>, caller: &Caller<'_>) -> Result<Arguments, Stop> {
    let raw = request.register(3);
    request.note("flags", raw);
    let source = caller.text("source", request.register(0), MAX_OPTIONS)?.unwrap_or_default();
    request.note("source", source.as_str());
    let destination = caller.path("destination", request.register(1))?;
    request.note("destination", destination.as_str());
    let asked = read_flags(raw).map_err(Stop::Refused)?;
    let mut kind = String::new();
    let mut options = String::new();
    // The kernel does not look at these for a bind mount, where programs put anything.
    if !asked.bind {
        kind = caller.text("type", request.register(2), MAX_OPTIONS)?.unwrap_or_default();
        request.note("type", kind.as_str());
        options = caller.text("data", request.register(4), MAX_OPTIONS)?.unwrap_or_default();
        request.note("data", options.as_str());
        if kind.is_empty() {
            return Err(Stop::Failed { errno: errno::EINVAL, why: "there is no type".into() });
        }
    }
    Ok(Arguments { source, destination, kind, asked, options })
}

/// The flags that were asked for and those that the rule forces.
fn attributes(rule: &MountRule, asked: Asked) -> u32 {
    let bits = asked.bits | rule.force;
    FLAGS.iter().filter(|flag| bits & flag.bit != 0).fold(0, |all, flag| all | flag.attribute)
}

fn make(rule: &MountRule, arguments: &Arguments, options: &[&str]) -> Result<DetachedMount, Stop> {
    let mut options: Vec<(&str, Option<&str>)> = options
        .iter()
        .map(|option| option.split_once('=').map_or((*option, None), |(name, value)| (name, Some(value))))
        .collect();
    if (arguments.asked.bits | rule.force) & READ_ONLY != 0 {
        // The file system, too: of a disk not even the journal is written.
        options.push(("ro", None));
    }
    let source = if arguments.source.is_empty() { "none" } else { &arguments.source };
    DetachedMount::open_with(Path::new(source), &arguments.kind, &options, attributes(rule, arguments.asked)).map_err(
        |error| Stop::Failed {
            errno: error.errno().unwrap_or(errno::EIO),
            why: format!("making a {} of {source}: {error}", arguments.kind),
        },
    )
}

/// A bind mount of what was judged: of the container, the open source; of the host, the path, in which no link is followed,
/// since the container may write there.
fn copy(
    rule: &MountRule,
    arguments: &Arguments,
    source: Option<Opened>,
    namespace: &File,
) -> Result<DetachedMount, Stop> {
    let recursive = arguments.asked.recursive;
    let mount = match (rule.origin, source) {
        (Origin::Container, Some(source)) => apart(|| {
            enter(namespace, Kind::Mount)?;
            DetachedMount::copy(&source.file, recursive)
        }),
        (Origin::Container, None) => return Err(Stop::Refused("the source is not in the container".into())),
        (Origin::Host, _) => File::open("/")
            .and_then(|root| open_in_root(&root, Path::new(&arguments.source), Walk::PLAIN))
            .and_then(|source| DetachedMount::copy(&source, recursive)),
    };
    let mount = mount.map_err(|error| failed(&format!("copying the mount of {}", arguments.source), &error))?;
    mount
        .restrict(attributes(rule, arguments.asked), recursive)
        .map_err(|error| failed("setting the flags of the mount", &error))?;
    Ok(mount)
}

fn map_owners(rule: &MountRule, mount: &DetachedMount, user_namespace: &File) -> Result<(), Stop> {
    match (rule.idmap, mount.map_owners(user_namespace)) {
        _ if rule.idmap == Idmap::No => Ok(()),
        // The file system cannot (EINVAL), or the container's namespace has no map.
        (Idmap::Auto, Err(error)) if error.raw_os_error() == Some(errno::EINVAL) => Ok(()),
        (_, Err(error)) => Err(failed("mapping owners of files (idmap) to the container's", &error)),
        (_, Ok(())) => Ok(()),
    }
}

/// Looks where the mount has come to be: a directory above the destination can be renamed while the call is judged. Then the
/// mount goes again; else it is remembered.
fn verify(mount: DetachedMount, judged: &str, namespace: &File, request: &mut Request<'_>) -> Result<(), Stop> {
    let file = File::from(OwnedFd::from(mount));
    let place = place_of("the new mount", &file)?;
    if place != judged {
        apart(|| {
            enter(namespace, Kind::Mount)?;
            work_in(&file)?;
            unmount_with(Path::new("."), DETACH)
        })
        .map_err(|error| failed(&format!("taking back the mount that came to be at {place}"), &error))?;
        return Err(Stop::Refused(format!("the destination was moved to {place} meanwhile")));
    }
    if let Ok(Some(identity)) = mount_identity(&file.as_fd(), Path::new("")) {
        request.mounts.add(identity.id);
    }
    Ok(())
}
