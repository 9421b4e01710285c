//! Taking a container from a pool: its directory is renamed to the wanted ID, it moves to another cgroup if it has to, and
//! its waiting process gets the wanted job.

use super::{CONFIG, fit, keeper};
use crate::channel::{self, Kind};
use crate::commands::{connect_start, remove};
use crate::create::{self, Created, Request, from_cgroup};
use crate::error::{About, Error};
use crate::making;
use crate::state::{Directory, Document, START_SOCKET, State};
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use cgroup::{Driver, Group};
use kernel::process::{CLONE_NEWCGROUP, CLONE_NEWUSER, CLONE_NEWUTS};
use kernel::{BorrowedFd, Errno, Fd, clock, fs};
use runtime_spec::{Config, LIMIT, Node, Resources};

/// Why nothing was taken from a pool.
pub(crate) enum Refused {
    /// Nothing is ready.
    Empty,
    /// This field of the configuration is not as it is in what is ready.
    Differs(String),
}

/// Takes a container, or says why the wanted one has to be made from the start.
pub(crate) fn take(request: &Request<'_>, pool: &str) -> Result<Result<Created, Refused>, Error> {
    let config = &request.bundle.config;
    if request.no_pivot || request.no_new_keyring || request.kept_descriptors > 0 {
        return Ok(Err(Refused::Differs("--no-pivot, --no-new-keyring or --preserve-fds".into())));
    }
    let place = request.root.pool(pool)?;
    let mut refused = Refused::Empty;
    for id in place.ids()?.iter().filter(|id| !id.contains('.')) {
        // It may be taken, or removed, at this moment.
        let Ok(found) = place.find(id) else { continue };
        let Ok(Some(state)) = found.read() else { continue };
        let Some(process) = state.process() else { continue };
        let resources = match judge(request, &found, &state) {
            Ok(resources) => resources,
            Err(field) => {
                refused = Refused::Differs(field);
                continue;
            }
        };
        let Ok(keeper) = keeper::connect(&found) else { continue };
        // A service that removes it at this moment has the lock.
        if !found.try_lock() {
            continue;
        }
        let directory = match found.rename(request.root, request.id) {
            Ok(directory) => directory,
            Err(Error::NoContainer(_)) => continue,
            Err(error) => return Err(error),
        };
        let moves = fit::needs_other_group(config, &resources)
            || Group::from_json(&state.cgroup.0)
                .is_ok_and(|group| group.unit().is_some() != (request.driver == Driver::Systemd) && !group.is_none());
        let mut taken = Taken {
            request,
            directory,
            state: state_for(request, &state),
            group: Group::from_json(&state.cgroup.0).map_err(from_cgroup)?,
            process,
            moved: false,
        };
        return match taken.adapt(moves).and_then(|()| taken.give_job()) {
            Ok(()) => {
                let Taken { directory, state, group, process, .. } = taken;
                Ok(Ok(Created { directory, state, group, process, keeper: Some(keeper) }))
            }
            Err(error) => {
                if let Err(error) = remove(request.log, taken.directory, true) {
                    request.log.warning(&error);
                }
                Err(error)
            }
        };
    }
    Ok(Err(refused))
}

/// Whether what is ready fits, by the configuration that it was made from; and that one's limits.
fn judge(request: &Request<'_>, found: &Directory, state: &State) -> Result<Resources, String> {
    let wanted = &request.bundle.config;
    let text = fs::read_file(found.fd.borrow(), CONFIG, LIMIT).map_err(|_| String::from("config.json"))?;
    let ready_bundle = CString::new(state.bundle.as_str()).unwrap_or_default();
    let resources = if text == request.bundle.text && ready_bundle == request.bundle.path {
        fit::check(wanted)?;
        wanted.linux.resources.clone()
    } else {
        let ready = json::parse(&text).map_err(|error| format!("config.json: {error}"))?;
        let ready = Config::read(&Node::document(&ready)).map_err(|error| format!("config.json: {error}"))?;
        fit::fits((wanted, &request.bundle.path), (&ready, &ready_bundle))?;
        ready.linux.resources
    };
    if fit::needs_other_group(wanted, &resources) && fit::mounts_group(wanted) {
        return Err("linux.cgroupsPath or linux.resources, and the cgroup is mounted".into());
    }
    Ok(resources)
}

fn state_for(request: &Request<'_>, ready: &State) -> State {
    let config = &request.bundle.config;
    State {
        id: request.id.into(),
        oci_version: config.oci_version.clone(),
        bundle: request.bundle.path.to_string_lossy().into_owned(),
        created: clock::stamp(),
        annotations: config.annotations.clone(),
        poststart: config.hooks.poststart.clone(),
        poststop: config.hooks.poststop.clone(),
        ..ready.clone()
    }
}

/// A container that has been taken, and is being made the wanted one.
struct Taken<'a> {
    request: &'a Request<'a>,
    directory: Directory,
    state: State,
    group: Group,
    process: Fd,
    /// It is in another cgroup than when it was made.
    moved: bool,
}

impl Taken<'_> {
    /// The state, and the cgroup.
    fn adapt(&mut self, moves: bool) -> Result<(), Error> {
        if !moves {
            return self.directory.write(&self.state);
        }
        let before = core::mem::replace(&mut self.state.cgroup, Document(json::Value::Null));
        let mut group = create::plan_group(self.request)?;
        self.state.cgroup = Document(group.to_json());
        // Whatever happens now, a delete finds both.
        self.state.cgroup_before = Some(before);
        self.directory.write(&self.state)?;
        let resources = &self.request.bundle.config.linux.resources;
        let process = group.needs_process().then_some(self.state.pid);
        group.create(resources, process).map_err(from_cgroup)?;
        create::attach(self.state.pid, self.request.log, || group.attach(self.state.pid))?;
        core::mem::replace(&mut self.group, group).remove().map_err(from_cgroup)?;
        self.moved = true;
        self.state.cgroup = Document(self.group.to_json());
        self.state.cgroup_before = None;
        self.directory.write(&self.state)
    }

    fn give_job(&self) -> Result<(), Error> {
        let Self { request, state, .. } = self;
        let config = &request.bundle.config;
        let mut process = config.process.clone().unwrap_or_default();
        process.exec_cpu_affinity = None;
        let users = state.namespaces & CLONE_NEWUSER != 0;
        making::set_from_outside(state.pid, &process, users)?;
        let mut job = making::job_for(request, process, state)?;
        job.set_limits = !users;
        job.new_cgroup_namespace = self.moved && state.namespaces & CLONE_NEWCGROUP != 0;
        let named = state.namespaces & CLONE_NEWUTS != 0;
        job.host_name = config.hostname.clone().filter(|_| named);
        job.domain_name = config.domainname.clone().filter(|_| named);
        let mut descriptors: Vec<BorrowedFd<'_>> = (0..3).map(BorrowedFd::standing).collect();
        descriptors.extend(request.console.as_ref().map(Fd::borrow));
        let connection = connect_start(&self.directory)?;
        channel::send(connection.borrow(), Kind::Job, &job.encode(), &descriptors)
            .about(|| "give the container its process")?;
        match channel::receive(connection.borrow())? {
            Some(message) if message.kind == Kind::Ready && request.wait => Ok(()),
            Some(message) => Err(making::failure(&message)),
            None if request.wait => Err(Error::Reported("the container ended before it was ready".into())),
            // Closed when the process has become the program.
            None => match fs::remove(self.directory.fd.borrow(), START_SOCKET, 0) {
                Ok(()) | Err(Errno::ENOENT) => Ok(()),
                Err(errno) => Err(Error::system("remove the start socket", errno)),
            },
        }
    }
}
