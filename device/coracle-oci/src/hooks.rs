//! Hooks: programs that get the container's state on standard input, one after the other.

use crate::error::{About, Error};
use crate::log::Log;
use alloc::format;
use core::ffi::CStr;
use kernel::process::{self, Clone, Ending, Side};
use kernel::{BorrowedFd, Fd, fs, poll, signal};
use runtime_spec::Hook;

/// Hooks without an environment of their own get that of the command, as from runc and crun.
pub(crate) fn inherit(hooks: &mut [Hook], environment: &[&CStr]) {
    for hook in hooks.iter_mut().filter(|hook| hook.env.is_empty()) {
        hook.env = environment.iter().map(|&pair| pair.into()).collect();
    }
}

/// Runs hooks in order; the first that fails ends it.
pub(crate) fn run(point: &str, hooks: &[Hook], state: &str) -> Result<(), Error> {
    hooks.iter().try_for_each(|hook| {
        run_one(hook, state)
            .map_err(|what| Error::Hook(format!("{point} hook {}: {what}", hook.path.to_string_lossy())))
    })
}

/// Runs every hook, whatever the others did; failures are warnings.
pub(crate) fn run_all(point: &str, hooks: &[Hook], state: &str, log: &Log) {
    for hook in hooks {
        if let Err(error) = run(point, core::slice::from_ref(hook), state) {
            log.warning(&error);
        }
    }
}

fn run_one(hook: &Hook, state: &str) -> Result<(), alloc::string::String> {
    let text = |error: Error| format!("{error}");
    // A file rather than a pipe: a hook that does not read its input harms nobody.
    let input = fs::memory_file(c"state", 1).about(|| "memfd_create").map_err(text)?;
    fs::write_all(input.borrow(), state.as_bytes()).about(|| "write the state").map_err(text)?;
    fs::rewind(input.borrow()).about(|| "rewind the state").map_err(text)?;
    let (pid, handle) = match Clone::default().start().about(|| "start it").map_err(text)? {
        Side::Child => execute(hook, &input),
        Side::Parent { pid, handle } => (pid, handle),
    };
    let limit = hook.timeout.map(|seconds| u64::from(seconds) * 1000);
    let ended = wait_until(&handle, limit).map_err(text)?;
    if !ended {
        let _ = process::send_signal(handle.borrow(), signal::SIGKILL as i32);
    }
    match process::wait(pid).about(|| "wait for it").map_err(text)?.1 {
        _ if !ended => Err(format!("timed out after {} s", hook.timeout.unwrap_or(0))),
        Ending::Exited(0) => Ok(()),
        Ending::Exited(127) => Err("could not be executed, or ended with exit status 127".into()),
        Ending::Exited(code) => Err(format!("exit status {code}")),
        Ending::Signalled(signal) => Err(format!("ended by signal {signal}")),
    }
}

/// Whether the process ended before the time was over.
fn wait_until(handle: &Fd, limit: Option<u64>) -> Result<bool, Error> {
    let start = kernel::clock::steady();
    loop {
        let passed = (kernel::clock::steady() - start) / 1_000_000;
        let rest = limit.map(|limit| limit.saturating_sub(passed));
        let ready = poll::poll(&[(handle.borrow(), poll::READABLE)], rest).about(|| "wait")?;
        if ready.first() == Some(&true) {
            return Ok(true);
        }
        if rest == Some(0) {
            return Ok(false);
        }
    }
}

fn execute(hook: &Hook, input: &Fd) -> ! {
    let _ = signal::block(signal::Set::none());
    let _ = process::signal_on_parents_death(0);
    let ready = fs::duplicate_to(input.borrow(), 0).is_ok() && fs::close_on_exec_from(3).is_ok();
    if ready {
        let own = [hook.path.as_c_str()];
        let arguments: alloc::vec::Vec<&CStr> =
            if hook.args.is_empty() { own.to_vec() } else { hook.args.iter().map(|text| text.as_c_str()).collect() };
        let errno = process::execute(&hook.path, &arguments, &hook.env);
        let _ =
            fs::write_all(BorrowedFd::standing(2), format!("{}: {errno}\n", hook.path.to_string_lossy()).as_bytes());
    }
    process::exit(127)
}
