//! A command that stays until the program ends: passes signals on, carries bytes between terminals, and gives the exit code.

use crate::error::{About, Error};
use crate::pool::keeper::exit_code;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;
use kernel::poll::{self, READABLE};
use kernel::signal::{self, SIGCHLD, SIGPIPE, SIGWINCH};
use kernel::terminal::{self, Settings};
use kernel::{BorrowedFd, Fd, fs, process, socket};

/// Connects to who takes a terminal.
pub(crate) fn connect_console(path: &CStr) -> Result<Fd, Error> {
    socket::connect(socket::STREAM, path).about(|| format!("connect to the console socket {}", path.to_string_lossy()))
}

/// Where a program's terminal is received, and where it is sent to: at the console socket that the caller named, or by this
/// command itself, when a terminal is wanted and there is none.
pub(crate) fn console_ends(terminal: bool, console: Option<Fd>) -> Result<(Option<Fd>, Option<Fd>), Error> {
    if !terminal || console.is_some() {
        return Ok((None, console));
    }
    let (receiver, sender) = socket::pair(socket::STREAM).about(|| "socketpair")?;
    Ok((Some(receiver), Some(sender)))
}

/// Signals that come while a program runs. It begins before there is one, so that none is missed.
#[derive(Debug)]
pub(crate) struct Watch {
    signals: Fd,
}

/// The master of the program's terminal, when this command's own terminal is to be its other end.
#[derive(Debug)]
pub(crate) struct Terminal {
    master: Fd,
    before: Option<Settings>,
}

const STDIN: BorrowedFd<'static> = BorrowedFd::standing(0);
const STDOUT: BorrowedFd<'static> = BorrowedFd::standing(1);

impl Terminal {
    /// Takes the master from the console socket's other end.
    pub(crate) fn receive(socket: BorrowedFd<'_>) -> Result<Self, Error> {
        let mut name = [0; 64];
        let (_, mut descriptors) = socket::receive(socket, &mut name).about(|| "receive the terminal")?;
        let master = descriptors.pop().ok_or_else(|| Error::Reported("the container sent no terminal".into()))?;
        let before = terminal::settings(STDIN).ok();
        if let Some(before) = before {
            // What it looks like before and after is the program's business.
            let _ = terminal::set_settings(STDIN, &terminal::raw_mode(before));
        }
        let own = Self { master, before };
        own.resize();
        Ok(own)
    }

    fn resize(&self) {
        if let Ok((rows, columns)) = terminal::size(STDIN) {
            let _ = terminal::set_size(self.master.borrow(), rows, columns);
        }
    }

    /// Carries what is there from one to the other; whether there may be more.
    fn carry(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> bool {
        let mut buffer = [0; 4096];
        match fs::read(from, &mut buffer) {
            Ok(0) | Err(_) => false,
            Ok(length) => fs::write_all(to, buffer.get(..length).unwrap_or_default()).is_ok(),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = terminal::set_settings(STDIN, before);
        }
    }
}

impl Watch {
    /// Holds all signals back from here on, to be looked at one by one.
    pub(crate) fn begin() -> Result<Self, Error> {
        signal::block(signal::Set::all()).about(|| "block signals")?;
        let signals = signal::descriptor(signal::Set::all()).about(|| "signalfd")?;
        Ok(Self { signals })
    }

    /// Waits for the end of a child, or of a container whose keeper tells it; gives its exit code, 128 and the signal if
    /// one ended it.
    pub(crate) fn until_end(
        &self,
        pid: i32,
        handle: &Fd,
        keeper: Option<&Fd>,
        terminal: Option<Terminal>,
    ) -> Result<i32, Error> {
        let (mut input, mut output) = (terminal.is_some(), terminal.is_some());
        loop {
            let mut wanted: Vec<(BorrowedFd<'_>, i16)> = alloc::vec![(self.signals.borrow(), READABLE)];
            if let Some(terminal) = &terminal {
                wanted.extend(output.then_some((terminal.master.borrow(), READABLE)));
                wanted.extend(input.then_some((STDIN, READABLE)));
            }
            wanted.extend(keeper.map(|keeper| (keeper.borrow(), READABLE)));
            let ready = poll::poll(&wanted, None).about(|| "wait for the container")?;
            let is_ready =
                |fd: BorrowedFd<'_>| wanted.iter().zip(&ready).any(|((other, _), ready)| *ready && *other == fd);
            if let Some(terminal) = &terminal {
                if is_ready(terminal.master.borrow()) {
                    output = Terminal::carry(terminal.master.borrow(), STDOUT);
                }
                if input && is_ready(STDIN) {
                    input = Terminal::carry(STDIN, terminal.master.borrow());
                }
            }
            if let Some(keeper) = keeper.filter(|keeper| is_ready(keeper.borrow())) {
                if let Some(terminal) = terminal.as_ref().filter(|_| output) {
                    drain(terminal);
                }
                return exit_code(keeper.borrow());
            }
            while let Some(number) = signal::next(self.signals.borrow()) {
                match number as u32 {
                    SIGCHLD => {
                        if let Some(code) = reap(pid)? {
                            if let Some(terminal) = terminal.as_ref().filter(|_| output) {
                                drain(terminal);
                            }
                            return Ok(code);
                        }
                    }
                    SIGWINCH if terminal.is_some() => terminal.iter().for_each(Terminal::resize),
                    // Comes from this command's own writing.
                    SIGPIPE => {}
                    // When it has just ended, SIGCHLD says so.
                    _ => drop(process::send_signal(handle.borrow(), number)),
                }
            }
        }
    }
}

/// What the program wrote last.
fn drain(terminal: &Terminal) {
    while poll::poll(&[(terminal.master.borrow(), READABLE)], Some(0)).is_ok_and(|ready| ready == [true])
        && Terminal::carry(terminal.master.borrow(), STDOUT)
    {}
}

/// Takes the ends of all children that have ended; the exit code if ours is among them.
fn reap(pid: i32) -> Result<Option<i32>, Error> {
    let mut code = None;
    loop {
        match process::try_wait(-1) {
            Ok(Some((ended, ending))) if ended == pid => code = Some(ending.code()),
            Ok(Some(_)) => {}
            Ok(None) | Err(kernel::Errno::ECHILD) => return Ok(code),
            Err(errno) => return Err(Error::system("wait for the container", errno)),
        }
    }
}
