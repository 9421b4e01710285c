//! The second stage of a container's process: this program anew, inside of the container, with nothing but a channel. It
//! gets the job, waits for the start if it has to, and becomes the program.

use crate::channel::{self, Kind, Message};
use crate::console;
use crate::error::{About, Error};
use crate::hooks;
use crate::identity;
use crate::job::Job;
use crate::program;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;
use kernel::process::{self, CLONE_NEWCGROUP};
use kernel::security::{self, NEW_LISTENER};
use kernel::{BorrowedFd, Fd, fs, signal, socket};

/// The first argument of the second stage.
pub(crate) const COMMAND: &CStr = c"init";

/// Descriptors that the stage was started with.
#[derive(Debug)]
struct Inherited {
    channel: Fd,
    start: Option<Fd>,
    console: Option<Fd>,
    listener: Option<Fd>,
}

/// Runs the stage. `arguments` are the numbers of its descriptors.
pub(crate) fn main(arguments: &[&CStr]) -> i32 {
    // Before anything else: until here, a process of the container could look at this one's descriptors.
    if process::set_dumpable(false).is_err() {
        return 1;
    }
    let Some(inherited) = Inherited::take(arguments) else {
        fs::print_error(format_args!("{COMMAND:?} is a part of starting a container, and no command\n"));
        return 1;
    };
    let mut answer = None;
    let error = match steps(inherited, &mut answer) {
        Err(error) => error,
        Ok(never) => match never {},
    };
    if let Some(answer) = answer {
        channel::report(answer.borrow(), &error);
    }
    match error {
        Error::Program { code, .. } => code,
        _ => 1,
    }
}

impl Inherited {
    fn take(arguments: &[&CStr]) -> Option<Self> {
        let mut all = arguments.iter().map(|text| {
            let number: i32 = text.to_str().ok()?.parse().ok()?;
            // Numbers of those that are no descriptors fail here.
            let open = number > 2 && fs::close_on_exec(BorrowedFd::standing(number)).is_ok();
            open.then(|| Fd::from_raw(number))
        });
        Some(Self { channel: all.next()??, start: all.next()?, console: all.next()?, listener: all.next()? })
    }
}

/// `answer` is set to the descriptor on which an error is told at each point.
fn steps(inherited: Inherited, answer: &mut Option<Fd>) -> Result<core::convert::Infallible, Error> {
    let Inherited { channel, start, mut console, listener } = inherited;
    let channel = &*answer.insert(channel);
    let message = channel::receive(channel.borrow())?;
    let mut job = message.and_then(|message| take_job(&message)).ok_or_else(no_job)?;
    if !job.wait {
        prepare(&job, console)?;
        process::signal_on_parents_death(0).about(|| "prctl(PR_SET_PDEATHSIG)")?;
        return become_program(&job, listener.as_ref());
    }
    // It must be known now what cannot run later.
    prepare(&job, console.take())?;
    process::signal_on_parents_death(0).about(|| "prctl(PR_SET_PDEATHSIG)")?;
    channel::send(channel.borrow(), Kind::Ready, &[], &[]).about(|| "tell the command")?;
    let start = start.ok_or_else(no_job)?;
    loop {
        drop(answer.take());
        let connection = &*answer.insert(socket::accept(start.borrow()).about(|| "wait for the start")?);
        if take_start(connection.borrow(), &mut job)? {
            return become_program(&job, listener.as_ref());
        }
    }
}

/// What one command that connected wants of the waiting process; whether it is to start now. What is refused before
/// anything has changed is told, and the process waits on: for another try, or its end.
fn take_start(connection: BorrowedFd<'_>, job: &mut Job) -> Result<bool, Error> {
    let refuse = |error: &Error| channel::refuse(connection, error);
    match channel::receive(connection) {
        Ok(Some(message)) if message.kind == Kind::Go => {
            if job.has_process() {
                return Ok(true);
            }
            refuse(&Error::config("there is no process: start the container with --process"));
        }
        Ok(Some(message)) if message.kind == Kind::Job => {
            let Some(sent) = take_job(&message) else {
                refuse(&no_job());
                return Ok(false);
            };
            let next = sent.in_place_of(job);
            if let Err(error) = check(&next) {
                refuse(&error);
                return Ok(false);
            }
            let console = take_over(&message)?;
            prepare(&next, console)?;
            *job = next;
            if !job.wait {
                return Ok(true);
            }
            channel::send(connection, Kind::Ready, &[], &[]).about(|| "tell the command")?;
        }
        // A command that was stopped before it said anything, or that says what nobody understands.
        _ => {}
    }
    Ok(false)
}

fn no_job() -> Error {
    Error::Reported("the command that was to start the container has gone".into())
}

fn take_job(message: &Message) -> Option<Job> {
    if message.kind == Kind::Job { Job::decode(&message.content) } else { None }
}

/// Takes the standard input, output and error beside another job, and the socket for its terminal.
fn take_over(message: &Message) -> Result<Option<Fd>, Error> {
    let mut descriptors = message.descriptors.iter();
    for (number, fd) in (0..).zip(descriptors.by_ref().take(3)) {
        fs::duplicate_to(fd.borrow(), number).about(|| format!("take over descriptor {number}"))?;
    }
    descriptors.next().map(|fd| fs::duplicate(fd.borrow(), 3)).transpose().about(|| "take over the console socket")
}

/// What can be told before anything has changed.
fn check(job: &Job) -> Result<(), Error> {
    if !job.has_process() {
        return Ok(());
    }
    // A relative program is looked for from there, as it will be when it starts.
    identity::enter_directory(&job.process.cwd, job.first_process)?;
    program::find(&job.process).map(drop)
}

/// What can be done and checked before the start.
fn prepare(job: &Job, console: Option<Fd>) -> Result<(), Error> {
    let process = &job.process;
    if process.terminal {
        let console =
            console.ok_or_else(|| Error::config("process.terminal is true, but there is no console socket"))?;
        console::open(&console, process.console_size, job.first_process, process.user.uid)?;
    }
    if let Some(name) = &job.keyring {
        identity::join_keyring(name)?;
    }
    check(job)
}

/// What a container that was taken from a pool gets instead of the pool's.
fn take_names(job: &Job) -> Result<(), Error> {
    if let Some(name) = &job.host_name {
        process::set_host_name(name.as_bytes()).about(|| "sethostname")?;
    }
    if let Some(name) = &job.domain_name {
        process::set_domain_name(name.as_bytes()).about(|| "setdomainname")?;
    }
    if job.new_cgroup_namespace {
        process::unshare(CLONE_NEWCGROUP).about(|| "make the cgroup namespace anew")?;
    }
    Ok(())
}

/// The last steps, of which none may be missed, in the one order in which all are allowed.
fn become_program(job: &Job, listener: Option<&Fd>) -> Result<core::convert::Infallible, Error> {
    take_names(job)?;
    let process = &job.process;
    if !job.hooks.is_empty() {
        hooks::run("startContainer", &job.hooks, &job.hook_state)?;
    }
    // Before any filter, which need not know these calls; what is opened from here on is closed by itself.
    let first = 3 + i32::try_from(job.kept_descriptors).unwrap_or(0);
    fs::close_on_exec_from(first).about(|| "close descriptors on exec")?;
    for number in 3..first {
        let _ = fs::stay_open_on_exec(BorrowedFd::standing(number));
    }
    identity::set_scheduling(job)?;
    if job.set_limits {
        identity::set_limits(0, &process.rlimits)?;
    }
    identity::set_labels(process)?;
    let mut checked = false;
    if process.no_new_privileges {
        security::set_no_new_privileges().about(|| "prctl(PR_SET_NO_NEW_PRIVS)")?;
    } else {
        // Afterwards this process has no right to. The filter need not allow a look at where we are.
        checked = job.filter.is_some() && identity::check_directory(&process.cwd, false).is_ok();
        install_filter(job, listener)?;
    }
    identity::become_user(job)?;
    identity::set_umask(process.user.umask);
    // Again: the user may not be allowed where root was, or root where the user is.
    identity::check_directory(&process.cwd, checked)?;
    let environment = program::environment(process);
    let path = program::find(process)?;
    signal::block(signal::Set::none()).about(|| "unblock signals")?;
    signal::reset_all();
    if process.no_new_privileges {
        // As late as it can be: it need not allow what is done above.
        install_filter(job, listener)?;
    }
    let errno = process::execute(&path, &process.args, &environment);
    Err(program::cannot_run(process, errno))
}

fn install_filter(job: &Job, listener: Option<&Fd>) -> Result<(), Error> {
    let Some(filter) = &job.filter else { return Ok(()) };
    let flags = filter.flags | if filter.notifies { NEW_LISTENER } else { 0 };
    let notifications = security::install_filter(&filter.program, flags).about(|| "install the seccomp filter")?;
    if let (Some(notifications), Some(listener)) = (notifications, listener) {
        let all: Vec<BorrowedFd<'_>> = [notifications.borrow()].into();
        socket::send_all(listener.borrow(), job.state.as_bytes(), &all)
            .about(|| "send the seccomp listener its descriptor")?;
    }
    Ok(())
}
