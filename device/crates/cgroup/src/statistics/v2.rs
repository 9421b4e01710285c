//! Statistics from the files of version 2.

use super::{
    Cpu, Memory, Statistics, Usage, block_entry, cpuset, hugepage_sizes, hugetlb, named, number, pairs, pressure,
};
use crate::directory::Directory;
use alloc::string::ToString;
use alloc::vec::Vec;
use json::Value;

pub(super) fn statistics(directory: &Directory<'_>) -> Statistics {
    Statistics {
        cpu: cpu(directory),
        cpuset: cpuset([("cpus", "".into()), ("mems", "".into())], |_| 0),
        memory: memory(directory),
        pids: pids(directory),
        block_io: block_io(&directory.text("io.stat").unwrap_or_default()),
        block_io_pressure: pressure(directory, "io.pressure"),
        hugetlb: hugepage_sizes(directory, ".current").into_iter().map(|size| huge(directory, size)).collect(),
    }
}

fn cpu(directory: &Directory<'_>) -> Cpu {
    let text = directory.value("cpu.stat").unwrap_or_default();
    let mut cpu = Cpu { pressure: pressure(directory, "cpu.pressure"), ..Cpu::default() };
    for (key, number) in pairs(&text) {
        // Times are in microseconds.
        match key {
            "usage_usec" => cpu.total = number.saturating_mul(1000),
            "user_usec" => cpu.user = number.saturating_mul(1000),
            "system_usec" => cpu.kernel = number.saturating_mul(1000),
            "nr_periods" => cpu.periods = number,
            "nr_throttled" => cpu.throttled_periods = number,
            "throttled_usec" => cpu.throttled = number.saturating_mul(1000),
            _ => {}
        }
    }
    cpu
}

fn memory(directory: &Directory<'_>) -> Memory {
    let text = directory.text("memory.stat").unwrap_or_default();
    let raw: Vec<_> = pairs(&text).map(|(key, number)| (key.to_string(), number)).collect();
    let usage = |prefix: &str| Usage {
        limit: number(directory, &named(prefix, "max")),
        usage: number(directory, &named(prefix, "current")),
        max: number(directory, &named(prefix, "peak")),
        failures: 0,
    };
    let (memory, swap) = (usage("memory"), usage("memory.swap"));
    // Version 1, whose shape this is, counts memory and swap together; their greatest sum is not known.
    let swap = Usage {
        limit: swap.limit.saturating_add(memory.limit),
        usage: swap.usage.saturating_add(memory.usage),
        max: 0,
        failures: 0,
    };
    let cache = raw.iter().find(|(key, _)| key == "file").map_or(0, |(_, number)| *number);
    Memory { cache, usage: memory, swap, raw, pressure: pressure(directory, "memory.pressure"), ..Memory::default() }
}

/// No limit is 0.
fn pids(directory: &Directory<'_>) -> (u64, u64) {
    match directory.number("pids.current") {
        Ok(current) => (current, directory.number("pids.max").ok().filter(|&max| max != u64::MAX).unwrap_or(0)),
        Err(_) => (directory.text("cgroup.procs").map_or(0, |list| list.lines().count() as u64), 0),
    }
}

/// `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`, a line a device.
fn block_io(text: &str) -> Vec<(&'static str, Vec<Value>)> {
    let (mut bytes, mut operations) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let mut parts = line.split(' ');
        let device = parts.next().unwrap_or_default();
        for (key, number) in parts.filter_map(|part| part.split_once('=')) {
            let (list, op) = match key {
                "rbytes" => (&mut bytes, "Read"),
                "wbytes" => (&mut bytes, "Write"),
                "rios" => (&mut operations, "Read"),
                "wios" => (&mut operations, "Write"),
                _ => continue,
            };
            list.extend(number.parse().ok().and_then(|number| block_entry(device, op, number)));
        }
    }
    Vec::from([("ioServiceBytesRecursive", bytes), ("ioServicedRecursive", operations)])
}

fn huge(directory: &Directory<'_>, size: alloc::string::String) -> (alloc::string::String, Value) {
    let prefix = named("hugetlb", &size);
    let events = directory.value(&named(&prefix, "events")).unwrap_or_default();
    let failures = pairs(&events).find(|(key, _)| *key == "max").map_or(0, |(_, count)| count);
    let value = hugetlb(number(directory, &named(&prefix, "current")), 0, failures);
    (size, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_devices_are_sorted_as_in_version_1() {
        let lists = block_io("8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n253:1 rbytes=7\n");
        let shown: Vec<_> = lists.into_iter().map(|(key, list)| format!("{key} {}", Value::Array(list))).collect();
        assert_eq!(
            shown,
            [
                r#"ioServiceBytesRecursive [{"major":8,"op":"Read","value":1},{"major":8,"op":"Write","value":2},{"major":253,"minor":1,"op":"Read","value":7}]"#,
                r#"ioServicedRecursive [{"major":8,"op":"Read","value":3},{"major":8,"op":"Write","value":4}]"#,
            ]
        );
    }
}
