//! The bound on everything: a thread that restarts the machine if the boot is not over in time. Executing the root's
//! init ends the thread with everything else of this program.

use crate::console::say;
use linux::system;
use std::io;
use std::thread;
use std::time::Duration;

const LAST_WORDS: Duration = Duration::from_secs(1);

pub(crate) fn start(limit: Duration) {
    let started = spawn(move || {
        after(limit, LAST_WORDS, || {
            // Without a sync: what hangs may be the disk.
            let refused = system::restart_now();
            say!("the kernel does not restart: {refused:?}");
        });
    });
    if let Err(error) = started {
        say!("no limit on the whole boot: starting a thread: {error}");
    }
}

fn after(limit: Duration, last_words: Duration, restart: impl FnOnce()) {
    thread::sleep(limit);
    // A thread says so, since what hangs may be the console, and what hangs there may be the first thread, which then has
    // the stream to itself.
    let _ = spawn(move || say!("fatal: the boot took longer than {} s", limit.as_secs()));
    // A serial line takes its time, and the restart does not wait for it.
    thread::sleep(last_words);
    restart();
}

fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name("watchdog".into()).stack_size(64 << 10).spawn(work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_console_that_takes_nothing_does_not_keep_the_machine_from_restarting() {
        let console = io::stderr().lock();
        let (sender, restarted) = channel();
        spawn(move || after(Duration::ZERO, Duration::from_millis(1), || sender.send(()).unwrap())).unwrap();
        let restarted = restarted.recv_timeout(Duration::from_secs(5));
        drop(console);
        restarted.unwrap();
    }
}
