//! `kill`: sends a signal to a container's first process, or to all.

use super::{Container, Context};
use crate::arguments::{self, Known, flag};
use crate::create::from_cgroup;
use crate::error::{About, Error};
use crate::state::Status;
use alloc::format;
use kernel::process::CLONE_NEWPID;
use kernel::{process, signal};

const OPTIONS: &[Known] = &[flag("all", Some('a'))];

pub(super) fn run(context: &Context<'_>) -> Result<i32, Error> {
    let given = arguments::read(context.arguments, OPTIONS, None)?;
    let (id, name) = match given.id_and_words()? {
        (id, []) => (id, c"SIGTERM"),
        (id, [name]) => (id, *name),
        _ => return Err(Error::Usage("the container's ID, and perhaps a signal, are wanted".into())),
    };
    let signal = name.to_str().ok().and_then(signal::number);
    let signal = signal.ok_or_else(|| Error::Usage(format!("unknown signal {:?}", name.to_string_lossy())))?;
    let container = Container::find(context, id)?;
    let status = container.status();
    let everybody = given.has("all") || container.state.namespaces & CLONE_NEWPID == 0;
    if everybody && (signal == signal::SIGKILL as i32 || given.has("all")) {
        // Also when the first one has ended.
        if status == Status::Stopped
            && container.group.processes(true).map_err(from_cgroup)?.is_empty()
            && !given.has("all")
        {
            return Err(container.cannot("be sent a signal"));
        }
        if signal == signal::SIGKILL as i32 && !container.group.is_none() {
            container.group.kill_all().map_err(from_cgroup)?;
            return Ok(0);
        }
        for pid in container.group.processes(true).map_err(from_cgroup)? {
            match process::kill(pid, signal) {
                Ok(()) | Err(kernel::Errno::ESRCH) => {}
                Err(errno) => return Err(Error::system(format!("send signal {signal} to process {pid}"), errno)),
            }
        }
        return Ok(0);
    }
    let process = container.state.process().ok_or_else(|| container.cannot("be sent a signal"))?;
    process::send_signal(process.borrow(), signal)
        .about(|| format!("send signal {signal} to {}", container.state.id))?;
    if status == Status::Paused && signal == signal::SIGKILL as i32 {
        // On version 1, what is frozen does not even die.
        container.group.thaw().map_err(from_cgroup)?;
    }
    Ok(0)
}
