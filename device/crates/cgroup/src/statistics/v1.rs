//! Statistics from the files of version 1.

use super::{Cpu, Memory, Statistics, Usage, block_entry, cpuset, hugepage_sizes, hugetlb, named, number, pairs};
use crate::Group;
use crate::directory::Directory;
use alloc::string::ToString;
use alloc::vec::Vec;
use json::Value;

/// Nanoseconds of a tick of `cpuacct.stat`: `USER_HZ` is 100 on every machine.
const TICK: u64 = 10_000_000;

pub(super) fn statistics(group: &Group) -> Statistics {
    let directory = |controller| group.member(controller).map(|member| Directory::at(&member.directory));
    let mut all =
        Statistics { cpuset: cpuset([("cpus", "".into()), ("mems", "".into())], |_| 0), ..Statistics::default() };
    if let Some(directory) = directory("cpuacct") {
        all.cpu = used(&directory);
    }
    if let Some(directory) = directory("cpu") {
        throttled(&directory, &mut all.cpu);
    }
    if let Some(directory) = directory("cpuset") {
        let list = |file| directory.value(file).unwrap_or_default();
        all.cpuset = cpuset([("cpus", list("cpuset.cpus")), ("mems", list("cpuset.mems"))], |key| {
            directory.value(&named("cpuset", key)).ok().and_then(|value| value.trim().parse().ok()).unwrap_or(0)
        });
    }
    if let Some(directory) = directory("memory") {
        all.memory = memory(&directory);
    }
    if let Some(directory) = directory("pids") {
        let limit = directory.number("pids.max").ok().filter(|&max| max != u64::MAX);
        all.pids = (number(&directory, "pids.current"), limit.unwrap_or(0));
    }
    if let Some(directory) = directory("blkio") {
        all.block_io = block_io(&directory);
    }
    if let Some(directory) = directory("hugetlb") {
        for size in hugepage_sizes(&directory, ".usage_in_bytes") {
            let read = |name: &str| number(&directory, &named(&named("hugetlb", &size), name));
            let value = hugetlb(read("usage_in_bytes"), read("max_usage_in_bytes"), read("failcnt"));
            all.hugetlb.push((size, value));
        }
    }
    all
}

fn used(directory: &Directory<'_>) -> Cpu {
    let mut cpu = Cpu { total: number(directory, "cpuacct.usage"), ..Cpu::default() };
    for (key, ticks) in pairs(&directory.value("cpuacct.stat").unwrap_or_default()) {
        match key {
            "user" => cpu.user = ticks.saturating_mul(TICK),
            "system" => cpu.kernel = ticks.saturating_mul(TICK),
            _ => {}
        }
    }
    let each = directory.text("cpuacct.usage_percpu").unwrap_or_default();
    cpu.each = each.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    // A line a processor: its number, user, system; a heading first.
    for line in directory.text("cpuacct.usage_all").unwrap_or_default().lines().skip(1) {
        let mut numbers = line.split_whitespace().map(|number| number.parse().unwrap_or(0)).skip(1);
        if let (Some(user), Some(kernel)) = (numbers.next(), numbers.next()) {
            cpu.each_user.push(user);
            cpu.each_kernel.push(kernel);
        }
    }
    cpu
}

fn throttled(directory: &Directory<'_>, cpu: &mut Cpu) {
    for (key, number) in pairs(&directory.value("cpu.stat").unwrap_or_default()) {
        match key {
            "nr_periods" => cpu.periods = number,
            "nr_throttled" => cpu.throttled_periods = number,
            "throttled_time" => cpu.throttled = number,
            _ => {}
        }
    }
}

fn memory(directory: &Directory<'_>) -> Memory {
    let text = directory.text("memory.stat").unwrap_or_default();
    let raw: Vec<_> = pairs(&text).map(|(key, number)| (key.to_string(), number)).collect();
    let usage = |prefix: &str| Usage {
        limit: number(directory, &named(prefix, "limit_in_bytes")),
        usage: number(directory, &named(prefix, "usage_in_bytes")),
        max: number(directory, &named(prefix, "max_usage_in_bytes")),
        failures: number(directory, &named(prefix, "failcnt")),
    };
    Memory {
        cache: raw.iter().find(|(key, _)| key == "cache").map_or(0, |(_, number)| *number),
        usage: usage("memory"),
        swap: usage("memory.memsw"),
        kernel: usage("memory.kmem"),
        kernel_tcp: usage("memory.kmem.tcp"),
        raw,
        pressure: None,
    }
}

/// The scheduler BFQ counts more than what throttling counts, which is always there.
fn block_io(directory: &Directory<'_>) -> Vec<(&'static str, Vec<Value>)> {
    let files = [
        ("ioServiceBytesRecursive", "io_service_bytes_recursive"),
        ("ioServicedRecursive", "io_serviced_recursive"),
        ("ioQueueRecursive", "io_queued_recursive"),
        ("ioServiceTimeRecursive", "io_service_time_recursive"),
        ("ioWaitTimeRecursive", "io_wait_time_recursive"),
        ("ioMergedRecursive", "io_merged_recursive"),
        ("ioTimeRecursive", "time_recursive"),
        ("sectorsRecursive", "sectors_recursive"),
    ];
    let read = |prefix: &str| {
        let list = |file| entries(&directory.text(&named(prefix, file)).unwrap_or_default());
        Vec::from(files.map(|(key, file)| (key, list(file))))
    };
    let of_bfq = read("blkio.bfq");
    if of_bfq.iter().any(|(_, list)| !list.is_empty()) { of_bfq } else { read("blkio.throttle") }
}

/// `8:0 Read 123` or `8:0 123` a line; the sum over all devices has no device, and is left out.
fn entries(text: &str) -> Vec<Value> {
    let entry = |line: &str| {
        let mut parts = line.split_whitespace();
        let (device, second, third) = (parts.next()?, parts.next()?, parts.next());
        let (op, number) = third.map_or(("", second), |number| (second, number));
        block_entry(device, op, number.parse().ok()?)
    };
    text.lines().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_devices_are_read() {
        let list = entries("8:0 Read 5\n8:0 Total 5\n8:16 77\nTotal 5\n");
        assert_eq!(
            Value::Array(list).to_string(),
            r#"[{"major":8,"op":"Read","value":5},{"major":8,"op":"Total","value":5},{"major":8,"minor":16,"value":77}]"#
        );
    }
}
