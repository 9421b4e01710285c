//! umount2(2), of what was mounted through the same listener.

use super::{Done, Request, Stop, failed, rule_name};
use crate::apart::apart;
use crate::errno;
use agent_policy::Block;
use linux::mount::{DETACH, NO_FOLLOW, mount_identity, unmount_with};
use linux::namespace::{Kind, enter};
use linux::node::{Walk, open_in_root, work_in};
use std::fs::File;
use std::io;
use std::path::Path;

pub(crate) fn carry_out(request: &mut Request<'_>, block: &Block) -> Result<Done, Stop> {
    let caller = request.caller()?;
    let flags = request.integer(1);
    request.note("flags", u64::from(flags.unsigned_abs()));
    let path = caller.path("destination", request.register(0))?;
    request.note("destination", path.as_str());
    if flags & !(DETACH | NO_FOLLOW) != 0 {
        return Err(Stop::Refused("only lazy unmounting and no following of links can be asked for".into()));
    }
    let namespace = caller.mount_namespace(request.shared)?;
    let walk = Walk { follow: flags & NO_FOLLOW == 0, ..Walk::USUAL };
    let place = caller.resolve("destination", &path, "cwd", walk)?;
    request.note("resolved", place.path.as_str());
    let index = block.unmount(&place.path)?;
    let id = match mount_identity(&place.file, Path::new("")) {
        Ok(Some(identity)) if identity.is_root && request.mounts.has(identity.id) => identity.id,
        Ok(_) => return Err(Stop::Refused(format!("the agent has mounted nothing at {}", place.path))),
        Err(error) => return Err(failed("asking for the mount", &error)),
    };
    // A handle would keep it busy.
    let path = place.path;
    drop(place.file);
    apart(|| {
        enter(&namespace, Kind::Mount)?;
        unmount(Path::new(&path), id, flags)
    })
    .map_err(|error| failed(&format!("unmounting {path}"), &error))?;
    request.mounts.remove(id);
    Ok(Done::Made { rule: rule_name("umount", index, block) })
}

/// In the container's mount namespace. The directory above is held open, and the mount in it is looked at once more: what is
/// unmounted is what was judged.
fn unmount(path: &Path, id: u64, flags: i32) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::from_raw_os_error(errno::EBUSY));
    };
    let name = Path::new(name);
    let parent = open_in_root(&File::open("/")?, parent, Walk { directory: true, ..Walk::PLAIN })?;
    if mount_identity(&parent, name)?.is_none_or(|found| found.id != id) {
        return Err(io::Error::from_raw_os_error(errno::EINVAL));
    }
    work_in(&parent)?;
    unmount_with(name, flags | NO_FOLLOW)
}
