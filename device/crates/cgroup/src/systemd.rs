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
    start_at(&mut connect(unit)?, unit, &start_properties(unit, resources, unified, process)?)
}

fn start_at(connection: &mut Connection, unit: &Unit, properties: &Properties) -> Result<()> {
    let body = || {
        let mut body = Writer::default();
        body.string(&unit.name);
        body.string("replace");
        write_properties(&mut body, properties);
        // No further units.
        body.array(8, |_| {});
        body
    };
    let attempt = |connection: &mut Connection| connection.call("StartTransientUnit", "ssa(sv)a(sa(sv))", body());
    let reply = match attempt(connection) {
        // One of the same name that failed, before.
        Err(dbus::Error::Failed { name, .. }) if name == "org.freedesktop.systemd1.UnitExists" => {
            reset_failed(connection, unit);
            attempt(connection)?
        }
        result => result?,
    };
    finish(connection, unit, &reply)
}

/// Stops the unit, which ends its processes. One that is not there is stopped.
pub(crate) fn stop(unit: &Unit) -> Result<()> {
    stop_at(&mut connect(unit)?, unit)
}

fn stop_at(connection: &mut Connection, unit: &Unit) -> Result<()> {
    let mut body = Writer::default();
    body.string(&unit.name);
    body.string("replace");
    match connection.call("StopUnit", "ss", body) {
        Err(dbus::Error::Failed { name, .. }) if name == "org.freedesktop.systemd1.NoSuchUnit" => return Ok(()),
        result => finish(connection, unit, &result?)?,
    }
    // A unit that failed would keep its name.
    reset_failed(connection, unit);
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
    let tasks = resources.pids_limit.filter(|&limit| limit != 0);
    number("TasksMax", tasks.map(|limit| u64::try_from(limit).unwrap_or(u64::MAX)));
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
fn write_properties(body: &mut Writer, properties: &Properties) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dbus::tests::{Bus, Fate};
    use runtime_spec::Node;

    fn unit() -> Unit {
        Unit { name: "libpod-abc.scope".into(), slice: "machine.slice".into(), user: None }
    }

    fn properties(text: &str, unified: bool) -> Properties {
        let resources = Resources::read(&Node::document(&json::parse(text.as_bytes()).unwrap())).unwrap();
        limits(&resources, unified).unwrap()
    }

    #[test]
    fn slices_are_nested_by_their_names() {
        for (slice, wanted) in
            [("a.slice", "/a.slice"), ("a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice"), ("-.slice", "")]
        {
            assert_eq!(expand_slice(slice).as_deref(), Some(wanted), "{slice}");
        }
        for slice in ["", ".slice", "a", "a--b.slice", "-a.slice", "a-.slice", "a/b.slice", "--.slice"] {
            assert_eq!(expand_slice(slice), None, "{slice}");
        }
    }

    #[test]
    fn limits_become_properties() {
        let podman = r#"{"memory": {"limit": 1000, "swap": 3000, "reservation": 500}, "pids": {"limit": 0},
            "cpu": {"shares": 1024, "quota": 15001, "period": 50000, "cpus": "0-1,9"}}"#;
        let number = Property::Number;
        assert_eq!(
            properties(podman, true),
            [
                ("MemoryMax", number(1000)),
                ("MemoryLow", number(500)),
                ("MemorySwapMax", number(2000)),
                ("CPUWeight", number(100)),
                ("CPUQuotaPeriodUSec", number(50_000)),
                ("CPUQuotaPerSecUSec", number(310_000)),
                ("AllowedCPUs", Property::Bytes(vec![3, 2])),
            ]
        );
        assert_eq!(properties(podman, false)[..2], [("MemoryLimit", number(1000)), ("CPUShares", number(1024))]);
        let none = r#"{"memory": {"limit": -1}, "cpu": {"quota": -1}, "pids": {"limit": -1}}"#;
        let all_bits = properties(none, true);
        assert!(all_bits.iter().all(|(_, value)| *value == number(u64::MAX)) && all_bits.len() == 4, "{all_bits:?}");
        assert_eq!(properties("{}", true), []);
    }

    #[test]
    fn lists_become_bits() {
        assert_eq!(bits_of("0-3,7"), Some(vec![0x8f]));
        assert_eq!(bits_of("8"), Some(vec![0, 1]));
        for odd in ["3-1", "x", "1-", "0-99999999", "-1"] {
            assert_eq!(bits_of(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_scope_starts_when_its_job_is_over() {
        for fate in [Fate::Good, Fate::SignalFirst, Fate::Slow, Fate::BigEndian, Fate::NameTaken] {
            let bus = Bus::start(fate, false);
            let all = start_properties(&unit(), &Resources::default(), true, Some(77)).unwrap();
            start_at(&mut bus.connect().unwrap(), &unit(), &all).unwrap();
            let (method, body) = bus.calls().into_iter().next_back().unwrap();
            assert_eq!(method, "StartTransientUnit");
            let holds = |text: &[u8]| body.windows(text.len()).any(|window| window == text);
            assert!(holds(b"libpod-abc.scope\0") && holds(b"machine.slice\0") && holds(&77u32.to_le_bytes()));
        }
    }

    #[test]
    fn what_goes_wrong_is_told() {
        let start = |fate| start_at(&mut Bus::start(fate, false).connect()?, &unit(), &Properties::new());
        let failed = Error::Unit { unit: "libpod-abc.scope".into(), result: "failed".into() };
        assert_eq!(start(Fate::JobFails), Err(failed));
        assert!(matches!(start(Fate::Denied), Err(Error::Bus(error)) if error.is_refusal()));
        assert_eq!(start(Fate::NotThisUser), Err(Error::Bus(dbus::Error::Refused)));
        assert!(matches!(start(Fate::Closes), Err(Error::Bus(dbus::Error::Closed | dbus::Error::Transfer(_)))));
        assert!(matches!(start(Fate::Garbage), Err(Error::Bus(dbus::Error::Malformed(_)))));
    }

    #[test]
    fn a_unit_that_is_gone_is_stopped() {
        let stop = |fate| stop_at(&mut Bus::start(fate, false).connect().unwrap(), &unit());
        assert_eq!((stop(Fate::Good), stop(Fate::NoUnit)), (Ok(()), Ok(())));
        assert!(stop(Fate::JobFails).is_err());
    }
}
