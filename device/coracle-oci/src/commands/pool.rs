//! `pool`: keeps containers of a bundle ready, and makes another whenever one is taken. It runs until SIGTERM, which
//! removes those that nobody has taken; SIGHUP makes all of them anew. Whatever was killed before it leaves what is ready:
//! it is taken over if it is of the same config.json, and removed otherwise.
//!
//! This process makes no container itself. Each is made by a child, which stays as the container's keeper, so nothing
//! grows here.

use super::{Context, remove};
use crate::arguments::{self, Known, flag, value};
use crate::bundle::Bundle;
use crate::create::{self, Created};
use crate::error::{About, Error};
use crate::pool::{self, CONFIG, DESCRIPTION, UNFINISHED, keeper};
use crate::state::Root;
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use kernel::poll::{self, READABLE};
use kernel::process::{self, Clone, Side};
use kernel::signal::{self, SIGHUP, SIGINT, SIGTERM};
use kernel::{CWD, Fd, clock, fs, socket};

const OPTIONS: &[Known] = &[value("bundle", Some('b')), value("size", Some('n')), flag("remove", None)];
/// What was taken has the processors for itself so long, in nanoseconds.
const SETTLE: u64 = 20_000_000;
/// After a failure, in nanoseconds; doubled up to [`LONGEST`].
const PAUSE: u64 = 500_000_000;
const LONGEST: u64 = 30_000_000_000;
/// As many as anybody could want.
const MOST: usize = 1000;

pub(super) fn run(context: &Context<'_>) -> Result<i32, Error> {
    let given = arguments::read(context.arguments, OPTIONS, None)?;
    let name = given.id()?;
    let place = context.root.pool(name)?;
    let size = given.number::<usize>("size")?.unwrap_or(1);
    if !(1..=MOST).contains(&size) {
        return Err(Error::Usage(format!("--size: {size} is not from 1 to {MOST}")));
    }
    let held = place.hold()?.ok_or_else(|| Error::Reported(format!("another process serves the pool {name}")))?;
    let signals = signal::Set::all();
    signal::block(signals).about(|| "block signals")?;
    let signals = signal::descriptor(signals).about(|| "signalfd")?;
    let service = |bundle, text, changes, place, held| Service {
        context,
        name,
        place,
        held,
        bundle,
        text,
        size,
        signals,
        changes,
        making: None,
        pause: PAUSE,
        not_before: 0,
    };
    if given.has("remove") {
        let service = service(CString::default(), Vec::new(), None, place, held);
        service.sweep(|_| false)?;
        return service.end();
    }
    let bundle = Bundle::enter(given.get("bundle").unwrap_or(c"."), None)?;
    pool::check_poolable(&bundle.config).map_err(Error::config)?;
    let Bundle { path, text, .. } = bundle;
    let description = json::object([("bundle", path.to_string_lossy().as_ref().into())]);
    fs::write_file_atomic(held.borrow(), DESCRIPTION, format!("{description}\n").as_bytes(), 0o644)
        .about(|| format!("write {}", DESCRIPTION.to_string_lossy()))?;
    let changes = fs::watch_entries(place.path()).about(|| "watch the pool")?;
    service(path, text, Some(changes), place, held).serve(context.environment)
}

struct Service<'a> {
    context: &'a Context<'a>,
    name: &'a str,
    place: Root,
    /// The pool's directory, locked.
    held: Fd,
    bundle: CString,
    /// The bundle's config.json.
    text: Vec<u8>,
    size: usize,
    signals: Fd,
    changes: Option<Fd>,
    /// Closed, perhaps after a byte, when the container that is being made is ready, or never will be.
    making: Option<Fd>,
    pause: u64,
    not_before: u64,
}

impl Service<'_> {
    fn serve(mut self, environment: &[&'static CStr]) -> Result<i32, Error> {
        let text = core::mem::take(&mut self.text);
        let mut ready = self.sweep(|known| known == text)?;
        drop(text);
        let mut told = false;
        loop {
            if ready > self.size {
                ready = self.sweep_to(self.size)?;
            }
            if !told && ready >= self.size {
                told = true;
                notify(environment, b"READY=1");
            }
            let now = clock::steady();
            let wants = ready < self.size && self.making.is_none();
            if wants && now >= self.not_before {
                self.begin()?;
            }
            let rest = (wants && now < self.not_before).then(|| (self.not_before - now).div_ceil(1_000_000));
            self.wait(rest)?;
            if let Some(done) = self.take_made()? {
                if !done && !told {
                    let name = self.name;
                    let _ = self.end();
                    return Err(Error::Reported(format!("the pool {name}: no container can be made")));
                }
                self.pause = if done { PAUSE } else { (self.pause * 2).min(LONGEST) };
                self.not_before = if done { 0 } else { clock::steady() + self.pause };
            }
            while let Some(number) = signal::next(self.signals.borrow()) {
                match number as u32 {
                    SIGTERM | SIGINT => {
                        notify(environment, b"STOPPING=1");
                        return self.end();
                    }
                    SIGHUP => ready = self.sweep_to(0)?,
                    _ => {}
                }
            }
            while let Ok(Some(_)) = process::try_wait(-1) {}
            if self.drain_changes() {
                let before = ready;
                ready = self.sweep(|_| true)?;
                if ready < before {
                    self.not_before = self.not_before.max(clock::steady() + SETTLE);
                }
            }
        }
    }

    fn wait(&self, milliseconds: Option<u64>) -> Result<(), Error> {
        let mut wanted = alloc::vec![(self.signals.borrow(), READABLE)];
        wanted.extend([&self.changes, &self.making].into_iter().flatten().map(|fd| (fd.borrow(), READABLE)));
        poll::poll(&wanted, milliseconds).about(|| "wait").map(drop)
    }

    /// Whether anything was moved or removed; also when a child has ended, which may have been a keeper.
    fn drain_changes(&self) -> bool {
        let Some(changes) = &self.changes else { return false };
        let mut buffer = [0; 4096];
        while fs::read(changes.borrow(), &mut buffer).is_ok_and(|length| length > 0) {}
        true
    }

    /// Counts what is ready, and removes what is not and never will be: half made by somebody who is gone, dead, of
    /// another configuration.
    fn sweep(&self, keeps: impl Fn(&[u8]) -> bool) -> Result<usize, Error> {
        self.sweep_with(usize::MAX, keeps)
    }

    /// As above, and removes what is more than that.
    fn sweep_to(&self, most: usize) -> Result<usize, Error> {
        self.sweep_with(most, |_| true)
    }

    fn sweep_with(&self, most: usize, keeps: impl Fn(&[u8]) -> bool) -> Result<usize, Error> {
        let mut ready = 0;
        for id in self.place.ids()? {
            if id.ends_with(UNFINISHED) && self.making.is_some() {
                // It may not have been locked yet.
                continue;
            }
            let Ok(directory) = self.place.find(&id) else { continue };
            let alive = || {
                let state = directory.read().ok()??;
                state.process()?;
                let text = fs::read_file(directory.fd.borrow(), CONFIG, runtime_spec::LIMIT).ok()?;
                keeper::connect(&directory).ok()?;
                (ready < most && keeps(&text)).then_some(())
            };
            if !id.ends_with(UNFINISHED) && alive().is_some() {
                ready += 1;
            } else if directory.try_lock() {
                // Nobody makes it, and nobody takes it: its name is its own for as long as it is locked, or gone.
                let Ok(again) = self.place.find(&id) else { continue };
                drop(again);
                if let Err(error) = remove(&self.context.log, directory, true) {
                    self.context.log.warning(format_args!("the pool {}: {error}", self.name));
                }
            }
        }
        Ok(ready)
    }

    /// Starts making one.
    fn begin(&mut self) -> Result<(), Error> {
        let (read, write) = fs::pipe().about(|| "pipe")?;
        match Clone::default().start().about(|| "start a process")? {
            Side::Parent { .. } => self.making = Some(read),
            Side::Child => {
                drop(read);
                process::exit(match self.make(write) {
                    Ok(()) => 0,
                    Err(error) => {
                        self.context.log.error(format_args!("the pool {}: {error}", self.name));
                        1
                    }
                })
            }
        }
        Ok(())
    }

    /// Whether what was being made is ready; `None`: it is still being made.
    fn take_made(&mut self) -> Result<Option<bool>, Error> {
        let Some(making) = &self.making else { return Ok(None) };
        let ready = poll::poll(&[(making.borrow(), READABLE)], Some(0)).about(|| "wait")?;
        if ready.first() != Some(&true) {
            return Ok(None);
        }
        let mut byte = [0];
        let done = fs::read(making.borrow(), &mut byte).is_ok_and(|length| length == 1);
        self.making = None;
        Ok(Some(done))
    }

    /// In a child: makes a container, and keeps it.
    fn make(&self, told: Fd) -> Result<(), Error> {
        // A lock goes with the last copy of its descriptor, and this process may outlive the service.
        let _ = fs::close_range(self.held.raw(), self.held.raw().unsigned_abs());
        let number = format!("{:x}", clock::steady());
        let mut bundle = Bundle::enter(&self.bundle, None)?;
        pool::check_poolable(&bundle.config).map_err(Error::config)?;
        pool::without_hooks(&mut bundle.config);
        let own = format!("{}-pool-{number}", self.name);
        let path = bundle.config.linux.cgroups_path.take().filter(|path| !path.is_empty());
        bundle.config.linux.cgroups_path = path.map(|path| format!("{path}-{number}"));
        // Its group is named by the pool; its directory, in the pool, by the number.
        let unfinished = format!("{number}{UNFINISHED}");
        let Created { directory, mut state, process, .. } = create::create(&create::Request {
            id: &unfinished,
            group: &own,
            bundle: &bundle,
            root: &self.place,
            log: &self.context.log,
            driver: self.context.driver,
            wait: true,
            console: None,
            no_pivot: false,
            no_new_keyring: false,
            protected: false,
            kept_descriptors: 0,
            without_process: true,
        })?;
        let mut finish = || {
            let listener = directory.inside(|| socket::listen(socket::MESSAGES, keeper::SOCKET));
            let listener = listener.about(|| "listen for who takes the container")?;
            fs::write_file_atomic(directory.fd.borrow(), CONFIG, &bundle.text, 0o600).about(|| "write config.json")?;
            state.id.clone_from(&number);
            state.annotations.clear();
            directory.write(&state).map(|()| listener)
        };
        let listener = match finish() {
            Ok(listener) => listener,
            Err(error) => {
                remove(&self.context.log, directory, true)?;
                return Err(error);
            }
        };
        // Not locked any more: it is to be taken.
        drop(directory.rename(&self.place, &number)?);
        let _ = fs::write_all(told.borrow(), b"1");
        keeper::let_go_of_stdio();
        drop(told);
        Err(keeper::become_keeper(&process, &listener))
    }

    /// Removes all that nobody has taken, and the pool.
    fn end(mut self) -> Result<i32, Error> {
        // What is being made is waited for, so that it is not left behind.
        if let Some(making) = self.making.take() {
            let _ = fs::read(making.borrow(), &mut [0]);
        }
        let left = self.sweep_to(0)?;
        let place = String::from_utf8_lossy(self.place.path().as_bytes()).into_owned();
        let _ = fs::remove(self.held.borrow(), DESCRIPTION, 0);
        match fs::remove(CWD, self.place.path(), fs::AT_REMOVEDIR) {
            Ok(()) => Ok(0),
            Err(errno) => Err(Error::system(format!("rmdir {place}, with {left} containers left"), errno)),
        }
    }
}

/// Tells the manager of services (sd_notify(3)), if there is one.
fn notify(environment: &[&'static CStr], what: &[u8]) {
    let Some(path) = environment.iter().find_map(|pair| pair.to_bytes().strip_prefix(b"NOTIFY_SOCKET=")) else {
        return;
    };
    let connection = match path {
        [b'@', name @ ..] => socket::connect_abstract(socket::DATAGRAMS, name),
        path => CString::new(path)
            .map_err(|_| kernel::Errno::EINVAL)
            .and_then(|path| socket::connect(socket::DATAGRAMS, &path)),
    };
    // A manager that does not listen does not wait either.
    let _ = connection.and_then(|connection| socket::send(connection.borrow(), what, &[]));
}
