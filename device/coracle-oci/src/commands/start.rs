//! `start`: the container that waits goes on, with the program it was created with, or with another.

use super::{Container, Context};
use crate::arguments::{self, Known, value};
use crate::bundle;
use crate::channel::{self, Kind};
use crate::error::{About, Error};
use crate::foreground;
use crate::job::Job;
use crate::making;
use crate::state::{Directory, START_SOCKET, Status};
use alloc::format;
use alloc::vec::Vec;
use kernel::process::CLONE_NEWUSER;
use kernel::{BorrowedFd, Fd, fs, socket};

const OPTIONS: &[Known] = &[value("process", Some('p')), value("console-socket", None), value("cpus", None)];

pub(super) fn run(context: &Context<'_>) -> Result<i32, Error> {
    let given = arguments::read(context.arguments, OPTIONS, None)?;
    let console = given.get("console-socket").map(foreground::connect_console).transpose()?;
    let process = given.get("process").map(bundle::read_process).transpose()?;
    let container = Container::lock(context, given.id()?)?;
    if container.status() != Status::Created {
        return Err(container.cannot("be started"));
    }
    let connection = connect(&container.directory)?;
    match process {
        None => channel::send(connection.borrow(), Kind::Go, &[], &[]).about(|| "tell the container to start")?,
        Some(process) => send_process(&container, &connection, process, given.text("cpus")?, console.as_ref())?,
    }
    // Closed when the process has become the program.
    match channel::receive(connection.borrow())? {
        None => {}
        Some(message) if message.kind == Kind::Refused => {
            context.log.warning(format_args!("container {} was not changed, and still waits", container.state.id));
            return Err(making::failure(&message));
        }
        Some(message) => {
            context.log.warning(format_args!("container {} has stopped", container.state.id));
            return Err(making::failure(&message));
        }
    }
    fs::remove(container.directory.fd.borrow(), START_SOCKET, 0)
        .about(|| format!("remove the start socket of {}", container.state.id))?;
    super::run_poststart(&context.log, container.directory, &container.state)?;
    Ok(0)
}

/// Connects to a container that waits.
pub(crate) fn connect(directory: &Directory) -> Result<Fd, Error> {
    directory
        .inside(|| socket::connect(socket::MESSAGES, START_SOCKET))
        .about(|| format!("reach the process of {}", directory.id()))
}

/// Gives the waiting process another program than the one that the container was created with.
fn send_process(
    container: &Container,
    connection: &Fd,
    process: runtime_spec::Process,
    cpus: Option<&str>,
    console: Option<&Fd>,
) -> Result<(), Error> {
    if process.terminal != console.is_some() {
        return Err(Error::Usage("a process with terminal needs --console-socket, and none without".into()));
    }
    let state = &container.state;
    let user_namespace = state.namespaces & CLONE_NEWUSER != 0;
    making::set_from_outside(state.pid, &process, user_namespace)?;
    let affinity = cpus.map(|list| {
        runtime_spec::numbers_as_bits(list)
            .ok_or_else(|| Error::Usage(format!("--cpus: {list:?} is no list such as 0-3,7")))
    });
    let job = Job {
        process,
        set_limits: !user_namespace,
        affinity: affinity.transpose()?,
        first_process: true,
        ..Job::default()
    };
    let mut descriptors: Vec<BorrowedFd<'_>> = (0..3).map(BorrowedFd::standing).collect();
    descriptors.extend(console.map(Fd::borrow));
    channel::send(connection.borrow(), Kind::Job, &job.encode(), &descriptors)
        .about(|| "give the container its process")
}
