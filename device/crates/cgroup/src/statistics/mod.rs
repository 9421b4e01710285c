//! What a group has used, in the shape of `data` in `runc events --stats` (runc's `types.Stats`). Fields that are marked
//! `omitempty` there are left out when they are 0; what a kernel does not count is 0.

mod v1;
mod v2;

use crate::directory::{Directory, parse_number};
use crate::processes::file_names;
use crate::{Group, Result};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use json::Value;

impl Group {
    /// What the group has used. Without a group, everything is 0.
    pub fn statistics(&self) -> Result<Value> {
        let Some(first) = self.members.first() else { return Ok(Statistics::default().into_value()) };
        let statistics =
            if self.unified { v2::statistics(&Directory::open(&first.directory)?) } else { v1::statistics(self) };
        Ok(statistics.into_value())
    }
}

/// The parts that are read in different ways.
#[derive(Default)]
struct Statistics {
    cpu: Cpu,
    cpuset: Vec<(&'static str, Value)>,
    memory: Memory,
    pids: (u64, u64),
    block_io: Vec<(&'static str, Vec<Value>)>,
    block_io_pressure: Option<Value>,
    hugetlb: Vec<(String, Value)>,
}

/// Nanoseconds, and numbers of periods.
#[derive(Default)]
struct Cpu {
    total: u64,
    each: Vec<u64>,
    each_kernel: Vec<u64>,
    each_user: Vec<u64>,
    kernel: u64,
    user: u64,
    periods: u64,
    throttled_periods: u64,
    throttled: u64,
    pressure: Option<Value>,
}

#[derive(Default)]
struct Memory {
    cache: u64,
    usage: Usage,
    swap: Usage,
    kernel: Usage,
    kernel_tcp: Usage,
    raw: Vec<(String, u64)>,
    pressure: Option<Value>,
}

/// Bytes, and how often the limit was reached.
#[derive(Default, Clone, Copy)]
struct Usage {
    limit: u64,
    usage: u64,
    max: u64,
    failures: u64,
}

impl Statistics {
    fn into_value(self) -> Value {
        let (current, limit) = self.pids;
        let mut block_io: Vec<(&str, Value)> = self
            .block_io
            .into_iter()
            .filter(|(_, entries)| !entries.is_empty())
            .map(|(key, entries)| (key, Value::Array(entries)))
            .collect();
        block_io.extend(self.block_io_pressure.map(|pressure| ("psi", pressure)));
        json::object([
            ("cpu", self.cpu.into_value()),
            ("cpuset", json::object(self.cpuset)),
            ("memory", self.memory.into_value()),
            ("pids", json::object([some("current", current), some("limit", limit)].into_iter().flatten())),
            ("blkio", json::object(block_io)),
            ("hugetlb", Value::Object(self.hugetlb)),
            ("intel_rdt", json::object([])),
            ("network_interfaces", Value::Null),
        ])
    }
}

impl Cpu {
    fn into_value(self) -> Value {
        let list = |key, numbers: Vec<u64>| {
            (!numbers.is_empty()).then(|| (key, Value::Array(numbers.into_iter().map(Value::Whole).collect())))
        };
        let usage = [
            some("total", self.total),
            list("percpu", self.each),
            list("percpu_kernel", self.each_kernel),
            list("percpu_user", self.each_user),
            Some(("kernel", self.kernel.into())),
            Some(("user", self.user.into())),
        ];
        let throttling = [
            some("periods", self.periods),
            some("throttledPeriods", self.throttled_periods),
            some("throttledTime", self.throttled),
        ];
        let parts = [
            Some(("usage", json::object(usage.into_iter().flatten()))),
            Some(("throttling", json::object(throttling.into_iter().flatten()))),
            self.pressure.map(|pressure| ("psi", pressure)),
        ];
        json::object(parts.into_iter().flatten())
    }
}

impl Memory {
    fn into_value(self) -> Value {
        let raw = self.raw.into_iter().map(|(key, number)| (key, number.into())).collect::<Vec<_>>();
        let parts = [
            some("cache", self.cache),
            Some(("usage", self.usage.into_value())),
            Some(("swap", self.swap.into_value())),
            Some(("kernel", self.kernel.into_value())),
            Some(("kernelTCP", self.kernel_tcp.into_value())),
            (!raw.is_empty()).then_some(("raw", Value::Object(raw))),
            self.pressure.map(|pressure| ("psi", pressure)),
        ];
        json::object(parts.into_iter().flatten())
    }
}

impl Usage {
    fn into_value(self) -> Value {
        let parts = [
            Some(("limit", self.limit.into())),
            some("usage", self.usage),
            some("max", self.max),
            Some(("failcnt", self.failures.into())),
        ];
        json::object(parts.into_iter().flatten())
    }
}

/// A member that is left out when it is 0.
fn some(key: &'static str, number: u64) -> Option<(&'static str, Value)> {
    (number != 0).then(|| (key, number.into()))
}

/// A number; 0 for what the kernel does not have.
fn number(directory: &Directory<'_>, file: &str) -> u64 {
    directory.number(file).unwrap_or(0)
}

/// `key number` a line.
fn pairs(text: &str) -> impl Iterator<Item = (&str, u64)> {
    text.lines().filter_map(|line| {
        let (key, number) = line.split_once(' ')?;
        Some((key, parse_number(number).ok()?))
    })
}

/// Of one device: `major`, `minor`, `op`, `value`, each left out when it is 0 or empty.
fn block_entry(device: &str, op: &str, value: u64) -> Option<Value> {
    let (major, minor) = device.split_once(':')?;
    let op = (!op.is_empty()).then(|| ("op", op.into()));
    let parts = [some("major", major.parse().ok()?), some("minor", minor.parse().ok()?), op, some("value", value)];
    Some(json::object(parts.into_iter().flatten()))
}

/// Sizes of large pages, from the names of files such as `hugetlb.2MB.current`.
fn hugepage_sizes(directory: &Directory<'_>, suffix: &str) -> Vec<String> {
    let names = file_names(directory.path).unwrap_or_default();
    let size = |name: &String| {
        let size = name.strip_prefix("hugetlb.")?.strip_suffix(suffix)?;
        (!size.contains('.')).then(|| size.to_owned())
    };
    names.iter().filter_map(size).collect()
}

fn hugetlb(usage: u64, max: u64, failures: u64) -> Value {
    let parts = [some("usage", usage), some("max", max), Some(("failcnt", failures.into()))];
    json::object(parts.into_iter().flatten())
}

/// Pressure (kernel documentation, `accounting/psi.rst`): `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`.
fn pressure(directory: &Directory<'_>, file: &str) -> Option<Value> {
    read_pressure(&directory.value(file).ok()?)
}

fn read_pressure(text: &str) -> Option<Value> {
    let line = |line: &str| {
        let (kind, rest) = line.split_once(' ')?;
        let number = |pair: &str| {
            let (key, number) = pair.split_once('=')?;
            let value = if key == "total" {
                number.parse().map(Value::Whole).ok()?
            } else {
                Value::Number(number.parse().ok()?)
            };
            Some((key.to_owned(), value))
        };
        Some((kind.to_owned(), Value::Object(rest.split(' ').filter_map(number).collect())))
    };
    let lines: Vec<_> = text.lines().filter_map(line).collect();
    (!lines.is_empty()).then_some(Value::Object(lines))
}

/// `0-3,7` as numbers, at most 8192.
fn numbers_of_list(list: &str) -> Value {
    let mut numbers = Vec::new();
    for part in list.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse::<u64>(), last.parse::<u64>()) {
            numbers.extend((first..=last.min(8191)).map(Value::Whole));
        }
    }
    Value::Array(numbers)
}

/// The members of `cpuset` that are always there, and lists that are not empty.
fn cpuset(lists: [(&'static str, String); 2], number: impl Fn(&str) -> i64) -> Vec<(&'static str, Value)> {
    let [cpus, mems] = lists.map(|(key, list)| (!list.trim().is_empty()).then(|| (key, numbers_of_list(&list))));
    let value = |key: &'static str| {
        let number = number(key);
        Some((key, u64::try_from(number).map_or(Value::Number(number as f64), Value::Whole)))
    };
    let rest = [
        "mem_hardwall",
        "mem_exclusive",
        "memory_migrate",
        "memory_spread_page",
        "memory_spread_slab",
        "memory_pressure",
        "sched_load_balance",
        "sched_relax_domain_level",
    ];
    [cpus, value("cpu_exclusive"), mems].into_iter().chain(rest.map(value)).flatten().collect()
}

/// The name of a file with a part of it exchanged.
fn named(prefix: &str, name: &str) -> String {
    format!("{prefix}.{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_is_read() {
        let text =
            "some avg10=0.05 avg60=0.00 avg300=1.20 total=16379\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
        let value = read_pressure(text).unwrap();
        assert_eq!(value.get("some").unwrap().get("total").unwrap().as_whole(), Some(16379));
        assert_eq!(value.get("some").unwrap().get("avg300"), Some(&Value::Number(1.2)));
        assert_eq!(read_pressure(""), None);
    }

    #[test]
    fn without_a_group_everything_is_nothing() {
        let text = Group::none().statistics().unwrap().to_string();
        assert!(text.contains(r#""usage":{"kernel":0,"user":0}"#), "{text}");
        assert!(text.contains(r#""pids":{}"#) && text.contains(r#""hugetlb":{}"#), "{text}");
    }

    #[test]
    fn lists_of_numbers_are_spelt_out() {
        assert_eq!(numbers_of_list("0-2,7\n").to_string(), "[0,1,2,7]");
        assert_eq!(numbers_of_list("\n").to_string(), "[]");
    }
}
