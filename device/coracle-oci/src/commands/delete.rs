//! `delete`: removes what is left of a container. With `--force`, whatever its state, and whatever state it was left in.

use super::Context;
use crate::arguments::{self, Known, flag};
use crate::create::from_cgroup;
use crate::error::Error;
use crate::hooks;
use crate::state::{Directory, Status};
use alloc::format;
use cgroup::Group;
use kernel::{poll, process, signal};

const OPTIONS: &[Known] = &[flag("force", Some('f'))];

pub(super) fn run(context: &Context<'_>) -> Result<i32, Error> {
    let given = arguments::read(context.arguments, OPTIONS, None)?;
    let force = given.has("force");
    let directory = match context.root.lock(given.id()?) {
        Err(Error::NoContainer(_)) if force => return Ok(0),
        other => other?,
    };
    remove(context, directory, force)?;
    Ok(0)
}

/// Ends what still runs (with `force`, or if it was never started), and removes cgroup and directory.
pub(super) fn remove(context: &Context<'_>, directory: Directory, force: bool) -> Result<(), Error> {
    let Some(state) = directory.read()? else {
        // Whoever made it was stopped before there was anything in it.
        return if force { directory.remove() } else { Err(Error::NoContainer(directory.id())) };
    };
    let group = Group::from_json(&state.cgroup.0).map_err(from_cgroup)?;
    let process = state.process();
    if let Some(process) = &process {
        if !force && !directory.waits() {
            let status = if group.is_frozen().unwrap_or(false) { Status::Paused } else { Status::Running };
            return Err(Error::State {
                id: state.id,
                is: status.word(),
                cannot: "be deleted: stop it first, or use --force",
            });
        }
        let _ = process::send_signal(process.borrow(), signal::SIGKILL as i32);
    }
    // Those that do not end with the first one: when its PID namespace is not the container's own.
    group.kill_all().map_err(from_cgroup)?;
    if let Some(process) = &process {
        let _ = poll::poll(&[(process.borrow(), poll::READABLE)], Some(10_000));
        // It may be a child of this command.
        let _ = process::try_wait(state.pid);
    }
    group.remove().map_err(from_cgroup)?;
    let told = format!("{}", json::object(state.document(Status::Stopped)));
    directory.remove()?;
    for hook in &state.poststop {
        // Each is run, whatever the others did: nothing can be undone any more.
        if let Err(error) = hooks::run("poststop", core::slice::from_ref(hook), &told) {
            context.log.warning(&error);
        }
    }
    Ok(())
}
