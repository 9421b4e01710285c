//! `create` and `run`.

use super::Context;
use crate::arguments::{self, Known, flag, value};
use crate::bundle::Bundle;
use crate::create::{self, Created};
use crate::error::{About, Error};
use crate::foreground::{self, Terminal};
use crate::hooks;
use crate::log::Log;
use crate::pool;
use alloc::ffi::CString;
use alloc::format;
use cgroup::Group;
use kernel::{BorrowedFd, CWD, Fd, fs, process};
use runtime_spec::NamespaceKind;

const OPTIONS: &[Known] = &[
    value("bundle", Some('b')),
    value("config", Some('f')),
    value("console-socket", None),
    value("pid-file", None),
    flag("no-pivot", None),
    flag("no-new-keyring", None),
    flag("no-subreaper", None),
    value("preserve-fds", None),
    value("pool", None),
    flag("detach", Some('d')),
    flag("keep", None),
];

/// A command line of either.
struct Call {
    given: arguments::Given,
    id: &'static str,
    bundle: Bundle,
    /// The directory from which the caller's paths are seen.
    here: Fd,
    console: Option<Fd>,
}

impl Call {
    fn read(context: &Context<'_>) -> Result<Self, Error> {
        let given = arguments::read(context.arguments, OPTIONS, None)?;
        let id = given.id()?;
        let here = fs::open(CWD, c".", fs::O_PATH | fs::O_DIRECTORY, 0).about(|| "open the working directory")?;
        let config = given.get("config").map(absolute).transpose()?;
        let of_pool = match (given.get("bundle"), given.text("pool")?) {
            (None, Some(name)) => Some(pool::bundle(&context.root, name)?.ok_or_else(|| no_pool(name))?),
            _ => None,
        };
        let path = of_pool.as_deref().or(given.get("bundle")).unwrap_or(c".");
        let mut bundle = Bundle::enter(path, config.as_deref())?;
        let configured = &mut bundle.config.hooks;
        for kind in [&mut configured.prestart, &mut configured.create_runtime, &mut configured.create_container] {
            hooks::inherit(kind, context.environment);
        }
        let mut call = Self { given, id, bundle, here, console: None };
        if call.joins_strangers() {
            fs::change_directory_fd(call.here.borrow()).about(|| "chdir")?;
            context.go_on_protected()?;
            fs::change_directory(&call.bundle.path).about(|| "chdir")?;
        }
        if let Some(path) = call.given.get("console-socket") {
            // As seen by the caller; and not made absolute, since paths of sockets are short.
            fs::change_directory_fd(call.here.borrow()).about(|| "chdir")?;
            call.console = Some(foreground::connect_console(path)?);
            fs::change_directory(&call.bundle.path).about(|| "chdir")?;
        }
        let listened = listened(context, preserved(&call.given)?);
        if let Some(process) = call.bundle.config.process.as_mut().filter(|_| listened > 0) {
            let said = [format!("LISTEN_FDS={listened}"), "LISTEN_PID=1".into()];
            process.env.extend(said.into_iter().flat_map(CString::new));
        }
        Ok(call)
    }

    /// Whether there are processes already in the PID namespace, which may trace this one if they have the capability: in a
    /// user namespace they have none over it.
    fn joins_strangers(&self) -> bool {
        let linux = &self.bundle.config.linux;
        let joined = linux.namespace(NamespaceKind::Pid).is_some_and(|namespace| namespace.path.is_some());
        joined && linux.namespace(NamespaceKind::User).is_none()
    }

    fn terminal(&self) -> bool {
        self.bundle.config.process.as_ref().is_some_and(|process| process.terminal)
    }

    fn create(&mut self, context: &Context<'_>, wait: bool, console: Option<Fd>) -> Result<Created, Error> {
        let request = create::Request {
            id: self.id,
            group: self.id,
            bundle: &self.bundle,
            root: &context.root,
            log: &context.log,
            driver: context.driver,
            wait,
            console,
            protected: context.protected,
            no_pivot: self.given.has("no-pivot"),
            no_new_keyring: self.given.has("no-new-keyring"),
            kept_descriptors: kept_descriptors(&self.given, context)?,
            without_process: false,
        };
        match self.take(&request)? {
            Some(taken) => Ok(taken),
            None => create::create(&request),
        }
    }

    /// A container of the pool that was named on the command line, or in an annotation; `None` if it has to be made.
    fn take(&self, request: &create::Request<'_>) -> Result<Option<Created>, Error> {
        let annotations = &self.bundle.config.annotations;
        let annotated = annotations.iter().find(|(key, _)| key == pool::ANNOTATION).map(|(_, name)| name.as_str());
        let Some(name) = self.given.text("pool")?.or(annotated) else { return Ok(None) };
        if pool::bundle(request.root, name)?.is_none() {
            if self.given.has("pool") {
                return Err(no_pool(name));
            }
            request.log.warning(format_args!("annotations.{}: there is no pool {name}", pool::ANNOTATION));
            return Ok(None);
        }
        match pool::take(request, name)? {
            Ok(taken) => Ok(Some(taken)),
            Err(pool::Refused::Empty) => {
                request.log.warning(format_args!("nothing is ready in the pool {name}"));
                Ok(None)
            }
            Err(pool::Refused::Differs(field)) => {
                request.log.warning(format_args!("nothing in the pool {name} fits: {field}"));
                Ok(None)
            }
        }
    }

    /// The process that the caller is to wait for, in its pid file: the container's, or one that stands in for it.
    fn write_pid_of(&self, created: &Created, log: &Log) -> Result<(), Error> {
        match &created.keeper {
            Some(keeper) if self.given.has("pid-file") => {
                let pid = pool::start_stand_in(&created.process, keeper)?;
                let group = Group::from_json(&created.state.cgroup.0).map_err(create::from_cgroup)?;
                // Programs above look there for the container's cgroup.
                create::attach(pid, log, || group.attach_beside(pid, created.state.pid))?;
                self.write_pid(pid)
            }
            _ => self.write_pid(created.state.pid),
        }
    }

    fn write_pid(&self, pid: i32) -> Result<(), Error> {
        super::write_pid_file(&self.given, self.here.borrow(), pid)
    }
}

fn no_pool(name: &str) -> Error {
    Error::Usage(format!("there is no pool {name}: coracle-oci pool makes one"))
}

/// A path that means the same after a change of the working directory.
fn absolute(path: &core::ffi::CStr) -> Result<CString, Error> {
    if path.to_bytes().first() == Some(&b'/') {
        return Ok(path.into());
    }
    let here = fs::working_directory().about(|| "getcwd")?;
    CString::new([here.as_bytes(), b"/", path.to_bytes()].concat())
        .map_err(|_| Error::Usage("a path holds a zero byte".into()))
}

/// `--preserve-fds`, and those that systemd passes on (sd_listen_fds(3)). What else the caller has left open ends with this
/// program: nothing in a container can be reached through it (CVE-2024-21626).
pub(super) fn kept_descriptors(given: &arguments::Given, context: &Context<'_>) -> Result<u32, Error> {
    let preserved = preserved(given)?;
    if let Some(number) = (3..preserved.saturating_add(3)).find(|&number| !is_given(number)) {
        return Err(Error::Usage(format!("--preserve-fds {preserved}: descriptor {number} is not open")));
    }
    let kept = preserved + listened(context, preserved);
    fs::close_on_exec_from(kept.saturating_add(3)).about(|| "close descriptors on exec")?;
    Ok(kept.unsigned_abs())
}

fn preserved(given: &arguments::Given) -> Result<i32, Error> {
    Ok(given.number::<u32>("preserve-fds")?.map_or(0, |number| i32::try_from(number).unwrap_or(i32::MAX)))
}

/// How many descriptors systemd passes on, behind those that are preserved. The variable may be left over from another program:
/// then they are not there.
fn listened(context: &Context<'_>, preserved: i32) -> i32 {
    let listened = context.environment.iter().find_map(|pair| pair.to_bytes().strip_prefix(b"LISTEN_FDS="));
    let listened = listened.and_then(|text| str::from_utf8(text).ok()?.parse::<u16>().ok()).map_or(0, i32::from);
    let first = preserved.saturating_add(3);
    if (first..first.saturating_add(listened)).all(is_given) { listened } else { 0 }
}

/// Whether a descriptor is the caller's: what is closed on exec is this program's own, under a number that was free.
fn is_given(number: i32) -> bool {
    const F_GETFD: u32 = 1;
    fs::control(BorrowedFd::standing(number), F_GETFD, 0) == Ok(0)
}

/// `create`: the container waits for `start`.
pub(super) fn create(context: &Context<'_>) -> Result<i32, Error> {
    let mut call = Call::read(context)?;
    match (call.terminal(), call.console.is_some()) {
        (true, false) => return Err(Error::Usage("process.terminal is true: --console-socket is needed".into())),
        (false, true) => return Err(Error::Usage("--console-socket is given, but process.terminal is false".into())),
        _ => {}
    }
    let console = call.console.take();
    let created = call.create(context, true, console)?;
    call.write_pid_of(&created, &context.log)?;
    Ok(0)
}

/// `run`: the container starts at once; without `--detach` its end is waited for, and its exit code is this command's.
pub(super) fn run(context: &Context<'_>) -> Result<i32, Error> {
    let mut call = Call::read(context)?;
    let detach = call.given.has("detach");
    if call.bundle.config.process.is_none() {
        return Err(Error::config("there is no process to run: create the container, and start it with --process"));
    }
    if detach && call.terminal() && call.console.is_none() {
        return Err(Error::Usage("process.terminal is true: --detach needs --console-socket".into()));
    }
    if !detach && !call.given.has("no-subreaper") {
        process::become_subreaper().about(|| "prctl(PR_SET_CHILD_SUBREAPER)")?;
    }
    let (receiver, console) = foreground::console_ends(call.terminal(), call.console.take())?;
    let watch = (!detach).then(foreground::Watch::begin).transpose()?;
    let created = call.create(context, false, console)?;
    if detach {
        call.write_pid_of(&created, &context.log)?;
    } else {
        call.write_pid(created.state.pid)?;
    }
    let Created { directory, state, group, process, keeper } = created;
    let directory = super::run_poststart(&context.log, directory, &state)?;
    let Some(watch) = watch else { return Ok(0) };
    let terminal = receiver.map(|receiver| Terminal::receive(receiver.borrow())).transpose()?;
    // Others may look at it and stop it while it runs.
    directory.unlock().about(|| "unlock")?;
    let code = watch.until_end(state.pid, &process, keeper.as_ref(), terminal)?;
    if !call.given.has("keep") && directory.lock_again()? {
        super::delete::clean_up(&context.log, directory, &state, &group)?;
    }
    Ok(code)
}
