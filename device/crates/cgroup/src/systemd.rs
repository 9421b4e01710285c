//! A scope of systemd as a container's group: names, properties, starting and stopping.

use crate::dbus::message::Writer;
use crate::dbus::{self, Connection};
use crate::group::Unit;
use crate::limits::convert;
use crate::{Error, Result};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use runtime_spec::Resources;

/// The path of a slice: `a-b.slice` is in `a.slice`. `None` for what is no name of one.
pub(crate) fn expand_slice(slice: &str) -> Option<String> {
    let name = slice.strip_suffix(".slice").filter(|name| !name.contains('/'))?;
    let mut path = String::new();
    if name == "-" {
        return Some(path);
    }
    for (end, _) in name.match_indices('-').chain([(name.len(), "")]) {
        let part = name.get(..end)?;
        if part.is_empty() || part.ends_with('-') {
            return None;
        }
        path.push_str(&format!("/{part}.slice"));
    }
    Some(path)
}

/// A property's value, of the types that are needed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Property {
    Bool(bool),
    Number(u64),
    Text(String),
    Bytes(Vec<u8>),
    Numbers(Vec<u32>),
    Texts(Vec<String>),
}

type Properties = Vec<(&'static str, Property)>;

/// Starts the unit with a process in it, and waits until it is there.
pub(crate) fn start(unit: &Unit, resources: &Resources, unified: bool, process: Option<i32>) -> Result<()> {
    let mut connection = connect(unit)?;
    let properties = start_properties(unit, resources, unified, process)?;
    let body = || {
        let mut body = Writer::default();
        body.string(&unit.name);
        body.string("replace");
        write_properties(&mut body, &properties);
        // No further units.
        body.array(8, |_| {});
        body
    };
    let attempt = |connection: &mut Connection| connection.call("StartTransientUnit", "ssa(sv)a(sa(sv))", body());
    let reply = match attempt(&mut connection) {
        // One of the same name that failed, before.
        Err(dbus::Error::Failed { name, .. }) if name == "org.freedesktop.systemd1.UnitExists" => {
            reset_failed(&mut connection, unit);
            attempt(&mut connection)?
        }
        result => result?,
    };
    finish(&mut connection, unit, &reply)
}

/// Stops the unit, which ends its processes. One that is not there is stopped.
pub(crate) fn stop(unit: &Unit) -> Result<()> {
    let mut connection = connect(unit)?;
    let mut body = Writer::default();
    body.string(&unit.name);
    body.string("replace");
    match connection.call("StopUnit", "ss", body) {
        Err(dbus::Error::Failed { name, .. }) if name == "org.freedesktop.systemd1.NoSuchUnit" => return Ok(()),
        result => finish(&mut connection, unit, &result?)?,
    }
    // A unit that failed would keep its name.
    reset_failed(&mut connection, unit);
    Ok(())
}

/// Tells systemd of new limits, which it would otherwise write over at its next reload.
pub(crate) fn set_properties(unit: &Unit, resources: &Resources, unified: bool) -> Result<()> {
    let properties = limits(resources, unified)?;
    if properties.is_empty() {
        return Ok(());
    }
    let mut body = Writer::default();
    body.string(&unit.name);
    // Until the unit stops, not for ever.
    body.u32(1);
    write_properties(&mut body, &properties);
    connect(unit)?.call("SetUnitProperties", "sba(sv)", body)?;
    Ok(())
}

fn connect(unit: &Unit) -> Result<Connection> {
    Ok(Connection::open(&dbus::addresses(unit.user), unit.user.unwrap_or(0))?)
}

fn reset_failed(connection: &mut Connection, unit: &Unit) {
    let mut body = Writer::default();
    body.string(&unit.name);
    // It is only there to be reset if it failed.
    let _ = connection.call("ResetFailedUnit", "s", body);
}

fn finish(connection: &mut Connection, unit: &Unit, reply: &dbus::Message) -> Result<()> {
    let job = reply.body().string()?.to_string();
    match connection.wait_for_job(&job)?.as_str() {
        "done" => Ok(()),
        result => Err(Error::Unit { unit: unit.name.clone(), result: result.into() }),
    }
}

fn start_properties(unit: &Unit, resources: &Resources, unified: bool, process: Option<i32>) -> Result<Properties> {
    let mut all = Properties::new();
    all.push(("Description", Property::Text("container".into())));
    if unit.name.ends_with(".slice") {
        all.push(("Wants", Property::Texts(Vec::from([unit.slice.clone()]))));
    } else {
        all.push(("Slice", Property::Text(unit.slice.clone())));
        all.push(("Delegate", Property::Bool(true)));
        let process = process.and_then(|pid| u32::try_from(pid).ok());
        all.extend(process.map(|pid| ("PIDs", Property::Numbers(Vec::from([pid])))));
    }
    all.push(("DefaultDependencies", Property::Bool(false)));
    for name in ["MemoryAccounting", "CPUAccounting", "TasksAccounting"] {
        all.push((name, Property::Bool(true)));
    }
    all.push((if unified { "IOAccounting" } else { "BlockIOAccounting" }, Property::Bool(true)));
    all.extend(limits(resources, unified)?);
    Ok(all)
}

/// Limits as properties (systemd.resource-control(5), org.freedesktop.systemd1(5)). Files have the exact values; these are
/// so that systemd does not write other ones over them.
fn limits(resources: &Resources, unified: bool) -> Result<Properties> {
    let mut all = Properties::new();
    let mut number = |name, number: Option<u64>| all.extend(number.map(|number| (name, Property::Number(number))));
    // −1, no limit, is all bits set.
    let bytes = |limit: Option<i64>| limit.filter(|&limit| limit != 0).map(|limit| limit as u64);
    let (memory, cpu) = (&resources.memory, &resources.cpu);
    let shares = cpu.shares.filter(|&shares| shares != 0);
    if unified {
        let swap = convert::swap_alone(memory.swap, memory.limit)
            .map_err(|what| Error::Field { field: "memory.swap", what: what.into() })?;
        number("MemoryMax", bytes(memory.limit));
        number("MemoryLow", bytes(memory.reservation));
        number("MemorySwapMax", swap.map(|swap| swap as u64));
        number("CPUWeight", shares.map(convert::weight_of_shares));
        number("IOWeight", resources.block_io.weight.filter(|&weight| weight != 0).map(convert::io_weight));
    } else {
        number("MemoryLimit", bytes(memory.limit));
        number("CPUShares", shares);
        number("BlockIOWeight", resources.block_io.weight.filter(|&weight| weight != 0).map(u64::from));
    }
    // systemd takes no 0.
    number("TasksMax", resources.pids_limit.map(|limit| if limit < 0 { u64::MAX } else { limit.max(1) as u64 }));
    let (quota, period) = (cpu.quota.unwrap_or(0), cpu.period.filter(|&period| period != 0));
    number("CPUQuotaPeriodUSec", period);
    if quota != 0 || period.is_some() {
        number("CPUQuotaPerSecUSec", Some(quota_of_a_second(quota, period.unwrap_or(100_000))));
    }
    for (name, field, set) in [("AllowedCPUs", "cpu.cpus", &cpu.cpus), ("AllowedMemoryNodes", "cpu.mems", &cpu.mems)] {
        let Some(set) = set else { continue };
        let bits =
            bits_of(set).ok_or_else(|| Error::Field { field, what: format!("{set:?} is no list like 0-3,7") })?;
        all.push((name, Property::Bytes(bits)));
    }
    Ok(all)
}

/// Microseconds in a second of one processor, rounded up to whole percents, as systemd counts.
fn quota_of_a_second(quota: i64, period: u64) -> u64 {
    match u64::try_from(quota) {
        Ok(quota) if quota > 0 => (quota.saturating_mul(1_000_000) / period).next_multiple_of(10_000),
        _ => u64::MAX,
    }
}

/// `0-3,7` as bits, lowest first.
fn bits_of(list: &str) -> Option<Vec<u8>> {
    let mut bits = Vec::new();
    for part in list.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        if first > last || last >= 8192 {
            return None;
        }
        for number in first..=last {
            if bits.len() <= number / 8 {
                bits.resize(number / 8 + 1, 0);
            }
            *bits.get_mut(number / 8)? |= 1 << (number % 8);
        }
    }
    Some(bits)
}

/// `a(sv)`.
fn write_properties(body: &mut Writer, properties: &[(&'static str, Property)]) {
    body.array(8, |items| {
        for (name, value) in properties {
            items.align(8);
            items.string(name);
            write_variant(items, value);
        }
    });
}

fn write_variant(body: &mut Writer, value: &Property) {
    match value {
        Property::Bool(truth) => {
            body.signature("b");
            body.u32(u32::from(*truth));
        }
        Property::Number(number) => {
            body.signature("t");
            body.u64(*number);
        }
        Property::Text(text) => {
            body.signature("s");
            body.string(text);
        }
        Property::Bytes(bytes) => {
            body.signature("ay");
            body.array(1, |items| items.bytes.extend(bytes));
        }
        Property::Numbers(numbers) => {
            body.signature("au");
            body.array(4, |items| numbers.iter().for_each(|&number| items.u32(number)));
        }
        Property::Texts(texts) => {
            body.signature("as");
            body.array(4, |items| texts.iter().for_each(|text| items.string(text)));
        }
    }
}
