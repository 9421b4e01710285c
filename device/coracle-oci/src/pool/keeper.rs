//! The keeper of a container of a pool: its parent. It ends with the container, and tells those that are connected what
//! the exit code is.

use crate::error::{About, Error};
use crate::state::Directory;
use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;
use kernel::poll::{self, READABLE};
use kernel::{BorrowedFd, CWD, Fd, fs, process, signal, socket};

/// In the container's directory.
pub(crate) const SOCKET: &CStr = c"keeper.sock";
/// What one that connects may say: the container is to end with the connection.
pub(crate) const TIE: &[u8] = b"tie";
/// More than anybody needs are turned away.
const MOST: usize = 8;

/// Connects to the keeper of a container.
pub(crate) fn connect(directory: &Directory) -> Result<Fd, Error> {
    directory
        .inside(|| socket::connect(socket::MESSAGES, SOCKET))
        .about(|| format!("reach the keeper of {}", directory.id()))
}

/// What a keeper said: the exit code.
pub(crate) fn exit_code(connection: BorrowedFd<'_>) -> Result<i32, Error> {
    let mut number = [0; 4];
    match socket::receive(connection, &mut number) {
        Ok((4, _)) => Ok(i32::from_le_bytes(number)),
        _ => Err(Error::Reported("the keeper of the container is gone: its exit code is not known".into())),
    }
}

/// The first argument of a keeper.
pub(crate) const COMMAND: &CStr = c"keep";

/// Executes this program anew as the keeper of a container, which is this process's child: nothing of the making stays in
/// memory. Comes back only to say why not.
pub(crate) fn become_keeper(container: &Fd, listener: &Fd) -> Error {
    let number = |fd: &Fd| CString::new(format!("{}", fd.raw())).unwrap_or_default();
    let arguments = [c"coracle-oci".into(), COMMAND.into(), number(container), number(listener)];
    let prepare = || {
        fs::close_on_exec_from(3)?;
        fs::stay_open_on_exec(container.borrow())?;
        fs::stay_open_on_exec(listener.borrow())?;
        fs::change_directory(c"/")
    };
    match prepare() {
        Ok(()) => Error::system("execute the keeper", process::execute(c"/proc/self/exe", &arguments, &[] as &[&CStr])),
        Err(errno) => Error::system("prepare the keeper", errno),
    }
}

/// Runs a keeper; `arguments` are the numbers of its descriptors.
pub(crate) fn main(arguments: &[&CStr]) -> i32 {
    let mut all = arguments.iter().map(|text| {
        let number: i32 = text.to_str().ok()?.parse().ok()?;
        let open = number > 2 && fs::close_on_exec(BorrowedFd::standing(number)).is_ok();
        open.then(|| Fd::from_raw(number))
    });
    let (Some(Some(container)), Some(Some(listener))) = (all.next(), all.next()) else {
        fs::print_error(format_args!("{COMMAND:?} is a part of keeping a pool, and no command\n"));
        return 1;
    };
    i32::from(keep(&container, &listener).is_err())
}

/// Keeps a container until it ends. Signals are blocked.
fn keep(container: &Fd, listener: &Fd) -> Result<(), Error> {
    let mut connections: Vec<(Fd, bool)> = Vec::new();
    loop {
        let mut wanted: Vec<(BorrowedFd<'_>, i16)> =
            alloc::vec![(container.borrow(), READABLE), (listener.borrow(), READABLE)];
        wanted.extend(connections.iter().map(|(connection, _)| (connection.borrow(), READABLE)));
        let ready = poll::poll(&wanted, None).about(|| "wait for the container")?;
        if ready.first() == Some(&true) {
            let code = process::wait_for(container.borrow()).about(|| "wait for the container")?.code();
            // Those that connected just before count, too.
            while poll::poll(&[(listener.borrow(), READABLE)], Some(0)).is_ok_and(|ready| ready == [true]) {
                let Ok(connection) = socket::accept(listener.borrow()) else { break };
                connections.push((connection, false));
            }
            for (connection, _) in &connections {
                // It may have gone.
                let _ = socket::send(connection.borrow(), &code.to_le_bytes(), &[]);
            }
            return Ok(());
        }
        let mut said = ready.iter().skip(2).copied();
        let mut lost = false;
        connections.retain_mut(|(connection, tied)| {
            if said.next() != Some(true) {
                return true;
            }
            let mut word = [0; 16];
            match socket::receive(connection.borrow(), &mut word) {
                Ok((length @ 1.., _)) => {
                    *tied |= word.get(..length) == Some(TIE);
                    true
                }
                _ => {
                    lost |= *tied;
                    false
                }
            }
        });
        if lost {
            let _ = process::send_signal(container.borrow(), signal::SIGKILL as i32);
        }
        if ready.get(1) == Some(&true)
            && let Ok(connection) = socket::accept(listener.borrow())
            && connections.len() < MOST
        {
            connections.push((connection, false));
        }
    }
}

/// Standard input, output and error are somebody else's business from here on.
pub(crate) fn let_go_of_stdio() {
    if let Ok(null) = fs::open(CWD, c"/dev/null", fs::O_RDWR, 0) {
        for number in 0..3 {
            let _ = fs::duplicate_to(null.borrow(), number);
        }
    }
}
