//! Limits as files of version 1 (kernel documentation, `admin-guide/cgroup-v1/`).

use super::convert::or_max;
use super::{Absent, Write};
use crate::devices;
use crate::{Error, Result};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use runtime_spec::{BlockIo, Cpu, Memory, Resources, Throttle};

/// All writes, each with the controller in whose hierarchy it is.
pub(crate) fn writes(resources: &Resources) -> Result<Vec<Write>> {
    let mut all = devices::version_1_writes(&resources.devices)?;
    if let Some(limit) = resources.pids_limit.filter(|&limit| limit != 0) {
        all.push(Write::new("pids", "pids.limit", "pids.max", or_max(limit)));
    }
    memory(&resources.memory, &mut all)?;
    cpu(&resources.cpu, &mut all)?;
    block_io(&resources.block_io, &mut all);
    for limit in &resources.hugepage_limits {
        let write = |kind: &str| {
            let file = format!("hugetlb.{}.{kind}limit_in_bytes", limit.page_size);
            Write::new("hugetlb", "hugepageLimits", file, limit.limit.to_string())
        };
        all.push(write(""));
        all.push(write("rsvd.").or(Absent::Passes));
    }
    if let Some(class) = resources.network_class.filter(|&class| class != 0) {
        all.push(Write::new("net_cls", "network.classID", "net_cls.classid", class.to_string()));
    }
    for item in &resources.network_priorities {
        let value = format!("{} {}", item.name, item.priority);
        all.push(Write::new("net_prio", "network.priorities", "net_prio.ifpriomap", value));
    }
    all.extend(rdma(resources));
    if !resources.unified.is_empty() {
        let what = "invalid configuration: cannot use unified on cgroup v1".into();
        return Err(Error::Field { field: "unified", what });
    }
    Ok(all)
}

/// Both versions have the same file.
pub(crate) fn rdma(resources: &Resources) -> impl Iterator<Item = Write> {
    resources.rdma.iter().map(|limit| {
        let mut value = limit.device.clone();
        let counts = [("hca_handle", limit.hca_handles), ("hca_object", limit.hca_objects)];
        for (key, count) in counts.into_iter().filter_map(|(key, count)| Some((key, count?))) {
            value.push_str(&format!(" {key}={count}"));
        }
        Write::new("rdma", "rdma", "rdma.max", value)
    })
}

fn memory(memory: &Memory, all: &mut Vec<Write>) -> Result<()> {
    let bytes = |limit: Option<i64>| limit.filter(|&bytes| bytes != 0);
    let mut set = |field, file, limit: Option<i64>, absent| {
        all.extend(limit.map(|limit| Write::new("memory", field, file, limit.to_string()).or(absent)));
    };
    let limit = bytes(memory.limit);
    // Unlimited memory and nothing about swap: both have to be lifted.
    let swap = bytes(memory.swap).or(limit.filter(|&limit| limit == -1));
    let together = "memory.memsw.limit_in_bytes";
    if limit == Some(-1) {
        // Memory may not be above memory and swap.
        set("memory.swap", together, swap, Absent::Passes);
        set("memory.limit", "memory.limit_in_bytes", limit, Absent::Fails);
    } else {
        set("memory.limit", "memory.limit_in_bytes", limit, Absent::Fails);
        // Kernels may be built, or started, without counting swap.
        set("memory.swap", together, swap, Absent::Passes);
    }
    set("memory.reservation", "memory.soft_limit_in_bytes", bytes(memory.reservation), Absent::Fails);
    // Kernels since 5.16 count the kernel's memory in the limit and have no separate one, so `kernel` is left out, as runc
    // does; that of TCP is still there.
    set("memory.kernelTCP", "memory.kmem.tcp.limit_in_bytes", bytes(memory.kernel_tcp), Absent::Passes);
    if let Some(use_hierarchy) = memory.use_hierarchy {
        let value = if use_hierarchy { "1" } else { "0" };
        all.push(Write::new("memory", "memory.useHierarchy", "memory.use_hierarchy", value));
    }
    if let Some(disable) = memory.disable_oom_killer.filter(|&disable| disable) {
        all.push(Write::new("memory", "memory.disableOOMKiller", "memory.oom_control", u8::from(disable).to_string()));
    }
    match memory.swappiness {
        Some(swappiness @ 0..=100) => {
            all.push(Write::new("memory", "memory.swappiness", "memory.swappiness", swappiness.to_string()));
        }
        Some(odd) => {
            let what = format!("{odd} is not from 0 to 100");
            return Err(Error::Field { field: "memory.swappiness", what });
        }
        None => {}
    }
    Ok(())
}

fn cpu(cpu: &Cpu, all: &mut Vec<Write>) -> Result<()> {
    // The kernel would take the nearest value that it can without a word.
    match cpu.shares.unwrap_or(0) {
        0 => {}
        1 => return Err(Error::Field { field: "cpu.shares", what: "the minimum allowed cpu-shares is 2".into() }),
        shares @ 2..=262_144 => all.push(Write::new("cpu", "cpu.shares", "cpu.shares", shares.to_string())),
        _ => {
            return Err(Error::Field { field: "cpu.shares", what: "the maximum allowed cpu-shares is 262144".into() });
        }
    }
    let period = cpu.period.filter(|&period| period != 0);
    all.extend(period.map(|period| Write::new("cpu", "cpu.period", "cpu.cfs_period_us", period.to_string())));
    let quota = cpu.quota.filter(|&quota| quota != 0);
    all.extend(quota.map(|quota| Write::new("cpu", "cpu.quota", "cpu.cfs_quota_us", quota.max(-1).to_string())));
    all.extend(cpu.burst.map(|burst| {
        let absent = if burst == 0 { Absent::Passes } else { Absent::Fails };
        Write::new("cpu", "cpu.burst", "cpu.cfs_burst_us", burst.to_string()).or(absent)
    }));
    all.extend(cpu.idle.map(|idle| {
        let absent = if idle == 0 { Absent::Passes } else { Absent::Fails };
        Write::new("cpu", "cpu.idle", "cpu.idle", idle.to_string()).or(absent)
    }));
    let period = cpu.realtime_period.filter(|&period| period != 0);
    all.extend(period.map(|time| Write::new("cpu", "cpu.realtimePeriod", "cpu.rt_period_us", time.to_string())));
    let runtime = cpu.realtime_runtime.filter(|&time| time != 0);
    all.extend(runtime.map(|time| Write::new("cpu", "cpu.realtimeRuntime", "cpu.rt_runtime_us", time.to_string())));
    // Android mounts the controller so that its files have no prefix.
    let sets = [("cpu.cpus", "cpuset.cpus", "cpus", &cpu.cpus), ("cpu.mems", "cpuset.mems", "mems", &cpu.mems)];
    for (field, file, bare, set) in sets {
        let Some(set) = set else { continue };
        all.push(Write::new("cpuset", field, file, set.clone()).or(Absent::Instead(bare, set.clone())));
    }
    Ok(())
}

fn block_io(io: &BlockIo, all: &mut Vec<Write>) {
    let some = |weight: Option<u16>| weight.filter(|&weight| weight != 0);
    if let Some(weight) = some(io.weight) {
        let write = Write::new("blkio", "blockIO.weight", "blkio.weight", weight.to_string());
        all.push(write.or(Absent::Instead("blkio.bfq.weight", weight.to_string())));
    }
    if let Some(weight) = some(io.leaf_weight) {
        all.push(Write::new("blkio", "blockIO.leafWeight", "blkio.leaf_weight", weight.to_string()));
    }
    for device in &io.weight_device {
        let value = |weight| format!("{}:{} {weight}", device.major, device.minor);
        if let Some(weight) = some(device.weight) {
            let write = Write::new("blkio", "blockIO.weightDevice", "blkio.weight_device", value(weight));
            all.push(write.or(Absent::Instead("blkio.bfq.weight_device", value(weight))));
        }
        if let Some(weight) = some(device.leaf_weight) {
            all.push(Write::new("blkio", "blockIO.weightDevice", "blkio.leaf_weight_device", value(weight)));
        }
    }
    let mut throttle = |field, file, list: &[Throttle]| {
        for device in list {
            all.push(Write::new("blkio", field, file, format!("{}:{} {}", device.major, device.minor, device.rate)));
        }
    };
    throttle("blockIO.throttleReadBpsDevice", "blkio.throttle.read_bps_device", &io.read_bps);
    throttle("blockIO.throttleWriteBpsDevice", "blkio.throttle.write_bps_device", &io.write_bps);
    throttle("blockIO.throttleReadIOPSDevice", "blkio.throttle.read_iops_device", &io.read_iops);
    throttle("blockIO.throttleWriteIOPSDevice", "blkio.throttle.write_iops_device", &io.write_iops);
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime_spec::Node;

    fn read(text: &str) -> Resources {
        Resources::read(&Node::document(&json::parse(text.as_bytes()).unwrap())).unwrap()
    }

    #[track_caller]
    fn becomes(text: &str, wanted: &[(&str, &str, &str)]) {
        let found = writes(&read(text)).unwrap();
        let found: Vec<_> = found.iter().map(|w| (w.controller.as_ref(), w.file.as_ref(), w.value.as_str())).collect();
        assert_eq!(found, wanted, "{text}");
    }

    #[test]
    fn every_field_has_its_file() {
        becomes(
            r#"{"pids": {"limit": 7}, "memory": {"limit": 5, "swap": 6, "reservation": 4, "kernel": 3, "kernelTCP": 2,
            "swappiness": 0, "disableOOMKiller": true}}"#,
            &[
                ("pids", "pids.max", "7"),
                ("memory", "memory.limit_in_bytes", "5"),
                ("memory", "memory.memsw.limit_in_bytes", "6"),
                ("memory", "memory.soft_limit_in_bytes", "4"),
                ("memory", "memory.kmem.tcp.limit_in_bytes", "2"),
                ("memory", "memory.oom_control", "1"),
                ("memory", "memory.swappiness", "0"),
            ],
        );
        becomes(
            r#"{"memory": {"limit": -1}}"#,
            &[("memory", "memory.memsw.limit_in_bytes", "-1"), ("memory", "memory.limit_in_bytes", "-1")],
        );
        becomes(
            r#"{"cpu": {"shares": 1024, "quota": -5, "period": 100000, "burst": 7, "realtimeRuntime": 8,
            "realtimePeriod": 9, "cpus": "0-1", "mems": "0", "idle": 0}}"#,
            &[
                ("cpu", "cpu.shares", "1024"),
                ("cpu", "cpu.cfs_period_us", "100000"),
                ("cpu", "cpu.cfs_quota_us", "-1"),
                ("cpu", "cpu.cfs_burst_us", "7"),
                ("cpu", "cpu.idle", "0"),
                ("cpu", "cpu.rt_period_us", "9"),
                ("cpu", "cpu.rt_runtime_us", "8"),
                ("cpuset", "cpuset.cpus", "0-1"),
                ("cpuset", "cpuset.mems", "0"),
            ],
        );
        becomes(
            r#"{"blockIO": {"weight": 500, "leafWeight": 300, "weightDevice": [{"major": 8, "minor": 0, "weight": 10,
            "leafWeight": 20}], "throttleWriteBpsDevice": [{"major": 8, "minor": 16, "rate": 3}]},
            "hugepageLimits": [{"pageSize": "64KB", "limit": 9}],
            "network": {"classID": 1048577, "priorities": [{"name": "eth0", "priority": 5}]},
            "rdma": {"mlx4_0": {"hcaObjects": 10}}}"#,
            &[
                ("blkio", "blkio.weight", "500"),
                ("blkio", "blkio.leaf_weight", "300"),
                ("blkio", "blkio.weight_device", "8:0 10"),
                ("blkio", "blkio.leaf_weight_device", "8:0 20"),
                ("blkio", "blkio.throttle.write_bps_device", "8:16 3"),
                ("hugetlb", "hugetlb.64KB.limit_in_bytes", "9"),
                ("hugetlb", "hugetlb.64KB.rsvd.limit_in_bytes", "9"),
                ("net_cls", "net_cls.classid", "1048577"),
                ("net_prio", "net_prio.ifpriomap", "eth0 5"),
                ("rdma", "rdma.max", "mlx4_0 hca_object=10"),
            ],
        );
    }

    #[test]
    fn values_that_the_kernel_would_bend_are_refused() {
        for (text, field) in [
            (r#"{"cpu": {"shares": 1}}"#, "cpu.shares"),
            (r#"{"cpu": {"shares": 262145}}"#, "cpu.shares"),
            (r#"{"memory": {"swappiness": 101}}"#, "memory.swappiness"),
            (r#"{"unified": {"memory.high": "1"}}"#, "unified"),
        ] {
            match writes(&read(text)) {
                Err(Error::Field { field: found, .. }) => assert_eq!(found, field),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
