//! `update`: other limits, from options or a document of resources.

use super::{Container, Context};
use crate::arguments::{self, Given, Known, value};
use crate::bundle;
use crate::create::from_cgroup;
use crate::error::{About, Error};
use crate::state::Status;
use alloc::format;
use kernel::{BorrowedFd, fs};
use runtime_spec::{LIMIT, Node, Resources};

const OPTIONS: &[Known] = &[
    value("resources", Some('r')),
    value("blkio-weight", None),
    value("cpu-period", None),
    value("cpu-quota", None),
    value("cpu-burst", None),
    value("cpu-share", None),
    value("cpu-shares", None),
    value("cpu-rt-period", None),
    value("cpu-rt-runtime", None),
    value("cpu-idle", None),
    value("cpuset-cpus", None),
    value("cpuset-mems", None),
    value("memory", None),
    value("memory-reservation", None),
    value("memory-swap", None),
    value("kernel-memory", None),
    value("kernel-memory-tcp", None),
    value("pids-limit", None),
];

pub(super) fn run(context: &Context<'_>) -> Result<i32, Error> {
    let given = arguments::read(context.arguments, OPTIONS, None)?;
    let container = Container::lock(context, given.id()?)?;
    if matches!(container.status(), Status::Stopped | Status::Creating) {
        return Err(container.cannot("be updated"));
    }
    let resources = match given.get("resources") {
        Some(file) => from_document(file)?,
        None => from_options(&given)?,
    };
    container.group.update(&resources).map_err(from_cgroup)?;
    Ok(0)
}

fn from_document(file: &core::ffi::CStr) -> Result<Resources, Error> {
    let wrong = |what| Error::Document { file: file.to_string_lossy().into_owned(), what };
    let value = if file == c"-" {
        let text = fs::read_all(BorrowedFd::standing(0), LIMIT).about(|| "read standard input")?;
        json::parse(&text).map_err(|error| wrong(format!("{error}")))?
    } else {
        bundle::read_json(file)?
    };
    Resources::read(&Node::document(&value)).map_err(|error| wrong(format!("{error}")))
}

fn from_options(given: &Given) -> Result<Resources, Error> {
    let mut resources = Resources::default();
    let (memory, cpu) = (&mut resources.memory, &mut resources.cpu);
    memory.limit = bytes(given, "memory")?;
    memory.reservation = bytes(given, "memory-reservation")?;
    memory.swap = bytes(given, "memory-swap")?;
    memory.kernel = bytes(given, "kernel-memory")?;
    memory.kernel_tcp = bytes(given, "kernel-memory-tcp")?;
    cpu.shares = given.number("cpu-share")?.or(given.number("cpu-shares")?);
    cpu.quota = given.number("cpu-quota")?;
    cpu.period = given.number("cpu-period")?;
    cpu.burst = given.number("cpu-burst")?;
    cpu.realtime_runtime = given.number("cpu-rt-runtime")?;
    cpu.realtime_period = given.number("cpu-rt-period")?;
    cpu.idle = given.number("cpu-idle")?;
    cpu.cpus = given.text("cpuset-cpus")?.map(Into::into);
    cpu.mems = given.text("cpuset-mems")?.map(Into::into);
    resources.pids_limit = given.number("pids-limit")?;
    resources.block_io.weight = given.number("blkio-weight")?;
    Ok(resources)
}

/// A number of bytes, with k, m, g or t behind it for powers of 1024.
fn bytes(given: &Given, name: &str) -> Result<Option<i64>, Error> {
    let Some(text) = given.text(name)? else { return Ok(None) };
    let wrong = || Error::Usage(format!("--{name}: {text:?} is no number of bytes such as 1048576 or 1m"));
    let bare = text.trim_end_matches(['b', 'B', 'i']);
    let (digits, shift) = match bare.bytes().last() {
        Some(b'k' | b'K') => (bare.get(..bare.len() - 1), 10),
        Some(b'm' | b'M') => (bare.get(..bare.len() - 1), 20),
        Some(b'g' | b'G') => (bare.get(..bare.len() - 1), 30),
        Some(b't' | b'T') => (bare.get(..bare.len() - 1), 40),
        _ => (Some(bare), 0),
    };
    let number: i64 = digits.unwrap_or_default().parse().map_err(|_| wrong())?;
    if number < 0 {
        return Ok(Some(-1));
    }
    number.checked_mul(1 << shift).map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(text: &'static core::ffi::CStr) -> Result<Option<i64>, Error> {
        bytes(&arguments::read(&[c"--memory", text], OPTIONS, None).unwrap(), "memory")
    }

    #[test]
    fn sizes_have_suffixes() {
        for (text, wanted) in [(c"10", 10), (c"2k", 2048), (c"1M", 1 << 20), (c"1GiB", 1 << 30), (c"-1", -1)] {
            assert_eq!(memory(text).unwrap(), Some(wanted));
        }
        for text in [c"", c"k", c"1x", c"99999999999999t"] {
            assert!(memory(text).is_err());
        }
    }
}
