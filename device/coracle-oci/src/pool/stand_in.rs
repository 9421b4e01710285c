//! A stand-in for a container that was taken from a pool. The programs above (conmon, containerd's shim) wait for the
//! process of their pid file as for a child of theirs, which a container that was there before them cannot be. So they
//! get a process that is one: it passes signals on, ends when the container does, with the same exit code, and takes the
//! container with it.

use super::keeper::{self, TIE};
use crate::error::{About, Error};
use kernel::poll::{self, READABLE};
use kernel::process::{self, Clone, Side};
use kernel::signal::{self, SIGCHLD, SIGPIPE};
use kernel::{Errno, Fd, fs, socket};

/// Starts one; gives its number.
///
/// @param keeper a connection on which nothing was said yet
pub(crate) fn start(container: &Fd, keeper: &Fd) -> Result<i32, Error> {
    match socket::send(keeper.borrow(), TIE, &[]) {
        // It has ended, and has told the exit code.
        Ok(_) | Err(Errno::EPIPE) => {}
        Err(errno) => return Err(Error::system("tie the container to its stand-in", errno)),
    }
    match Clone::default().start().about(|| "start the stand-in of the container")? {
        Side::Parent { pid, .. } => Ok(pid),
        Side::Child => process::exit(stand(container, keeper).unwrap_or(255)),
    }
}

fn stand(container: &Fd, keeper: &Fd) -> Result<i32, Error> {
    let _ = process::new_session();
    keeper::let_go_of_stdio();
    // The lock of the container's directory among them, which goes with the last copy of its descriptor.
    fs::close_others(3, &[container.borrow(), keeper.borrow()]).about(|| "close descriptors")?;
    let _ = fs::change_directory(c"/");
    signal::block(signal::Set::all()).about(|| "block signals")?;
    let signals = signal::descriptor(signal::Set::all()).about(|| "signalfd")?;
    loop {
        let wanted = [(keeper.borrow(), READABLE), (signals.borrow(), READABLE)];
        let ready = poll::poll(&wanted, None).about(|| "wait for the container")?;
        if ready.first() == Some(&true) {
            return keeper::exit_code(keeper.borrow());
        }
        while let Some(number) = signal::next(signals.borrow()) {
            if ![SIGCHLD, SIGPIPE].contains(&(number as u32)) {
                let _ = process::send_signal(container.borrow(), number);
            }
        }
    }
}
