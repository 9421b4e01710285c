//! `state`: prints what is known of a container, as the specification's state and runc's additions.

use super::{Container, Context, print};
use crate::arguments;
use crate::error::Error;
use crate::state::Status;
use alloc::format;

pub(super) fn run(context: &Context<'_>) -> Result<i32, Error> {
    let given = arguments::read(context.arguments, &[], None)?;
    let container = Container::find(context, given.id()?)?;
    let status = container.status();
    let mut members = container.state.document(status);
    if !members.iter().any(|(key, _)| *key == "pid") {
        // Programs above look for it: of what has ended it is 0.
        members.insert(3, ("pid", 0.into()));
    }
    members.push(("rootfs", container.state.rootfs.as_str().into()));
    members.push(("created", container.state.created.as_str().into()));
    members.push((
        "owner",
        if container.state.owner == 0 { "".into() } else { format!("{}", container.state.owner).into() },
    ));
    debug_assert!(status != Status::Creating || container.state.pid == 0);
    print(&format!("{}\n", json::object(members)));
    Ok(0)
}
