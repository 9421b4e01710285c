//! `exec`: another program in a running container.

use super::create::kept_descriptors;
use super::{Container, Context};
use crate::arguments::{self, Given, Known, flag, value};
use crate::bundle;
use crate::channel::{self, Kind};
use crate::child::{self, Passed, Program};
use crate::create::{self, from_cgroup};
use crate::error::{About, Error};
use crate::filter;
use crate::foreground::{self, Terminal};
use crate::job::Job;
use crate::log::Log;
use crate::making;
use crate::state::Status;
use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use kernel::process::{self, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, Clone, Side};
use kernel::{BorrowedFd, CWD, Fd, fs, mount, schedule, signal, socket};
use runtime_spec::{Capabilities, Config, Node, Process};

const OPTIONS: &[Known] = &[
    value("process", Some('p')),
    value("console-socket", None),
    value("pid-file", None),
    value("cwd", None),
    value("env", Some('e')),
    value("user", Some('u')),
    value("additional-gids", Some('g')),
    value("cap", Some('c')),
    value("process-label", None),
    value("apparmor", None),
    value("preserve-fds", None),
    value("cgroup", None),
    flag("tty", Some('t')),
    flag("detach", Some('d')),
    flag("no-new-privs", None),
    flag("ignore-paused", None),
];

/// Its own failures have an exit code that programs do not often have.
const FAILED: i32 = 255;

pub(super) fn run(context: &Context<'_>) -> Result<i32, Error> {
    match execute(context) {
        Err(Error::Usage(what)) => Err(Error::Usage(what)),
        Err(error) => {
            context.log.error(format_args!("exec failed: {error}"));
            Ok(FAILED)
        }
        done => done,
    }
}

fn execute(context: &Context<'_>) -> Result<i32, Error> {
    let given = arguments::read(context.arguments, OPTIONS, Some(1))?;
    let (id, words) = given.id_and_words()?;
    let words = words.strip_prefix(&[c"--"]).unwrap_or(words);
    let container = Container::find(context, id)?;
    match container.status() {
        Status::Running | Status::Created => {}
        Status::Paused if given.has("ignore-paused") => {}
        Status::Paused => {
            return Err(Error::Reported("cannot exec in a paused container (use --ignore-paused to override)".into()));
        }
        _ => return Err(container.cannot("run another program")),
    }
    if container.state.namespaces & (CLONE_NEWPID | CLONE_NEWUSER) == CLONE_NEWPID {
        context.go_on_protected()?;
    }
    let config = read_config(&container)?;
    let process = process_of(&given, words, config.process.clone(), &context.log)?;
    let detach = given.has("detach");
    let console = given.get("console-socket").map(foreground::connect_console).transpose()?;
    if detach && process.terminal && console.is_none() {
        return Err(Error::Usage("a terminal with --detach needs --console-socket".into()));
    }
    let (receiver, console) = foreground::console_ends(process.terminal, console)?;
    let console = console.filter(|_| process.terminal);
    let watch = (!detach).then(foreground::Watch::begin).transpose()?;
    let (cgroup, log) = (given.text("cgroup")?, &context.log);
    let entering =
        Entering { protected: context.protected, container: &container, cgroup, log, console: console.as_ref() };
    let mut job = job_for(&config, process, kept_descriptors(&given, context)?)?;
    // Otherwise it would have the keys of whoever calls.
    job.keyring = container.state.keyring.then(|| CString::new(id).unwrap_or_default());
    let (pid, handle) = entering.start(job)?;
    drop(console);
    super::write_pid_file(&given, CWD, pid)?;
    let Some(watch) = watch else { return Ok(0) };
    let terminal = receiver.map(|receiver| Terminal::receive(receiver.borrow())).transpose()?;
    watch.until_end(pid, &handle, None, terminal)
}

/// The configuration that the container was made from.
fn read_config(container: &Container) -> Result<Config, Error> {
    let path = format!("{}/config.json", container.state.bundle);
    let c_path = CString::new(path.as_str()).unwrap_or_default();
    let value = bundle::read_json(&c_path)?;
    Config::read(&Node::document(&value)).map_err(|error| Error::Document { file: path, what: format!("{error}") })
}

/// The process: of a process.json, or the container's with other arguments.
fn process_of(
    given: &Given,
    words: &[&'static core::ffi::CStr],
    own: Option<Process>,
    log: &Log,
) -> Result<Process, Error> {
    if let Some(file) = given.get("process") {
        return bundle::read_process(file);
    }
    let mut process = own.unwrap_or_else(|| Process { cwd: c"/".into(), ..Process::default() });
    process.args = words.iter().map(|word| (*word).into()).collect();
    if process.args.is_empty() {
        return Err(Error::Usage("the program to run is missing".into()));
    }
    process.terminal = given.has("tty");
    process.console_size = None;
    for pair in given.all("env") {
        let name = |pair: &[u8]| pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
        let given = pair.to_bytes();
        let same = |known: &CString| known.as_bytes().get(..name(known.as_bytes())) == given.get(..name(given));
        process.env.retain(|known| !same(known));
        process.env.push(pair.into());
    }
    if let Some(cwd) = given.get("cwd") {
        process.cwd = cwd.into();
    }
    if given.has("no-new-privs") {
        process.no_new_privileges = true;
    }
    if let Some(label) = given.text("process-label")? {
        process.selinux_label = Some(label.into());
    }
    if let Some(profile) = given.text("apparmor")? {
        process.apparmor_profile = Some(profile.into());
    }
    set_user(&mut process, given)?;
    add_capabilities(&mut process, given, log);
    Ok(process)
}

fn set_user(process: &mut Process, given: &Given) -> Result<(), Error> {
    let number = |text: &str| text.parse::<u32>().map_err(|_| Error::Usage(format!("--user: {text:?} is no number")));
    if let Some(text) = given.text("user")? {
        let (uid, gid) = text.split_once(':').map_or((text, None), |(uid, gid)| (uid, Some(gid)));
        process.user.uid = number(uid)?;
        if let Some(gid) = gid {
            process.user.gid = number(gid)?;
        }
    }
    for text in given.all("additional-gids") {
        let text = text.to_str().unwrap_or_default();
        for part in text.split(',') {
            process
                .user
                .additional_gids
                .push(part.parse().map_err(|_| Error::Usage(format!("--additional-gids: {part:?} is no number")))?);
        }
    }
    Ok(())
}

fn add_capabilities(process: &mut Process, given: &Given, log: &Log) {
    for name in given.all("cap") {
        let bit = name.to_str().ok().and_then(runtime_spec::capability);
        let Some(bit) = bit else {
            log.warning(format_args!("--cap: unknown capability {} is left out", name.to_string_lossy()));
            continue;
        };
        let sets = process.capabilities.get_or_insert_with(Capabilities::default);
        for set in [&mut sets.effective, &mut sets.bounding, &mut sets.permitted] {
            *set |= 1 << bit;
        }
        // As runc does it: the ambient set only follows what can be inherited.
        if sets.inheritable != 0 {
            sets.inheritable |= 1 << bit;
            sets.ambient |= 1 << bit;
        }
    }
}

fn job_for(config: &Config, process: Process, kept_descriptors: u32) -> Result<Job, Error> {
    let filter = config.linux.seccomp.as_ref().map(filter::compile).transpose()?;
    if filter.as_ref().is_some_and(|filter| filter.notifies) {
        return Err(Error::config("linux.seccomp: SCMP_ACT_NOTIFY is possible for a container's first process only"));
    }
    Ok(Job {
        process,
        filter,
        personality: config.linux.personality,
        memory_policy: config.linux.memory_policy.clone(),
        kept_descriptors,
        ..Job::default()
    })
}

/// A process on its way into a container.
struct Entering<'a> {
    protected: bool,
    container: &'a Container,
    cgroup: Option<&'a str>,
    log: &'a Log,
    console: Option<&'a Fd>,
}

impl Entering<'_> {
    /// Starts it; comes back when it has become the program.
    fn start(&self, mut job: Job) -> Result<(i32, Fd), Error> {
        let state = &self.container.state;
        let first = state.process().ok_or_else(|| self.container.cannot("run another program"))?;
        process::set_dumpable(false).about(|| "prctl(PR_SET_DUMPABLE)")?;
        let program = Program::prepare(self.protected)?;
        if let Some(mask) = job.process.exec_cpu_affinity.as_ref().and_then(|affinity| affinity.initial.as_ref()) {
            schedule::set_affinity(0, mask).about(|| "set the initial processors")?;
        }
        let group = match self.cgroup {
            Some(name) => self.container.group.below(name).map_err(from_cgroup)?,
            None => self.container.group.clone(),
        };
        let entry = group.entry_beside(state.pid).map_err(from_cgroup)?;
        let (own_end, other_end) = socket::pair(socket::MESSAGES).about(|| "socketpair")?;
        // Nothing of the host's can be reached through a process that those in the container see, not even by one that may trace
        // it: so it comes into the PID namespace last.
        let two_steps = state.namespaces & (CLONE_NEWUSER | CLONE_NEWPID) != 0;
        let users = state.namespaces & CLONE_NEWUSER != 0;
        let kept = job.kept_descriptors;
        let clone = Clone { cgroup: entry.as_ref().map(Fd::borrow), ..Clone::default() };
        match clone.start().about(|| "make the process")? {
            Side::Child => {
                drop(own_end);
                let error = self.child(&first, &program, &other_end, two_steps.then_some(kept));
                channel::report(other_end.borrow(), &error);
                process::exit(1)
            }
            Side::Parent { pid, handle } => {
                drop(other_end);
                if entry.is_none() {
                    create::attach(pid, self.log, || group.attach_beside(pid, state.pid))?;
                }
                job.set_limits = !users;
                let (pid, handle) = if two_steps { Self::successor(&own_end, pid)? } else { (pid, handle) };
                if two_steps && entry.is_none() {
                    // It may have been made before its parent was moved.
                    create::attach(pid, self.log, || group.attach_beside(pid, state.pid))?;
                }
                making::set_from_outside(pid, &job.process, users)?;
                Self::give_job(&own_end, pid, handle, &job)
            }
        }
    }

    /// The process that goes on in the place of the first, which only enters namespaces.
    fn successor(channel: &Fd, first: i32) -> Result<(i32, Fd), Error> {
        let message = channel::receive(channel.borrow())?
            .ok_or_else(|| Error::Reported("the process ended before it was ready".into()))?;
        making::successor(&message, first)
    }

    fn give_job(channel: &Fd, pid: i32, handle: Fd, job: &Job) -> Result<(i32, Fd), Error> {
        channel::send(channel.borrow(), Kind::Job, &job.encode(), &[]).about(|| "give the process its job")?;
        match channel::receive(channel.borrow())? {
            None => Ok((pid, handle)),
            Some(message) => {
                let _ = process::send_signal(handle.borrow(), signal::SIGKILL as i32);
                let _ = process::wait(pid);
                Err(making::failure(&message))
            }
        }
    }

    /// Becomes the inside of the container; comes back only to say why not. In two steps when there is a number of descriptors
    /// that the program keeps.
    fn child(&self, first: &Fd, program: &Program, channel: &Fd, two_steps: Option<u32>) -> Error {
        let enter = || -> Result<(), Error> {
            process::signal_on_parents_death(signal::SIGKILL as i32).about(|| "prctl(PR_SET_PDEATHSIG)")?;
            let namespaces = self.container.state.namespaces;
            let root = (namespaces & CLONE_NEWNS == 0).then(|| self.open_root()).transpose()?;
            if namespaces != 0 {
                process::enter(first.borrow(), namespaces).about(|| "join the container's namespaces")?;
            }
            if namespaces & CLONE_NEWUSER != 0 {
                child::become_root()?;
            }
            if let Some(root) = &root {
                fs::change_directory_fd(root.borrow()).about(|| "change to the container's root")?;
                mount::change_root(c".").about(|| "chroot")?;
            }
            if let Some(kept) = two_steps {
                let own: Vec<BorrowedFd<'_>> =
                    [Some(channel), Some(&program.0), self.console].into_iter().flatten().map(Fd::borrow).collect();
                // Others are not used any more.
                let _ = fs::close_others(i32::try_from(kept.saturating_add(3)).unwrap_or(i32::MAX), &own);
                child::go_on_as_sibling(channel, 0)?;
                process::signal_on_parents_death(signal::SIGKILL as i32).about(|| "prctl(PR_SET_PDEATHSIG)")?;
            }
            process::new_session().about(|| "setsid")
        };
        if let Err(error) = enter() {
            return error;
        }
        program.execute(channel, &Passed { start: None, console: self.console, listener: None })
    }

    /// The root of a container without a mount namespace.
    fn open_root(&self) -> Result<Fd, Error> {
        let path = CString::new(format!("/proc/{}/root", self.container.state.pid)).unwrap_or_default();
        fs::open(CWD, &path, fs::O_PATH | fs::O_DIRECTORY, 0).about(|| "open the container's root")
    }
}
