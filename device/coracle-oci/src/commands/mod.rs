//! The commands, by name; and what they all have: global options, the log, the directory of containers.

mod agent;
mod create;
mod delete;
mod events;
mod exec;
mod features;
mod kill;
mod list;
mod pause;
mod pool;
mod ps;
mod spec;
mod start;
mod state;
mod update;

pub(crate) use delete::remove;
pub(crate) use start::connect as connect_start;

use crate::arguments::{self, Given, Known, flag, lossy, value};
use crate::child::Program;
use crate::error::{About, Error};
use crate::hooks;
use crate::log::Log;
use crate::state::{Directory, Root, State, Status};
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use cgroup::{Driver, Group};
use core::ffi::CStr;
use kernel::{BorrowedFd, fs, user};

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// Its own arguments.
    pub(crate) arguments: &'a [&'static CStr],
    pub(crate) environment: &'a [&'static CStr],
    /// All arguments of this program.
    all: &'a [&'static CStr],
    /// It has been executed from a mount of its own, which cannot be written to.
    pub(crate) protected: bool,
    pub(crate) root: Root,
    pub(crate) log: Log,
    pub(crate) driver: Driver,
}

impl Context<'_> {
    /// Starts over from a mount of this program's own, before a process of it can be seen by processes of a container: one that
    /// may trace it gets hold of its file through `/proc/PID/exe`, and could write to it later (CVE-2019-5736).
    fn go_on_protected(&self) -> Result<(), Error> {
        if self.protected {
            return Ok(());
        }
        let mut arguments = alloc::vec![c"coracle-oci", PROTECTED];
        arguments.extend(self.all);
        Err(Program::prepare(false)?.execute_with(&arguments, self.environment))
    }
}

/// The first argument of a command that has started over.
pub(crate) const PROTECTED: &CStr = c"protected";

/// A command: how it is called, what it does in a few words, and the function.
struct Command {
    name: &'static str,
    summary: &'static str,
    run: fn(&Context<'_>) -> Result<i32, Error>,
}

const COMMANDS: &[Command] = &[
    Command { name: "create", summary: "make a container from a bundle, without starting it", run: create::create },
    Command { name: "start", summary: "start a container that was created", run: start::run },
    Command { name: "run", summary: "create and start a container, and wait for its end", run: create::run },
    Command { name: "state", summary: "print what is known of a container", run: state::run },
    Command { name: "kill", summary: "send a signal to a container (SIGTERM)", run: kill::run },
    Command { name: "delete", summary: "remove what is left of a container", run: delete::run },
    Command { name: "exec", summary: "run another program in a running container", run: exec::run },
    Command { name: "ps", summary: "list the processes of a container", run: ps::run },
    Command { name: "list", summary: "list containers", run: list::run },
    Command { name: "pause", summary: "freeze all processes of a container", run: pause::pause },
    Command { name: "resume", summary: "let them go on", run: pause::resume },
    Command { name: "events", summary: "print what a container uses, and when memory ran out", run: events::run },
    Command { name: "update", summary: "change a container's limits", run: update::run },
    Command { name: "pool", summary: "keep containers of a bundle ready to be taken", run: pool::run },
    Command { name: "spec", summary: "write a config.json to start from", run: spec::run },
    Command {
        name: "agent",
        summary: "carry out calls of rootless containers by a policy (coracle-oci-agent)",
        run: agent::run,
    },
    Command { name: "features", summary: "print what this runtime can do", run: features::run },
];

/// The options before the command. Those of crun and runc that say nothing here are taken and ignored.
const GLOBAL: &[Known] = &[
    value("root", None),
    value("log", None),
    value("log-format", None),
    flag("debug", None),
    flag("systemd-cgroup", None),
    value("cgroup-manager", None),
    value("rootless", None),
    value("criu", None),
    flag("help", Some('h')),
    flag("version", Some('v')),
];

/// The version of the specification that is understood.
pub(crate) const SPECIFICATION: &str = "1.3.0";

/// Runs a command; gives the program's exit code.
pub(crate) fn run(all: &[&'static CStr], environment: &[&'static CStr]) -> i32 {
    let mut log = Log::default();
    let rest = all.strip_prefix(&[PROTECTED]);
    match dispatch(rest.unwrap_or(all), environment, rest.is_some(), &mut log) {
        Ok(code) => code,
        Err(error) => {
            log.error(&error);
            1
        }
    }
}

fn dispatch(
    all: &[&'static CStr],
    environment: &[&'static CStr],
    protected: bool,
    log: &mut Log,
) -> Result<i32, Error> {
    let given = arguments::read(all, GLOBAL, Some(1))?;
    let format = given.text("log-format")?.unwrap_or("text");
    if !["text", "json"].contains(&format) {
        return Err(Error::Usage(format!("--log-format: {format:?} is neither text nor json")));
    }
    *log = open_log(given.get("log"), format == "json")?;
    if given.has("version") {
        print(&format!("coracle-oci version {}\nspec: {SPECIFICATION}\n", env!("CARGO_PKG_VERSION")));
        return Ok(0);
    }
    let Some((name, rest)) = given.words.split_first().filter(|_| !given.has("help")) else {
        print(&usage());
        return Ok(i32::from(given.words.is_empty() && !given.has("help")));
    };
    let name_text = name.to_string_lossy();
    if name_text == "help" {
        print(&usage());
        return Ok(0);
    }
    let command = COMMANDS.iter().find(|command| command.name == name_text);
    let command = command
        .ok_or_else(|| Error::Usage(format!("unknown command {:?}; coracle-oci --help lists them", lossy(&[*name]))))?;
    let driver = match (given.has("systemd-cgroup"), given.text("cgroup-manager")?) {
        (true, _) | (false, Some("systemd")) => Driver::Systemd,
        (false, None | Some("cgroupfs" | "disabled")) => Driver::Cgroupfs,
        (false, Some(other)) => {
            return Err(Error::Usage(format!("--cgroup-manager: {other:?} is neither cgroupfs nor systemd")));
        }
    };
    let root = Root::new(given.get("root").map(Into::into).or_else(|| own_root(environment)));
    let context = Context { arguments: rest, environment, all, protected, root, log: core::mem::take(log), driver };
    let result = (command.run)(&context);
    *log = context.log;
    result
}

fn open_log(path: Option<&CStr>, json: bool) -> Result<Log, Error> {
    Log::open(path, json)
        .map_err(|errno| Error::system(format!("open the log {}", path.unwrap_or_default().to_string_lossy()), errno))
}

/// Without privileges: below XDG_RUNTIME_DIR.
fn own_root(environment: &[&'static CStr]) -> Option<CString> {
    if user::effective_user_id() == 0 {
        return None;
    }
    let directory = environment.iter().find_map(|pair| pair.to_bytes().strip_prefix(b"XDG_RUNTIME_DIR="))?;
    CString::new([directory, b"/coracle-oci"].concat()).ok()
}

fn usage() -> String {
    let mut text =
        String::from("coracle-oci [--root DIR] [--log FILE] [--log-format text|json] [--systemd-cgroup] COMMAND\n\n");
    for command in COMMANDS {
        text.push_str(&format!("  {:<10} {}\n", command.name, command.summary));
    }
    text
}

/// Prints to standard output.
pub(crate) fn print(text: &str) {
    let _ = fs::write_all(BorrowedFd::standing(1), text.as_bytes());
}

/// Writes the number of a process to the file that `--pid-file` names, as seen from a directory.
fn write_pid_file(given: &Given, from: BorrowedFd<'_>, pid: i32) -> Result<(), Error> {
    let Some(path) = given.get("pid-file") else { return Ok(()) };
    fs::write_file_atomic(from, path, format!("{pid}").as_bytes(), 0o644)
        .about(|| format!("write the pid file {}", path.to_string_lossy()))
}

/// Runs the hooks of a container that has just been started. When one fails, the container is ended and removed.
fn run_poststart(log: &Log, directory: Directory, state: &State) -> Result<Directory, Error> {
    if state.poststart.is_empty() {
        return Ok(directory);
    }
    let told = format!("{}", json::object(state.document(Status::Running)));
    match hooks::run("poststart", &state.poststart, &told) {
        Ok(()) => Ok(directory),
        Err(error) => {
            remove(log, directory, true)?;
            Err(error)
        }
    }
}

/// A container's directory, state and status.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) directory: Directory,
    pub(crate) state: State,
    pub(crate) group: Group,
}

impl Container {
    /// Opens a container and waits until no other command works on it.
    pub(crate) fn lock(context: &Context<'_>, id: &str) -> Result<Self, Error> {
        Self::of(context.root.lock(id)?)
    }

    /// Opens a container only to look.
    pub(crate) fn find(context: &Context<'_>, id: &str) -> Result<Self, Error> {
        Self::of(context.root.find(id)?)
    }

    fn of(directory: Directory) -> Result<Self, Error> {
        let state = directory.state()?;
        let group = Group::from_json(&state.cgroup.0).map_err(crate::create::from_cgroup)?;
        Ok(Self { directory, state, group })
    }

    /// What it is doing now.
    pub(crate) fn status(&self) -> Status {
        if self.state.pid == 0 {
            return Status::Creating;
        }
        if self.state.process().is_none() {
            return Status::Stopped;
        }
        if self.group.is_frozen().unwrap_or(false) {
            return Status::Paused;
        }
        if self.directory.waits() { Status::Created } else { Status::Running }
    }

    /// An error about the status.
    pub(crate) fn cannot(&self, cannot: &'static str) -> Error {
        Error::State { id: self.state.id.clone(), is: self.status().word(), cannot }
    }
}
