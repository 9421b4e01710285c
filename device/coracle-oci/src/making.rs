//! The making of a container from the clone on: what its process asks the command for, what it is given, the job of its first
//! program, and what it says when it fails.

use crate::channel::{self, Kind};
use crate::child::Program;
use crate::create::{CPUS, Request};
use crate::error::{About, Error};
use crate::filter;
use crate::hooks;
use crate::id_map;
use crate::identity;
use crate::job::Job;
use crate::namespaces::Namespaces;
use crate::network::{self, Moved};
use crate::state::{self, Directory, State, Status};
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use kernel::process::{self, CLONE_NEWUSER};
use kernel::{CWD, Errno, Fd, fs};
use runtime_spec::{NamespaceKind, Process};

/// The state between the clone and the container's being made.
pub(crate) struct Making<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) directory: &'a Directory,
    pub(crate) state: &'a mut State,
    pub(crate) channel: Fd,
    pub(crate) pid: i32,
    pub(crate) groups_denied: bool,
}

impl Making<'_> {
    pub(crate) fn go_on(&self) -> Result<(), Error> {
        channel::send(self.channel.borrow(), Kind::Go, &[], &[]).about(|| "tell the container's process to go on")
    }

    /// Moves `linux.netDevices` to the container's network namespace: one that is new, joined, or made with the process.
    pub(crate) fn move_devices(&self, new: Option<&Fd>, namespaces: &Namespaces) -> Result<Option<Moved>, Error> {
        let devices = &self.request.bundle.config.linux.net_devices;
        if devices.is_empty() {
            return Ok(None);
        }
        let joined = namespaces.joined.iter().find(|(kind, _)| *kind == NamespaceKind::Network).map(|(_, fd)| fd);
        if let Some(namespace) = new.or(joined) {
            return network::move_devices(devices, namespace.borrow()).map(Some);
        }
        let path = format!("/proc/{}/ns/net", self.pid);
        match fs::open(CWD, &CString::new(path.as_str()).unwrap_or_default(), fs::O_RDONLY, 0) {
            // The process has failed before, and says so later.
            Err(Errno::ENOENT) => Ok(None),
            other => {
                let namespace = other.about(|| format!("open {path}"))?;
                network::move_devices(devices, namespace.borrow()).map(Some)
            }
        }
    }

    /// Gets ready what the process needs at the end of its first stage.
    pub(crate) fn equip(&self, network: Option<&Fd>) -> Result<(), Error> {
        let program = Program::prepare(self.request.protected)?;
        let mut descriptors = alloc::vec![program.fd()];
        descriptors.extend(network.map(Fd::borrow));
        // When the process has failed before, it says so later.
        let _ = channel::send(self.channel.borrow(), Kind::Equipment, &[], &descriptors);
        Ok(())
    }

    /// Answers what the process asks before it can take its job.
    pub(crate) fn answer(&mut self, mut questions: u32, started: &mut Option<Fd>) -> Result<(), Error> {
        let linux = &self.request.bundle.config.linux;
        while questions > 0 {
            questions -= 1;
            let Some(message) = channel::receive(self.channel.borrow())? else { return Err(self.ended(started)) };
            match message.kind {
                Kind::MapUsers => {
                    self.groups_denied = !id_map::write(self.pid, &linux.uid_mappings, &linux.gid_mappings)?;
                    self.go_on()?;
                }
                Kind::Successor => {
                    let (pid, handle) = successor(&message, self.pid)?;
                    self.pid = pid;
                    *started = Some(handle);
                }
                Kind::Hooks => {
                    self.record()?;
                    let hooks = &self.request.bundle.config.hooks;
                    let told = format!("{}", json::object(self.state.document(Status::Creating)));
                    hooks::run("prestart", &hooks.prestart, &told)?;
                    hooks::run("createRuntime", &hooks.create_runtime, &told)?;
                    self.go_on()?;
                }
                _ => return Err(failure(&message)),
            }
        }
        Ok(())
    }

    /// The container's directory knows the process from here on.
    fn record(&mut self) -> Result<(), Error> {
        if self.state.pid == self.pid {
            return Ok(());
        }
        self.state.pid = self.pid;
        self.state.pid_start = state::process_start(self.pid).unwrap_or(0);
        self.directory.write(self.state)
    }

    /// Sends the job; comes back when the container waits, or its program runs.
    pub(crate) fn give_job(&mut self, started: &mut Option<Fd>) -> Result<(), Error> {
        self.record()?;
        let config = &self.request.bundle.config;
        let user_namespace = self.state.namespaces & CLONE_NEWUSER != 0;
        let process = config.process.as_ref().filter(|_| !self.request.without_process);
        let mut process = process.cloned().unwrap_or_default();
        // Not for a container's first process, says the specification.
        process.exec_cpu_affinity = None;
        set_from_outside(self.pid, &process, user_namespace)?;
        let mut job = job_for(self.request, process, self.state)?;
        job.set_limits = !user_namespace;
        job.groups_denied = self.groups_denied;
        match channel::send(self.channel.borrow(), Kind::Job, &job.encode(), &[]) {
            // When it has failed before, it says so below.
            Ok(()) | Err(Errno::EPIPE | Errno::ECONNRESET) => {}
            Err(errno) => return Err(Error::system("give the container's process its job", errno)),
        }
        match channel::receive(self.channel.borrow())? {
            // Closed when the process has become the program.
            None if !self.request.wait => Ok(()),
            None => Err(self.ended(started)),
            Some(message) if message.kind == Kind::Ready => Ok(()),
            Some(message) => Err(failure(&message)),
        }
    }

    /// The process is gone without a word.
    fn ended(&self, started: &Option<Fd>) -> Error {
        let ending = started.as_ref().and_then(|process| process::wait_for(process.borrow()).ok());
        Error::Reported(format!("the container's process ended before it was ready ({ending:?})"))
    }
}

/// What the container's process said of its failure.
pub(crate) fn failure(message: &channel::Message) -> Error {
    let what = String::from_utf8_lossy(message.content.get(1..).unwrap_or_default()).into_owned();
    match (message.kind, message.content.first()) {
        (Kind::NoProgram | Kind::Refused, Some(&code)) if code != 0 => Error::Program { what, code: i32::from(code) },
        _ => Error::Reported(what),
    }
}

/// What a process is given by who makes it: how soon it is killed when memory runs out; and its limits where it is in a user
/// namespace, in which it could not raise them.
pub(crate) fn set_from_outside(pid: i32, process: &Process, user_namespace: bool) -> Result<(), Error> {
    if user_namespace {
        identity::set_limits(pid, &process.rlimits)?;
    }
    let Some(score) = process.oom_score_adj else { return Ok(()) };
    let path = format!("/proc/{pid}/oom_score_adj");
    let c_path = CString::new(path.as_str()).unwrap_or_default();
    fs::write_file(CWD, &c_path, format!("{score}").as_bytes()).about(|| format!("write {score} to {path}"))
}

/// The process that goes on in the place of the `first`, which has said so and ends.
pub(crate) fn successor(message: &channel::Message, first: i32) -> Result<(i32, Fd), Error> {
    if message.kind != Kind::Successor {
        return Err(failure(message));
    }
    let number = <[u8; 4]>::try_from(message.content.as_slice()).map(i32::from_le_bytes);
    let pid = number.map_err(|_| Error::Reported("the container's process has no number".into()))?;
    let _ = process::wait(first);
    Ok((pid, process::open_process(pid).about(|| "open the container's process")?))
}

/// The job of a container's first process.
pub(crate) fn job_for(request: &Request<'_>, process: Process, state: &State) -> Result<Job, Error> {
    let config = &request.bundle.config;
    let linux = &config.linux;
    let filter = linux.seccomp.as_ref().map(filter::compile).transpose()?;
    let annotation =
        |name: &str| config.annotations.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let affinity = annotation(CPUS).map(|list| {
        runtime_spec::numbers_as_bits(list)
            .ok_or_else(|| Error::config(format!("annotations.{CPUS}: {list:?} is no list such as 0-3,7")))
    });
    let hook_state = if config.hooks.start_container.is_empty() {
        String::new()
    } else {
        let seen_inside = State { pid: state::pid_inside(state.pid).unwrap_or(1), ..state.clone() };
        format!("{}", json::object(seen_inside.document(Status::Created)))
    };
    Ok(Job {
        hook_state,
        state: match filter.as_ref().filter(|filter| filter.notifies) {
            Some(filter) => listener_message(state, &filter.metadata),
            None => format!("{}", json::object(state.document(Status::Created))),
        },
        filter,
        hooks: config.hooks.start_container.clone(),
        wait: request.wait,
        personality: linux.personality,
        memory_policy: linux.memory_policy.clone(),
        kept_descriptors: request.kept_descriptors,
        affinity: affinity.transpose()?,
        keyring: (!request.no_new_keyring).then(|| CString::new(request.id).unwrap_or_default()),
        first_process: true,
        process,
        ..Job::default()
    })
}

/// `containerProcessState` of the specification, for the seccomp listener.
fn listener_message(state: &State, metadata: &str) -> String {
    let mut members = alloc::vec![
        ("ociVersion", state.oci_version.as_str().into()),
        ("fds", json::Value::Array(["seccompFd".into()].into())),
        ("pid", u64::from(state.pid.unsigned_abs()).into()),
    ];
    if !metadata.is_empty() {
        members.push(("metadata", metadata.into()));
    }
    members.push(("state", json::object(state.document(Status::Creating))));
    format!("{}", json::object(members))
}
