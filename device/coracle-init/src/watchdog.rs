//! The bound on everything: a thread that restarts the machine if the boot is not over in time. Executing the root's
//! init ends the thread with everything else of this program.

use crate::console::say;
use linux::system;
use std::thread;
use std::time::Duration;

const LAST_WORDS: Duration = Duration::from_secs(1);

pub(crate) fn start(limit: Duration) {
    let started = thread::Builder::new().name("watchdog".into()).stack_size(64 << 10).spawn(move || {
        thread::sleep(limit);
        say!("fatal: the boot took longer than {} s", limit.as_secs());
        // A serial line takes its time, and the restart does not wait for it.
        thread::sleep(LAST_WORDS);
        // Without a sync: what hangs may be the disk.
        let refused = system::restart_now();
        say!("the kernel does not restart: {refused:?}");
    });
    if let Err(error) = started {
        say!("no limit on the whole boot: starting a thread: {error}");
    }
}
