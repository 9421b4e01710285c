//! coracle-oci: an OCI runtime for Linux that is small and quick to start.
//!
//! A command (`create`, `run`, `start`, `exec` …) runs outside of the container: it reads the bundle, keeps the state, and makes the
//! container's process. That goes through two stages. The first is a copy of the command, which becomes the inside of the
//! container (`child`). The second is this program anew, executed from a mount that cannot be written, which knows nothing
//! but the job that the command sends it, and becomes the container's program (`init`). docs/oci-runtime.md has the whole.

#![cfg_attr(not(test), no_std)]

extern crate alloc;

mod arguments;
mod bundle;
mod cgroup_mounts;
mod channel;
mod child;
mod commands;
mod console;
mod create;
mod error;
mod filter;
mod foreground;
#[doc(hidden)]
pub mod fuzzing;
mod hooks;
mod id_map;
mod identity;
mod init;
mod job;
mod log;
mod making;
mod namespaces;
mod network;
mod pool;
mod program;
mod rdt;
mod rootfs;
mod state;

use kernel::program::Invocation;
use kernel::{BorrowedFd, CWD, fs};

/// Runs the program; gives its exit code.
#[must_use]
pub fn main(invocation: Invocation) -> i32 {
    let arguments = invocation.arguments.get(1..).unwrap_or_default();
    match arguments.split_first() {
        Some((first, rest)) if *first == init::COMMAND => init::main(rest),
        Some((first, rest)) if *first == pool::keeper::COMMAND => pool::keeper::main(rest),
        _ => {
            open_standing();
            commands::run(arguments, &invocation.environment)
        }
    }
}

/// Where the caller has closed standard input, output or error, nothing that is opened here may get into their places.
fn open_standing() {
    const F_GETFD: u32 = 1;
    for number in 0..3 {
        if fs::control(BorrowedFd::standing(number), F_GETFD, 0).is_err()
            && let Ok(null) = fs::open(CWD, c"/dev/null", fs::O_RDWR, 0)
        {
            // It is the lowest number that was free, this one.
            let _ = fs::stay_open_on_exec(null.borrow());
            let _ = null.into_raw();
        }
    }
}
