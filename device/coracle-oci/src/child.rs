//! The first stage of a container's process: a copy of the command that becomes the inside of the container step by step.
//! It ends by executing this program anew, from a mount that nobody can write to, with nothing of the host's in memory.

use crate::cgroup_mounts::CgroupMounts;
use crate::channel::{self, Kind};
use crate::error::{About, Error};
use crate::hooks;
use crate::namespaces::Namespaces;
use crate::rootfs::{self, Change, Plan, Sources};
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::OnceCell;
use core::ffi::CStr;
use kernel::process::{self, CLONE_NEWCGROUP, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWTIME, CLONE_NEWUSER, Clone, Side};
use kernel::{BorrowedFd, CWD, Fd, fs, signal, user};
use runtime_spec::Config;

/// What the stage is given, all of it from before the process was made.
pub(crate) struct Setup<'a> {
    /// The configuration.
    pub(crate) config: &'a Config,
    /// Absolute path of the root file system.
    pub(crate) root: &'a CStr,
    /// New and joined.
    pub(crate) namespaces: &'a Namespaces,
    /// Cloned before there was a user namespace.
    pub(crate) sources: &'a Sources,
    /// For mounts of type `cgroup`.
    pub(crate) cgroup_mounts: &'a CgroupMounts,
    /// How to change the root.
    pub(crate) change: Change,
    /// To the command.
    pub(crate) channel: &'a Fd,
    /// The command makes the network namespace meanwhile.
    pub(crate) network_follows: bool,
    /// Descriptors for the next stage.
    pub(crate) passed: Passed<'a>,
    /// Do not do anything before the command says so: it has to put this process into cgroups first.
    pub(crate) wait_first: bool,
    /// The state document for hooks in the container's namespaces, with a place for the process's number.
    pub(crate) state: &'a dyn Fn(i32) -> String,
}

/// Descriptors that the second stage inherits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passed<'a> {
    /// Where `start` connects to.
    pub(crate) start: Option<&'a Fd>,
    /// Where the terminal is sent to.
    pub(crate) console: Option<&'a Fd>,
    /// Where the seccomp listener's descriptor is sent to.
    pub(crate) listener: Option<&'a Fd>,
}

/// Runs the stage; comes back only to say why it could not go on.
pub(crate) fn run(setup: &Setup<'_>) -> ! {
    let error = match steps(setup) {
        Err(error) => error,
        Ok(never) => match never {},
    };
    channel::report(setup.channel.borrow(), &error);
    process::exit(1)
}

fn steps(setup: &Setup<'_>) -> Result<core::convert::Infallible, Error> {
    let namespaces = setup.namespaces;
    die_with_command(setup.channel)?;
    let new_users = namespaces.new & CLONE_NEWUSER != 0;
    if new_users {
        ask(setup.channel, Kind::MapUsers)?;
        become_root()?;
    } else if setup.wait_first {
        go(setup.channel)?;
    }
    if namespaces.needs_two_steps() {
        step_aside(setup)?;
        // It is another process that goes on here.
        die_with_command(setup.channel)?;
    } else {
        namespaces.enter()?;
    }
    if namespaces.new & CLONE_NEWCGROUP != 0 {
        // Not earlier: its root is where the process is now.
        process::unshare(CLONE_NEWCGROUP).about(|| "make the cgroup namespace")?;
    }
    let equipment = Equipment { channel: setup.channel, program: OnceCell::new() };
    if !setup.network_follows {
        equipment.program()?;
    }
    let proc = host_procfs()?;
    process::new_session().about(|| "setsid")?;
    let _ = fs::set_umask(0);
    if namespaces.all() & CLONE_NEWNS != 0 || setup.change == Change::Chroot {
        make_root(setup, proc.borrow(), &equipment)?;
    }
    if let Some(name) = &setup.config.hostname {
        process::set_host_name(name.as_bytes()).about(|| "sethostname")?;
    }
    if let Some(name) = &setup.config.domainname {
        process::set_domain_name(name.as_bytes()).about(|| "setdomainname")?;
    }
    let _ = fs::set_umask(0o022);
    drop(proc);
    Err(equipment.program()?.execute(setup.channel, &setup.passed))
}

fn make_root(setup: &Setup<'_>, proc: BorrowedFd<'_>, equipment: &Equipment<'_>) -> Result<(), Error> {
    let config = setup.config;
    let hooks = &config.hooks;
    let plan = Plan {
        config,
        root: setup.root,
        sources: setup.sources,
        user_namespace: setup.namespaces.all() & CLONE_NEWUSER != 0,
        cgroup_mounts: setup.cgroup_mounts,
        proc,
        network: &|| equipment.program().map(drop),
    };
    if setup.change == Change::Chroot {
        let root = fs::open(CWD, setup.root, fs::O_PATH | fs::O_DIRECTORY, 0).about(|| "open the root")?;
        return rootfs::enter(root.borrow(), Change::Chroot, None);
    }
    let root = rootfs::build(&plan)?;
    if !hooks.prestart.is_empty() || !hooks.create_runtime.is_empty() {
        ask(setup.channel, Kind::Hooks)?;
    }
    if !hooks.create_container.is_empty() {
        let state = (setup.state)(process::own_pid());
        hooks::run("createContainer", &hooks.create_container, &state)?;
    }
    rootfs::protect(config, root.borrow())?;
    rootfs::enter(root.borrow(), setup.change, config.linux.rootfs_propagation.as_deref())
}

/// What the command gets ready while this process makes the root: on a machine of two processors, a network namespace, which
/// takes as long as all mounts together, then costs no time.
struct Equipment<'a> {
    channel: &'a Fd,
    program: OnceCell<Program>,
}

impl Equipment<'_> {
    /// Waits for it, and enters the network namespace; the next stage's program.
    fn program(&self) -> Result<&Program, Error> {
        if let Some(program) = self.program.get() {
            return Ok(program);
        }
        let message = match channel::receive(self.channel.borrow())? {
            Some(message) if message.kind == Kind::Equipment => message,
            _ => process::exit(1),
        };
        let mut descriptors = message.descriptors.into_iter();
        let Some(program) = descriptors.next() else { process::exit(1) };
        if let Some(network) = descriptors.next() {
            process::enter(network.borrow(), CLONE_NEWNET).about(|| "enter the network namespace")?;
        }
        Ok(self.program.get_or_init(|| Program(program)))
    }
}

/// As long as the container is not complete, nothing of it outlives the command.
fn die_with_command(channel: &Fd) -> Result<(), Error> {
    process::signal_on_parents_death(signal::SIGKILL as i32).about(|| "prctl(PR_SET_PDEATHSIG)")?;
    // It may have ended before; then the other end of the channel is closed.
    match kernel::poll::poll(&[(channel.borrow(), kernel::poll::HANGUP)], Some(0)) {
        Ok(ready) if ready.first() == Some(&true) => process::exit(1),
        _ => Ok(()),
    }
}

/// Asks the command for something, and waits until it is done.
fn ask(channel: &Fd, kind: Kind) -> Result<(), Error> {
    channel::send(channel.borrow(), kind, &[], &[]).about(|| "tell the command")?;
    go(channel)
}

fn go(channel: &Fd) -> Result<(), Error> {
    match channel::receive(channel.borrow())? {
        Some(message) if message.kind == Kind::Go => Ok(()),
        _ => process::exit(1),
    }
}

/// Root of the new user namespace, and of no group but its own.
pub(crate) fn become_root() -> Result<(), Error> {
    user::set_group(0).about(|| "become group 0 of the user namespace")?;
    user::set_user(0).about(|| "become user 0 of the user namespace")?;
    // A change of the user has made it so, and the maps are written; those of the same user may not look in here.
    process::set_dumpable(false).about(|| "prctl(PR_SET_DUMPABLE)")
}

/// Joins and makes what has to be there before the container's process, and leaves the rest to a process of its own, whose
/// parent is the command.
fn step_aside(setup: &Setup<'_>) -> Result<(), Error> {
    let namespaces = setup.namespaces;
    namespaces.enter()?;
    if namespaces.joins(runtime_spec::NamespaceKind::User) {
        become_root()?;
    }
    if namespaces.new & CLONE_NEWTIME != 0 {
        process::unshare(CLONE_NEWTIME).about(|| "make the time namespace")?;
        let offsets: String = setup
            .config
            .linux
            .time_offsets
            .iter()
            .map(|offset| format!("{} {} {}\n", offset.clock, offset.seconds, offset.nanoseconds))
            .collect();
        if !offsets.is_empty() {
            fs::write_file(CWD, c"/proc/self/timens_offsets", offsets.as_bytes())
                .about(|| format!("set the clocks of the time namespace: {}", offsets.trim_end()))?;
        }
    }
    go_on_as_sibling(setup.channel, namespaces.new & !(CLONE_NEWUSER | CLONE_NEWTIME | CLONE_NEWCGROUP))
}

/// Goes on in another process, in new namespaces, whose parent is this one's; the command is told its number.
pub(crate) fn go_on_as_sibling(channel: &Fd, namespaces: u32) -> Result<(), Error> {
    let clone = Clone { namespaces, as_sibling: true, ..Clone::default() };
    match clone.start().about(|| "make the container's process")? {
        Side::Child => Ok(()),
        Side::Parent { pid, .. } => {
            let _ = channel::send(channel.borrow(), Kind::Successor, &pid.to_le_bytes(), &[]);
            process::exit(0)
        }
    }
}

/// The host's procfs, seen to be one.
fn host_procfs() -> Result<Fd, Error> {
    let proc = fs::open(CWD, c"/proc", fs::O_PATH | fs::O_DIRECTORY, 0).about(|| "open /proc")?;
    if fs::statfs_fd(proc.borrow()).about(|| "look at /proc")?.f_type as i64 != fs::PROC_SUPER_MAGIC {
        return Err(Error::Reported("/proc of this machine is not procfs".into()));
    }
    Ok(proc)
}

/// This program as the second stage executes it: on a read-only mount of its own that is attached nowhere, so that nobody who
/// gets hold of `/proc/PID/exe` in a container can write to the host's file (CVE-2019-5736). Where that cannot be had, as a
/// sealed copy in memory.
#[derive(Debug)]
pub(crate) struct Program(pub(crate) Fd);

impl Program {
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.0.borrow()
    }

    /// `protected`: this process runs from such a mount or copy already.
    pub(crate) fn prepare(protected: bool) -> Result<Self, Error> {
        use kernel::mount::{self, Attributes, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY};
        if protected {
            let own = fs::open(CWD, c"/proc/self/exe", fs::O_PATH, 0);
            return own.map(Self).about(|| "open this program's file");
        }
        let protect = || {
            let tree = mount::clone_tree(CWD, c"/proc/self/exe", false)?;
            let set = u64::from(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
            mount::set_attributes(tree.borrow(), false, Attributes { set, ..Attributes::default() })?;
            kernel::Result::Ok(tree)
        };
        protect().or_else(|_| Self::copy()).map(Self).about(|| "protect this program's file")
    }

    fn copy() -> kernel::Result<Fd> {
        const ALLOW_SEALING: u32 = 2;
        const F_ADD_SEALS: u32 = 1033;
        // Against shrinking, growing, writing, and further seals.
        const SEALS: u64 = 0b1111;
        let copy = fs::memory_file(c"coracle-oci", 1 | ALLOW_SEALING)?;
        let own = fs::open(CWD, c"/proc/self/exe", fs::O_RDONLY, 0)?;
        while fs::send_file(copy.borrow(), own.borrow(), 1 << 24)? > 0 {}
        fs::control(copy.borrow(), F_ADD_SEALS, SEALS)?;
        Ok(copy)
    }

    /// Becomes this program again, with other arguments.
    pub(crate) fn execute_with(&self, arguments: &[&CStr], environment: &[&CStr]) -> Error {
        Error::system("execute this program again", process::execute_fd(self.0.borrow(), arguments, environment))
    }

    /// Becomes the second stage. Its arguments are the numbers of the descriptors that it has, −1 for none.
    pub(crate) fn execute(&self, channel: &Fd, passed: &Passed<'_>) -> Error {
        let mut arguments: Vec<CString> = alloc::vec![c"coracle-oci".into(), crate::init::COMMAND.into()];
        for fd in [Some(channel), passed.start, passed.console, passed.listener] {
            if let Some(fd) = fd
                && let Err(errno) = fs::stay_open_on_exec(fd.borrow())
            {
                return Error::system("prepare the next stage", errno);
            }
            let number = fd.map_or(-1, Fd::raw);
            arguments.push(CString::new(format!("{number}")).unwrap_or_default());
        }
        let errno = process::execute_fd(self.0.borrow(), &arguments, &[] as &[&CStr]);
        Error::system("execute the next stage", errno)
    }
}
