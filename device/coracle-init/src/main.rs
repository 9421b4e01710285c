//! coracle-init: the initramfs's only program. It finds the slot that the kernel was started from, checks and mounts
//! it, brings persist up or does without it, and hands over to the root's own init. docs/boot.md is the contract.
//!
//! Two rules shape it. It never hangs: every wait has a limit, and a thread restarts the machine should all of it take
//! too long. And nothing that persist does keeps the device from coming up: persist is handled by a child process, which
//! can be left behind in whatever the kernel does with a dying medium.

mod console;
mod error;
mod etc;
mod handover;
mod keys;
mod modules;
mod options;
mod persist;
mod root;
mod slot;
mod start;
mod summary;
mod watchdog;

use console::{fatal, say};
use error::Error;
use linux::system::since_boot;
use options::Options;
use std::convert::Infallible;
use std::time::Duration;
use summary::{Summary, Times};

/// How the program is called by itself, for the part that may be left behind.
const PERSIST_WORKER: &str = "persist-worker";

fn main() {
    if std::process::id() == 1 {
        let options = start::mount_kernel_file_systems().and_then(|()| Options::read());
        // The defaults say how to end if the command line cannot be read.
        let (options, started) = match options {
            Ok(options) => (options, Ok(())),
            Err(error) => (Options::default(), Err(error)),
        };
        let Err(error) = started.and_then(|()| boot(&options));
        fatal(&error, options.panic);
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let code = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [PERSIST_WORKER, rest @ ..] => persist::work(rest),
        _ => {
            say!("this is the first program of an initramfs, and nothing else");
            2
        }
    };
    std::process::exit(code);
}

/// From a running kernel to the root's init. Returns only to say what made it impossible.
fn boot(options: &Options) -> Result<Infallible, Error> {
    let begin = since_boot();
    let mut clock = Clock(begin);
    let slot_name = options.slot()?;
    say!("{} starting slot {slot_name}", env!("CARGO_PKG_VERSION"));
    watchdog::start(options.limit());

    modules::load();
    let modules = clock.lap();

    let slot = slot::find(slot_name, begin + options.boot_wait)?;
    let boot = clock.lap();

    root::mount_slot(&slot)?;
    let root = clock.lap();

    handover::enter()?;
    let persist = persist::bring_up(options, &slot.disk);
    let persist = etc::overlay(persist);
    etc::set_host_name();
    keys::take_from_firmware();
    let times = Times { kernel: begin, modules, boot, root, persist: clock.lap(), total: since_boot() - begin };
    Summary { slot: slot_name, version: &slot.manifest.version, persist: &persist, times }.write();
    say!("{persist}; handing over after {} ms", times.total.as_millis());
    handover::execute()
}

/// Takes the time of one step after the other.
struct Clock(Duration);

impl Clock {
    fn lap(&mut self) -> Duration {
        let now = since_boot();
        let lap = now.saturating_sub(self.0);
        self.0 = now;
        lap
    }
}
