//! Limits as files of version 2 (kernel documentation, `admin-guide/cgroup-v2.rst`).
//!
//! Fields that version 2 has no place for are errors when they ask for something; memory of the kernel is part of the
//! limit there, so fields about that are left out, as in runc.

use super::convert::{io_weight, or_max, swap_alone, weight_of_shares};
use super::{Absent, Write};
use crate::{Error, Result};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use runtime_spec::{BlockIo, Cpu, Memory, Resources, Throttle};

const NOWHERE: &str = "cannot be set with cgroup version 2";

/// All writes but for devices, in order.
pub(crate) fn writes(resources: &Resources) -> Result<Vec<Write>> {
    let mut all = Vec::new();
    // podman 4 writes 0 where there is to be no limit; runc 1.1 and crun leave it alone, too.
    if let Some(limit) = resources.pids_limit.filter(|&limit| limit != 0) {
        let value = or_max(limit);
        // No limit is what there is without the controller.
        let controller = if value == "max" { "" } else { "pids" };
        let absent = if controller.is_empty() { Absent::Passes } else { Absent::Fails };
        all.push(Write::new(controller, "pids.limit", "pids.max", value).or(absent));
    }
    memory(&resources.memory, &mut all)?;
    cpu(&resources.cpu, &mut all)?;
    cpuset(&resources.cpu, &mut all);
    block_io(&resources.block_io, &mut all)?;
    for limit in &resources.hugepage_limits {
        let write = |kind: &str| {
            let file = format!("hugetlb.{}.{kind}max", limit.page_size);
            Write::new("hugetlb", "hugepageLimits", file, limit.limit.to_string())
        };
        all.push(write(""));
        all.push(write("rsvd.").or(Absent::Passes));
    }
    all.extend(super::v1::rdma(resources));
    if resources.network_class.is_some_and(|class| class != 0) || !resources.network_priorities.is_empty() {
        return Err(Error::Field { field: "network", what: NOWHERE.into() });
    }
    unified(resources, &mut all)?;
    Ok(all)
}

fn memory(memory: &Memory, all: &mut Vec<Write>) -> Result<()> {
    let nowhere = [
        ("memory.swappiness", memory.swappiness.is_some()),
        ("memory.disableOOMKiller", memory.disable_oom_killer == Some(true)),
        ("memory.useHierarchy", memory.use_hierarchy == Some(false)),
    ];
    if let Some((field, _)) = nowhere.into_iter().find(|(_, asked)| *asked) {
        return Err(Error::Field { field, what: NOWHERE.into() });
    }
    let swap = swap_alone(memory.swap, memory.limit)
        .map_err(|what| Error::Field { field: "memory.swap", what: what.into() })?;
    // Kernels may be built without counting swap.
    all.extend(
        swap.map(|swap| Write::new("memory", "memory.swap", "memory.swap.max", or_max(swap)).or(Absent::Passes)),
    );
    let limits =
        [("memory.limit", "memory.max", memory.limit), ("memory.reservation", "memory.low", memory.reservation)];
    for (field, file, limit) in limits {
        let limit = limit.filter(|&bytes| bytes != 0);
        all.extend(limit.map(|limit| Write::new("memory", field, file, or_max(limit))));
    }
    Ok(())
}

fn cpu(cpu: &Cpu, all: &mut Vec<Write>) -> Result<()> {
    let nowhere = [
        ("cpu.realtimeRuntime", cpu.realtime_runtime.is_some_and(|time| time != 0)),
        ("cpu.realtimePeriod", cpu.realtime_period.is_some_and(|time| time != 0)),
    ];
    if let Some((field, _)) = nowhere.into_iter().find(|(_, asked)| *asked) {
        return Err(Error::Field { field, what: NOWHERE.into() });
    }
    all.extend(cpu.idle.map(|idle| Write::new("cpu", "cpu.idle", "cpu.idle", idle.to_string())));
    if let Some(shares) = cpu.shares.filter(|&shares| shares != 0) {
        all.push(Write::new("cpu", "cpu.shares", "cpu.weight", weight_of_shares(shares).to_string()));
    }
    let quota = cpu.quota.filter(|&quota| quota != 0);
    let most = |quota| if quota < 0 { Cow::Borrowed("max") } else { Cow::Owned(format!("{quota}")) };
    match (quota, cpu.period.filter(|&period| period != 0)) {
        (None, None) => {}
        // The period stays.
        (Some(quota), None) => all.push(Write::new("cpu", "cpu.quota", "cpu.max", most(quota))),
        (quota, Some(period)) => {
            let value = format!("{} {period}", most(quota.unwrap_or(-1)));
            let field = if quota.is_some() { "cpu.quota" } else { "cpu.period" };
            all.push(Write::new("cpu", field, "cpu.max", value));
        }
    }
    all.extend(cpu.burst.map(|burst| Write::new("cpu", "cpu.burst", "cpu.max.burst", burst.to_string())));
    Ok(())
}

fn cpuset(cpu: &Cpu, all: &mut Vec<Write>) {
    let sets = [("cpu.cpus", "cpuset.cpus", &cpu.cpus), ("cpu.mems", "cpuset.mems", &cpu.mems)];
    for (field, file, set) in sets {
        all.extend(set.as_ref().map(|set| Write::new("cpuset", field, file, set.clone())));
    }
}

fn block_io(io: &BlockIo, all: &mut Vec<Write>) -> Result<()> {
    let leaf = |weight: Option<u16>| weight.is_some_and(|weight| weight != 0);
    if leaf(io.leaf_weight) || io.weight_device.iter().any(|device| leaf(device.leaf_weight)) {
        return Err(Error::Field { field: "blockIO.leafWeight", what: NOWHERE.into() });
    }
    // The scheduler BFQ has the range of version 1; without it there is a cost model with another.
    if let Some(weight) = io.weight.filter(|&weight| weight != 0) {
        let write = Write::new("io", "blockIO.weight", "io.bfq.weight", weight.to_string());
        all.push(write.or(Absent::Instead("io.weight", io_weight(weight).to_string())));
    }
    for device in &io.weight_device {
        let Some(weight) = device.weight.filter(|&weight| weight != 0) else { continue };
        let name = format!("{}:{}", device.major, device.minor);
        let write = Write::new("io", "blockIO.weightDevice", "io.bfq.weight", format!("{name} {weight}\n"));
        all.push(write.or(Absent::Instead("io.weight", format!("{name} {}\n", io_weight(weight)))));
    }
    let mut throttle = |field, key: &str, list: &[Throttle]| {
        for device in list {
            // 0 lifts the limit, as in version 1.
            let rate = if device.rate == 0 { "max".into() } else { device.rate.to_string() };
            all.push(Write::new("io", field, "io.max", format!("{}:{} {key}={rate}\n", device.major, device.minor)));
        }
    };
    throttle("blockIO.throttleReadBpsDevice", "rbps", &io.read_bps);
    throttle("blockIO.throttleWriteBpsDevice", "wbps", &io.write_bps);
    throttle("blockIO.throttleReadIOPSDevice", "riops", &io.read_iops);
    throttle("blockIO.throttleWriteIOPSDevice", "wiops", &io.write_iops);
    Ok(())
}

/// Files by name come last: they are over what other fields say. A file of several lines takes one a write.
fn unified(resources: &Resources, all: &mut Vec<Write>) -> Result<()> {
    for (file, value) in &resources.unified {
        let Some((controller, _)) = file.split_once('.') else {
            let what = format!("{file:?} is not of the form CONTROLLER.PARAMETER");
            return Err(Error::Field { field: "unified", what });
        };
        let controller = if controller == "cgroup" { "" } else { controller };
        for line in value.lines().filter(|line| !line.is_empty()) {
            let write = Write::new("", "unified", file.clone(), line);
            all.push(Write { controller: Cow::Owned(controller.into()), ..write });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime_spec::Node;

    fn read(text: &str) -> Resources {
        Resources::read(&Node::document(&json::parse(text.as_bytes()).unwrap())).unwrap()
    }

    fn files(text: &str) -> Vec<(String, String)> {
        let all = writes(&read(text)).unwrap();
        all.into_iter().map(|write| (write.file.into_owned(), write.value)).collect()
    }

    #[track_caller]
    fn becomes(text: &str, wanted: &[(&str, &str)]) {
        let found = files(text);
        let found: Vec<_> = found.iter().map(|(file, value)| (file.as_str(), value.as_str())).collect();
        assert_eq!(found, wanted, "{text}");
    }

    #[test]
    fn what_podman_sends_becomes_few_writes() {
        becomes(
            r#"{"memory": {"limit": 67108864, "swap": 134217728}, "cpu": {"shares": 1024, "quota": 50000, "period": 100000},
            "pids": {"limit": 2048}}"#,
            &[
                ("pids.max", "2048"),
                ("memory.swap.max", "67108864"),
                ("memory.max", "67108864"),
                ("cpu.weight", "100"),
                ("cpu.max", "50000 100000"),
            ],
        );
        becomes("{}", &[]);
        becomes(r#"{"memory": {"limit": 0, "kernel": 5, "disableOOMKiller": false}, "cpu": {"quota": 0}}"#, &[]);
    }

    #[test]
    fn every_field_has_its_file() {
        becomes(r#"{"memory": {"reservation": 5}}"#, &[("memory.low", "5")]);
        becomes(r#"{"memory": {"limit": -1}}"#, &[("memory.swap.max", "max"), ("memory.max", "max")]);
        becomes(r#"{"pids": {"limit": -1}}"#, &[("pids.max", "max")]);
        becomes(r#"{"pids": {"limit": 0}}"#, &[]);
        let unlimited = writes(&read(r#"{"pids": {"limit": -1}}"#)).unwrap();
        assert_eq!((unlimited[0].controller.as_ref(), &unlimited[0].absent), ("", &Absent::Passes));
        becomes(r#"{"cpu": {"quota": -1, "burst": 5}}"#, &[("cpu.max", "max"), ("cpu.max.burst", "5")]);
        becomes(r#"{"cpu": {"period": 2000, "idle": 1}}"#, &[("cpu.idle", "1"), ("cpu.max", "max 2000")]);
        becomes(r#"{"cpu": {"cpus": "0-1", "mems": "0"}}"#, &[("cpuset.cpus", "0-1"), ("cpuset.mems", "0")]);
        becomes(
            r#"{"blockIO": {"weight": 500, "weightDevice": [{"major": 8, "minor": 0, "weight": 10}],
            "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 6}],
            "throttleWriteIOPSDevice": [{"major": 8, "minor": 16, "rate": 0}]}}"#,
            &[
                ("io.bfq.weight", "500"),
                ("io.bfq.weight", "8:0 10\n"),
                ("io.max", "8:0 rbps=6\n"),
                ("io.max", "8:16 wiops=max\n"),
            ],
        );
        becomes(
            r#"{"hugepageLimits": [{"pageSize": "2MB", "limit": 9}], "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 4}}}"#,
            &[
                ("hugetlb.2MB.max", "9"),
                ("hugetlb.2MB.rsvd.max", "9"),
                ("rdma.max", "mlx5_1 hca_handle=3 hca_object=4"),
            ],
        );
        becomes(
            r#"{"pids": {"limit": 5}, "unified": {"io.max": "259:0 rbps=2\n253:0 rbps=3", "pids.max": "7", "cpu.idle": ""}}"#,
            &[("pids.max", "5"), ("io.max", "259:0 rbps=2"), ("io.max", "253:0 rbps=3"), ("pids.max", "7")],
        );
    }

    #[test]
    fn what_version_2_cannot_do_is_refused_by_its_field() {
        for (text, field) in [
            (r#"{"memory": {"swappiness": 0}}"#, "memory.swappiness"),
            (r#"{"memory": {"disableOOMKiller": true}}"#, "memory.disableOOMKiller"),
            (r#"{"memory": {"useHierarchy": false}}"#, "memory.useHierarchy"),
            (r#"{"memory": {"swap": 5, "limit": 6}}"#, "memory.swap"),
            (r#"{"cpu": {"realtimeRuntime": 5}}"#, "cpu.realtimeRuntime"),
            (r#"{"cpu": {"realtimePeriod": 5}}"#, "cpu.realtimePeriod"),
            (r#"{"blockIO": {"leafWeight": 5}}"#, "blockIO.leafWeight"),
            (r#"{"network": {"classID": 5}}"#, "network"),
            (r#"{"unified": {"odd": "1"}}"#, "unified"),
        ] {
            match writes(&read(text)) {
                Err(Error::Field { field: found, .. }) => assert_eq!(found, field),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
