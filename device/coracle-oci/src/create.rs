//! Making a container, as seen by the command: its directory, its cgroup, its first process, what that process asks for, and
//! the job that it gets. Whatever fails, nothing is left.

use crate::bundle::Bundle;
use crate::cgroup_mounts::{self, CgroupMounts};
use crate::child::{self, Passed, Setup};
use crate::error::{About, Error};
use crate::hooks;
use crate::id_map;
use crate::log::Log;
use crate::making::Making;
use crate::namespaces::Namespaces;
use crate::network::Moved;
use crate::rdt::Rdt;
use crate::rootfs::{self, Change};
use crate::state::{Directory, Document, Root, START_SOCKET, State, Status};
use alloc::format;
use alloc::vec::Vec;
use cgroup::{Driver, Group, Layout};
use core::ffi::CStr;
use kernel::process::{self, CLONE_NEWCGROUP, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWTIME, CLONE_NEWUSER, Clone, Side};
use kernel::schedule::{self, Scheduling};
use kernel::{CWD, Errno, Fd, clock, fs, signal, socket, user};
use runtime_spec::NamespaceKind;

/// Where cgroups are mounted on every system.
const CGROUP_ROOT: &str = "/sys/fs/cgroup";
/// Processors of a container's process, `0-3,7`, where process.json says nothing.
pub(crate) const CPUS: &str = "org.coracle.cpus";

/// What to make.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) id: &'a str,
    /// Names its cgroup where the configuration does not.
    pub(crate) group: &'a str,
    pub(crate) bundle: &'a Bundle,
    pub(crate) root: &'a Root,
    pub(crate) log: &'a Log,
    pub(crate) driver: Driver,
    /// Stop before the program starts, until `start` says so.
    pub(crate) wait: bool,
    /// Connected to who takes the terminal.
    pub(crate) console: Option<Fd>,
    pub(crate) no_pivot: bool,
    pub(crate) no_new_keyring: bool,
    /// This program has been executed from a mount of its own.
    pub(crate) protected: bool,
    /// Descriptors from 3 up that the program gets.
    pub(crate) kept_descriptors: u32,
    /// Whatever the configuration says, the process is given later.
    pub(crate) without_process: bool,
}

/// A container that has been made.
#[derive(Debug)]
pub(crate) struct Created {
    /// Its directory, locked.
    pub(crate) directory: Directory,
    pub(crate) state: State,
    pub(crate) group: Group,
    /// Its first process.
    pub(crate) process: Fd,
    /// To who is the parent of that, when this command is not: of a container from a pool.
    pub(crate) keeper: Option<Fd>,
}

/// Makes a container.
pub(crate) fn create(request: &Request<'_>) -> Result<Created, Error> {
    let config = &request.bundle.config;
    for name in config.process.iter().flat_map(|process| process.capabilities.iter()).flat_map(|sets| &sets.unknown) {
        request.log.warning(format_args!("unknown capability {name} is left out"));
    }
    let namespaces = Namespaces::open(&config.linux)?;
    let mut cgroup = plan_group(request)?;
    let rdt = config.linux.intel_rdt.as_ref().map(|rdt| Rdt::plan(rdt, request.id)).transpose()?;
    let directory = request.root.create(request.id)?;
    let mut state = State {
        id: request.id.into(),
        oci_version: config.oci_version.clone(),
        bundle: request.bundle.path.to_string_lossy().into_owned(),
        rootfs: request.bundle.root.to_string_lossy().into_owned(),
        created: clock::stamp(),
        owner: user::effective_user_id(),
        annotations: config.annotations.clone(),
        namespaces: namespaces.all(),
        poststart: config.hooks.poststart.clone(),
        poststop: config.hooks.poststop.clone(),
        cgroup: Document(cgroup.to_json()),
        keyring: !request.no_new_keyring,
        rdt: rdt.as_ref().and_then(Rdt::to_remove),
        ..State::default()
    };
    let mut parts = Parts { started: None, moved: None, rdt, group_of_others: false };
    let made = make(request, &namespaces, &mut cgroup, &directory, &mut state, &mut parts);
    match made {
        Ok(()) => {
            let process =
                parts.started.ok_or_else(|| Error::Reported("the container's process is not there".into()))?;
            Ok(Created { directory, state, group: cgroup, process, keeper: None })
        }
        Err(error) => {
            let warn = |undone: Result<(), Error>| {
                if let Err(error) = undone {
                    request.log.warning(format_args!("{error}"));
                }
            };
            if let Some(process) = parts.started {
                let _ = process::send_signal(process.borrow(), signal::SIGKILL as i32);
                let _ = process::wait_for(process.borrow());
            }
            warn(parts.moved.map_or(Ok(()), Moved::undo));
            if !parts.group_of_others {
                warn(cgroup.kill_all().and_then(|_| cgroup.remove()).map_err(from_cgroup));
            }
            warn(parts.rdt.map_or(Ok(()), Rdt::undo));
            warn(directory.remove());
            if state.pid != 0 {
                // As after any other end of a container.
                let told = format!("{}", json::object(state.document(Status::Stopped)));
                hooks::run_all("poststop", &state.poststop, &told, request.log);
            }
            Err(error)
        }
    }
}

/// Where the container's cgroups are to be.
pub(crate) fn plan_group(request: &Request<'_>) -> Result<Group, Error> {
    Group::plan(&cgroup::Request {
        id: request.group,
        cgroups_path: request.bundle.config.linux.cgroups_path.as_deref(),
        driver: request.driver,
        rootless: user::effective_user_id() != 0,
        user: user::effective_user_id(),
        layout: Layout::find(CGROUP_ROOT).map_err(from_cgroup)?,
    })
    .map_err(from_cgroup)
}

/// Moves a process into a group by `enter`. Where real-time tasks have group scheduling (version 1), none may enter a group that has
/// no real time of its own: then it goes without the policy that it only has because its caller has it.
pub(crate) fn attach(pid: i32, log: &Log, enter: impl Fn() -> cgroup::Result<()>) -> Result<(), Error> {
    let refused = match enter() {
        Err(error) if error.errno() == Some(Errno::EINVAL) && schedule::is_real_time(pid) => error,
        done => return done.map_err(from_cgroup),
    };
    schedule::set_scheduling(pid, &Scheduling::default()).about(|| "take the real-time scheduling from the process")?;
    enter().map_err(from_cgroup)?;
    log.warning(format_args!(
        "the caller's real-time scheduling is not passed on, since the cgroup has no linux.resources.cpu.realtimeRuntime: {refused}"
    ));
    Ok(())
}

pub(crate) fn from_cgroup(error: cgroup::Error) -> Error {
    Error::Reported(format!("{error}"))
}

/// What has to be undone when the rest fails, beside cgroup and directory.
#[derive(Debug)]
struct Parts {
    /// Set as soon as there is a process to be ended.
    started: Option<Fd>,
    /// Network interfaces, once they are the container's.
    moved: Option<Moved>,
    rdt: Option<Rdt>,
    /// The cgroup was there, and is somebody else's: neither its processes nor the group are ours to end.
    group_of_others: bool,
}

fn create_group(
    group: &mut Group,
    resources: &runtime_spec::Resources,
    process: Option<i32>,
    parts: &mut Parts,
) -> Result<Option<Fd>, Error> {
    group.create(resources, process).map_err(|error| {
        parts.group_of_others = matches!(error, cgroup::Error::InUse { .. } | cgroup::Error::Frozen { .. });
        from_cgroup(error)
    })
}

/// All steps.
fn make(
    request: &Request<'_>,
    namespaces: &Namespaces,
    cgroup: &mut Group,
    directory: &Directory,
    state: &mut State,
    parts: &mut Parts,
) -> Result<(), Error> {
    let config = &request.bundle.config;
    directory.write_first(state)?;
    let resources = &config.linux.resources;
    // systemd makes no scope without a process in it: then the process comes first, and waits.
    let process_first = cgroup.needs_process();
    let entry = if process_first { None } else { create_group(cgroup, resources, None, parts)? };
    if let Some(rdt) = &mut parts.rdt {
        rdt.make()?;
    }
    process::set_dumpable(false).about(|| "prctl(PR_SET_DUMPABLE)")?;
    let start = request.wait.then(|| listen(directory)).transpose()?;
    let listener = connect_listener(request)?;
    let new_users = namespaces.new & CLONE_NEWUSER != 0;
    // Maps of users are written through the host's procfs, by a process that it knows.
    let mapped = config.mounts.iter().any(|mount| !mount.uid_mappings.is_empty() || !mount.gid_mappings.is_empty());
    let sources = if mapped || namespaces.all() & CLONE_NEWUSER != 0 {
        rootfs::open_sources(config, || user_namespace_for_mounts(config))?
    } else {
        Vec::new()
    };
    let cgroup_mounts = cgroup_mounts(config, cgroup);
    let change = match (namespaces.all() & CLONE_NEWNS != 0, request.no_pivot) {
        (false, _) => Change::Chroot,
        (true, true) => Change::Move,
        (true, false) => Change::Pivot,
    };
    let (own_end, other_end) = socket::pair(socket::MESSAGES).about(|| "socketpair")?;
    let wait_first = entry.is_none() && !cgroup.is_none();
    let two_steps = namespaces.needs_two_steps();
    // Without a user namespace, which would have to own it, the network namespace can be made while the process is at its root.
    let network_follows = namespaces.new & CLONE_NEWNET != 0 && namespaces.all() & CLONE_NEWUSER == 0 && !two_steps;
    let later = CLONE_NEWCGROUP | CLONE_NEWTIME | if network_follows { CLONE_NEWNET } else { 0 };
    let clone = Clone {
        namespaces: namespaces.new & if two_steps { CLONE_NEWUSER } else { !later },
        cgroup: entry.as_ref().map(Fd::borrow),
        ..Clone::default()
    };
    let pid_namespace = join_pid_namespace(namespaces, two_steps)?;
    let side = clone.start();
    // In this process alone, not in the child: for hooks, which are this process's children, too.
    if let (Some(own), Ok(Side::Parent { .. })) = (pid_namespace, &side) {
        process::enter(own.borrow(), process::CLONE_NEWPID).about(|| "go back to the runtime's PID namespace")?;
    }
    match side.about(|| "make the container's process")? {
        Side::Child => {
            drop(own_end);
            let creating = |pid| {
                let told = State { pid, ..state.clone() };
                format!("{}", json::object(told.document(Status::Creating)))
            };
            child::run(&Setup {
                config,
                root: &request.bundle.root,
                namespaces,
                sources: &sources,
                cgroup_mounts: &cgroup_mounts,
                change,
                channel: &other_end,
                network_follows,
                passed: Passed {
                    start: start.as_ref(),
                    console: request.console.as_ref(),
                    listener: listener.as_ref(),
                },
                wait_first,
                state: &creating,
            })
        }
        Side::Parent { pid, handle } => {
            drop(other_end);
            parts.started = Some(handle);
            if process_first {
                create_group(cgroup, resources, Some(pid), parts)?;
            }
            if entry.is_none() {
                attach(pid, request.log, || cgroup.attach(pid))?;
            }
            state.cgroup = Document(cgroup.to_json());
            let mut made = Making { request, directory, state, channel: own_end, pid, groups_denied: false };
            if !new_users && wait_first {
                made.go_on()?;
            }
            made.answer(u32::from(new_users) + u32::from(two_steps), &mut parts.started)?;
            if let Some(rdt) = &parts.rdt {
                rdt.assign(made.pid)?;
            }
            let network = network_follows.then(new_network_namespace).transpose()?;
            // Before the process sets parameters of interfaces, and before hooks.
            parts.moved = made.move_devices(network.as_ref(), namespaces)?;
            made.equip(network.as_ref())?;
            let hooks = &config.hooks;
            made.answer(u32::from(!hooks.prestart.is_empty() || !hooks.create_runtime.is_empty()), &mut parts.started)?;
            made.give_job(&mut parts.started)
        }
    }
}

/// Children of this process come into the PID namespace that is joined; gives the one to come back to.
fn join_pid_namespace(namespaces: &Namespaces, two_steps: bool) -> Result<Option<Fd>, Error> {
    let Some((_, joined)) = namespaces.joined.iter().find(|(kind, _)| *kind == NamespaceKind::Pid && !two_steps) else {
        return Ok(None);
    };
    let own = fs::open(CWD, c"/proc/self/ns/pid", fs::O_RDONLY, 0).about(|| "open /proc/self/ns/pid")?;
    process::enter(joined.borrow(), process::CLONE_NEWPID).about(|| "join the PID namespace")?;
    Ok(Some(own))
}

/// A new network namespace; this process is in its own again afterwards, which its hooks expect.
fn new_network_namespace() -> Result<Fd, Error> {
    let open = || fs::open(CWD, c"/proc/self/ns/net", fs::O_RDONLY, 0).about(|| "open /proc/self/ns/net");
    let own = open()?;
    process::unshare(CLONE_NEWNET).about(|| "make the network namespace")?;
    let made = open();
    process::enter(own.borrow(), CLONE_NEWNET).about(|| "go back to the runtime's network namespace")?;
    made
}

/// Where `start` connects to. Its path may be long: it is named from the directory.
fn listen(directory: &Directory) -> Result<Fd, Error> {
    directory.inside(|| socket::listen(socket::MESSAGES, START_SOCKET)).about(|| "listen for the start")
}

fn connect_listener(request: &Request<'_>) -> Result<Option<Fd>, Error> {
    let seccomp = request.bundle.config.linux.seccomp.as_ref();
    let path = seccomp.and_then(|seccomp| seccomp.listener_path.as_deref());
    let connect = |path: &CStr| {
        socket::connect(socket::STREAM, path)
            .about(|| format!("failed to connect with seccomp agent {}", path.to_string_lossy()))
    };
    path.map(connect).transpose()
}

/// The container's user namespace does not exist yet when its mounts are prepared: one with the same maps does as well.
fn user_namespace_for_mounts(config: &runtime_spec::Config) -> Result<Fd, Error> {
    let joined = config.linux.namespace(NamespaceKind::User).and_then(|namespace| namespace.path.as_ref());
    match joined {
        Some(path) => fs::open(CWD, path, fs::O_RDONLY, 0).about(|| "open the user namespace"),
        None => id_map::namespace_of(&config.linux.uid_mappings, &config.linux.gid_mappings),
    }
}

/// What is mounted where the configuration has a mount of type `cgroup`.
fn cgroup_mounts(config: &runtime_spec::Config, cgroup: &Group) -> CgroupMounts {
    let mount = config.mounts.iter().find(|mount| mount.kind.as_deref() == Some(c"cgroup"));
    let own_namespace = config.linux.namespace(NamespaceKind::Cgroup).is_some();
    mount.map(|mount| cgroup_mounts::plan(mount, cgroup, own_namespace)).unwrap_or_default()
}
