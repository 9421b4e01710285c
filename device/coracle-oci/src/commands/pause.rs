//! `pause` and `resume`.

use super::{Container, Context};
use crate::arguments;
use crate::create::from_cgroup;
use crate::error::Error;
use crate::state::Status;

pub(super) fn pause(context: &Context<'_>) -> Result<i32, Error> {
    let container = Container::lock(context, arguments::read(context.arguments, &[], None)?.id()?)?;
    if !matches!(container.status(), Status::Running | Status::Created) {
        return Err(container.cannot("be paused"));
    }
    container.group.freeze().map_err(from_cgroup)?;
    Ok(0)
}

pub(super) fn resume(context: &Context<'_>) -> Result<i32, Error> {
    let container = Container::lock(context, arguments::read(context.arguments, &[], None)?.id()?)?;
    if container.status() != Status::Paused {
        return Err(container.cannot("be resumed"));
    }
    container.group.thaw().map_err(from_cgroup)?;
    Ok(0)
}
