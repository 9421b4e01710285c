//! `delete`: removes what is left of a container. With `--force`, whatever its state, and whatever state it was left in.

use super::Context;
use crate::arguments::{self, Known, flag};
use crate::create::from_cgroup;
use crate::error::Error;
use crate::hooks;
use crate::log::Log;
use crate::rdt;
use crate::state::{Directory, State, Status};
use alloc::format;
use cgroup::Group;
use kernel::process::CLONE_NEWPID;
use kernel::{poll, process, signal};

const OPTIONS: &[Known] = &[flag("force", Some('f'))];

pub(super) fn run(context: &Context<'_>) -> Result<i32, Error> {
    let given = arguments::read(context.arguments, OPTIONS, None)?;
    let force = given.has("force");
    let directory = match context.root.lock(given.id()?) {
        Err(Error::NoContainer(_)) if force => return Ok(0),
        other => other?,
    };
    remove(&context.log, directory, force)?;
    Ok(0)
}

/// Ends what still runs (with `force`, or if it was never started), and removes cgroup and directory.
pub(crate) fn remove(log: &Log, directory: Directory, force: bool) -> Result<(), Error> {
    let Some(state) = directory.read()? else {
        // Whoever made it was stopped before there was anything in it.
        return if force { directory.remove() } else { Err(Error::NoContainer(directory.id())) };
    };
    let group = Group::from_json(&state.cgroup.0).map_err(from_cgroup)?;
    if let Some(process) = state.process() {
        if !force && !directory.waits() {
            let status = if group.is_frozen().unwrap_or(false) { Status::Paused } else { Status::Running };
            return Err(Error::State {
                id: state.id,
                is: status.word(),
                cannot: "be deleted: stop it first, or use --force",
            });
        }
        let _ = process::send_signal(process.borrow(), signal::SIGKILL as i32);
        group.kill_all().map_err(from_cgroup)?;
        let _ = poll::poll(&[(process.borrow(), poll::READABLE)], Some(10_000));
        // It may be a child of this command.
        let _ = process::try_wait(state.pid);
    }
    clean_up(log, directory, &state, &group)
}

/// Removes what is left of a container whose first process has ended.
pub(super) fn clean_up(log: &Log, directory: Directory, state: &State, group: &Group) -> Result<(), Error> {
    if state.namespaces & CLONE_NEWPID == 0 {
        // Others do not end with the first one when its PID namespace is not the container's own.
        group.kill_all().map_err(from_cgroup)?;
    }
    if group.remove().is_err() {
        // Somebody entered it from outside.
        group.kill_all().and_then(|()| group.remove()).map_err(from_cgroup)?;
    }
    if let Some(before) = &state.cgroup_before {
        let before = Group::from_json(&before.0).map_err(from_cgroup)?;
        before.kill_all().and_then(|()| before.remove()).map_err(from_cgroup)?;
    }
    state.rdt.as_deref().map_or(Ok(()), rdt::remove)?;
    directory.remove()?;
    let told = format!("{}", json::object(state.document(Status::Stopped)));
    hooks::run_all("poststop", &state.poststop, &told, log);
    Ok(())
}
