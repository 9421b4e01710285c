//! `events`: what a container uses, at intervals, and each time that memory ran out, as lines of JSON in the shape of
//! runc's; until the container ends. With `--stats`, what it uses now, once.

use super::{Container, Context};
use crate::arguments::{self, Known, flag, value};
use crate::create::from_cgroup;
use crate::error::{About, Error};
use crate::state::Status;
use alloc::format;
use alloc::vec::Vec;
use json::Value;
use kernel::poll::{self, READABLE};
use kernel::{BorrowedFd, Errno, clock, fs};

const OPTIONS: &[Known] = &[value("interval", None), flag("stats", None)];
const SECOND: u64 = 1_000_000_000;

pub(super) fn run(context: &Context<'_>) -> Result<i32, Error> {
    let given = arguments::read(context.arguments, OPTIONS, None)?;
    let interval = given.text("interval")?.map_or(Ok(5 * SECOND), duration)?;
    let container = Container::find(context, given.id()?)?;
    if matches!(container.status(), Status::Stopped | Status::Creating) {
        return Err(container.cannot("have events"));
    }
    if given.has("stats") {
        return print_statistics(&container).map(|_| 0);
    }
    watch(context, &container, interval)
}

/// Prints until the container has ended, or nobody listens.
fn watch(context: &Context<'_>, container: &Container, interval: u64) -> Result<i32, Error> {
    let Some(process) = container.state.process() else { return Err(container.cannot("have events")) };
    let mut memory = match container.group.watch_oom() {
        Ok(watch) => Some(watch),
        Err(error) => {
            context.log.warning(format_args!("no notice when memory runs out: {error}"));
            None
        }
    };
    let mut next = clock::steady() + interval;
    loop {
        // Rounded up: a wait that is too short would be followed by ones of no time at all.
        let rest = next.saturating_sub(clock::steady()).div_ceil(1_000_000);
        let mut wanted: Vec<(BorrowedFd<'_>, i16)> = alloc::vec![(process.borrow(), READABLE)];
        wanted.extend(memory.as_ref().map(|watch| (watch.fd(), READABLE)));
        let ready = poll::poll(&wanted, Some(rest)).about(|| "wait for events")?;
        let ended = ready.first() == Some(&true);
        if let (Some(true), Some(watch)) = (ready.get(1), memory.as_mut())
            // Of version 1 the notice comes at the end of the group, too.
            && watch.take().map_err(from_cgroup)?
            && (!ended || container.group.processes(false).is_ok_and(|all| !all.is_empty()))
            && !print_event(container, "oom", None)?
        {
            return Ok(0);
        }
        if ended {
            return Ok(0);
        }
        if clock::steady() >= next {
            next += interval;
            if !print_statistics(container)? {
                return Ok(0);
            }
        }
    }
}

fn print_statistics(container: &Container) -> Result<bool, Error> {
    print_event(container, "stats", Some(container.group.statistics().map_err(from_cgroup)?))
}

/// Whether somebody still reads.
fn print_event(container: &Container, kind: &str, data: Option<Value>) -> Result<bool, Error> {
    let members = [("type", kind.into()), ("id", container.state.id.as_str().into())];
    let line = json::object(members.into_iter().chain(data.map(|data| ("data", data))));
    match fs::write_all(BorrowedFd::standing(1), format!("{line}\n").as_bytes()) {
        Ok(()) => Ok(true),
        Err(Errno::EPIPE) => Ok(false),
        Err(errno) => Err(Error::system("print an event", errno)),
    }
}

/// Nanoseconds of `5s`, `1m30s`, `250ms`, `1.5h`, as Go writes durations; more than 0.
fn duration(text: &str) -> Result<u64, Error> {
    let wrong = || Error::Usage(format!("--interval: {text:?} is no duration such as 5s or 250ms"));
    const UNITS: [(&str, u64); 6] =
        [("ns", 1), ("us", 1000), ("ms", 1_000_000), ("s", SECOND), ("m", 60 * SECOND), ("h", 3600 * SECOND)];
    let mut total = 0f64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits =
            rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.').len();
        let (number, after) = rest.split_at(digits);
        let letters = after.len() - after.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()).len();
        let (unit, after) = after.split_at(letters);
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        total += number.parse::<f64>().map_err(|_| wrong())? * *size as f64;
        rest = after;
    }
    // A year is long enough, and far from any overflow.
    if (1.0..=366.0 * 86_400e9).contains(&total) { Ok(total as u64) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        for (text, wanted) in
            [("5s", 5 * SECOND), ("250ms", SECOND / 4), ("1m30s", 90 * SECOND), ("1.5h", 5400 * SECOND), ("1ns", 1)]
        {
            assert_eq!(duration(text).unwrap(), wanted, "{text}");
        }
        for text in ["", "5", "s", "-1s", "0s", "1x", "1..2s", "99999999h", "5 s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
