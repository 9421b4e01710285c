//! What people see, and the end of a boot that failed.

use crate::error::Error;
use linux::system;
use std::io::Write;
use std::time::Duration;

/// Prints one line on the console, in one write, so that lines of the kernel do not cut it.
macro_rules! say {
    ($($part:tt)*) => { $crate::console::print(format_args!($($part)*)) };
}
pub(crate) use say;

pub(crate) fn print(text: std::fmt::Arguments<'_>) {
    let line = format!("coracle-init: {text}\n");
    // A console that cannot be written to is no reason to stop.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// What `panic=` says: what to do when nothing can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Panic {
    /// Restart after so long.
    Restart(Duration),
    /// Stop, so that the message can be read.
    Halt,
}

/// Says why, and ends the machine as `panic=` wants it.
pub(crate) fn fatal(error: &Error, panic: Panic) -> ! {
    say!("fatal: {error}");
    let ended = match panic {
        Panic::Restart(wait) => {
            say!("restarting in {} s", wait.as_secs());
            std::thread::sleep(wait);
            system::restart()
        }
        Panic::Halt => system::halt(),
    };
    if let Err(error) = ended {
        say!("the kernel does not end the machine: {error}");
    }
    // The first process must not end: that would be a kernel panic, and the message would scroll away.
    loop {
        std::thread::park();
    }
}
