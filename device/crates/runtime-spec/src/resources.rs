//! `linux.resources`: what a container may use. Also the whole document that `update --resources` takes.

use crate::node::{Error, Node};
use alloc::string::String;
use alloc::vec::Vec;

/// Limits. What is `None` is left as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    /// Allowed and refused devices, a later rule over an earlier one.
    pub devices: Vec<DeviceRule>,
    /// Bytes.
    pub memory: Memory,
    /// Processors.
    pub cpu: Cpu,
    /// The most processes and threads; −1: any number.
    pub pids_limit: Option<i64>,
    /// Input and output.
    pub block_io: BlockIo,
    /// Large pages.
    pub hugepage_limits: Vec<HugepageLimit>,
    /// Of version 1: class id of its packets.
    pub network_class: Option<u32>,
    /// Of version 1: priorities of its packets by interface.
    pub network_priorities: Vec<NetworkPriority>,
    /// Limits of RDMA by device.
    pub rdma: Vec<RdmaLimit>,
    /// Files of version 2 by name.
    pub unified: Vec<(String, String)>,
}

/// A rule about devices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeviceRule {
    /// Allowed or refused.
    pub allow: bool,
    /// `a` (all), `c` or `b`.
    pub kind: char,
    /// `None`: any.
    pub major: Option<u32>,
    /// `None`: any.
    pub minor: Option<u32>,
    /// Reading.
    pub read: bool,
    /// Writing.
    pub write: bool,
    /// Making such a device file.
    pub mknod: bool,
}

/// `memory`; −1: no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Bytes.
    pub limit: Option<i64>,
    /// Bytes to aim at when memory is short.
    pub reservation: Option<i64>,
    /// Bytes of memory and swap together.
    pub swap: Option<i64>,
    /// Bytes of the kernel's; of version 1.
    pub kernel: Option<i64>,
    /// Bytes of the kernel's for TCP; of version 1.
    pub kernel_tcp: Option<i64>,
    /// 0 to 100; of version 1.
    pub swappiness: Option<u64>,
    /// Wait rather than be killed; of version 1.
    pub disable_oom_killer: Option<bool>,
    /// Count what is below; of version 1.
    pub use_hierarchy: Option<bool>,
    /// A new limit below what is used is refused.
    pub check_before_update: bool,
}

/// `cpu`; times in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cpu {
    /// Weight beside others, 2 to 262,144.
    pub shares: Option<u64>,
    /// Time in each period; −1: any.
    pub quota: Option<i64>,
    /// What may be saved up.
    pub burst: Option<u64>,
    /// The period.
    pub period: Option<u64>,
    /// Real time in each of its periods.
    pub realtime_runtime: Option<i64>,
    /// The period of that.
    pub realtime_period: Option<u64>,
    /// Processors, `0-3,7`.
    pub cpus: Option<String>,
    /// Memory nodes.
    pub mems: Option<String>,
    /// 1: only when nothing else runs.
    pub idle: Option<i64>,
}

/// `blockIO`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockIo {
    /// 10 to 1000.
    pub weight: Option<u16>,
    /// Of version 1, beside its children.
    pub leaf_weight: Option<u16>,
    /// By device.
    pub weight_device: Vec<Weight>,
    /// Bytes a second.
    pub read_bps: Vec<Throttle>,
    /// Bytes a second.
    pub write_bps: Vec<Throttle>,
    /// Operations a second.
    pub read_iops: Vec<Throttle>,
    /// Operations a second.
    pub write_iops: Vec<Throttle>,
}

/// A weight for one device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weight {
    /// Of the device.
    pub major: u64,
    /// Of the device.
    pub minor: u64,
    /// 10 to 1000.
    pub weight: Option<u16>,
    /// Of version 1.
    pub leaf_weight: Option<u16>,
}

/// A limit for one device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Throttle {
    /// Of the device.
    pub major: u64,
    /// Of the device.
    pub minor: u64,
    /// A second.
    pub rate: u64,
}

/// A limit of large pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HugepageLimit {
    /// `2MB`.
    pub page_size: String,
    /// Bytes.
    pub limit: u64,
}

/// A priority for one interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkPriority {
    /// Interface.
    pub name: String,
    /// Its priority.
    pub priority: u32,
}

/// Limits of one RDMA device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RdmaLimit {
    /// Device.
    pub device: String,
    /// The most handles.
    pub hca_handles: Option<u32>,
    /// The most objects.
    pub hca_objects: Option<u32>,
}

impl Resources {
    /// Reads the object.
    pub fn read(node: &Node<'_>) -> Result<Self, Error> {
        node.object()?;
        let network = node.get("network");
        let network = network.as_ref();
        Ok(Self {
            devices: node.or_default("devices", |list| list.each(DeviceRule::read))?,
            memory: node.or_default("memory", Memory::read)?,
            cpu: node.or_default("cpu", Cpu::read)?,
            pids_limit: node.optional("pids", |pids| pids.optional("limit", Node::number))?.flatten(),
            block_io: node.or_default("blockIO", BlockIo::read)?,
            hugepage_limits: node.or_default("hugepageLimits", |list| list.each(HugepageLimit::read))?,
            network_class: network.map(|node| node.optional("classID", Node::number)).transpose()?.flatten(),
            network_priorities: network
                .map(|node| node.or_default("priorities", |list| list.each(NetworkPriority::read)))
                .transpose()?
                .unwrap_or_default(),
            rdma: node.or_default("rdma", |map| map.members(RdmaLimit::read))?,
            unified: node.or_default("unified", |map| map.members(unified))?,
        })
    }
}

/// The name of a file of a cgroup, which must not be anywhere else.
fn unified(name: &str, node: &Node<'_>) -> Result<(String, String), Error> {
    if name.is_empty() || name.contains('/') || name == ".." || name == "." {
        return Err(node.error("is no name of a cgroup's file"));
    }
    Ok((name.into(), node.string()?))
}

impl DeviceRule {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let kinds = &[("a", 'a'), ("c", 'c'), ("b", 'b'), ("", 'a')];
        let number = |key| Ok(node.optional(key, Node::number::<i64>)?.and_then(|number| u32::try_from(number).ok()));
        let access = node.optional("access", Node::text)?.unwrap_or("rwm");
        if let Some(odd) = access.chars().find(|letter| !"rwm".contains(*letter)) {
            return Err(node.error(alloc::format!("access has {odd:?}, which is none of r, w and m")));
        }
        Ok(Self {
            allow: node.required("allow", Node::bool)?,
            kind: node.optional("type", |name| name.named("type of device", kinds))?.unwrap_or('a'),
            major: number("major")?,
            minor: number("minor")?,
            read: access.contains('r'),
            write: access.contains('w'),
            mknod: access.contains('m'),
        })
    }
}

impl Memory {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let bytes = |key| node.optional(key, Node::number);
        Ok(Self {
            limit: bytes("limit")?,
            reservation: bytes("reservation")?,
            swap: bytes("swap")?,
            kernel: bytes("kernel")?,
            kernel_tcp: bytes("kernelTCP")?,
            swappiness: node.optional("swappiness", Node::u64)?,
            disable_oom_killer: node.optional("disableOOMKiller", Node::bool)?,
            use_hierarchy: node.optional("useHierarchy", Node::bool)?,
            check_before_update: node.or_default("checkBeforeUpdate", Node::bool)?,
        })
    }
}

impl Cpu {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let list = |key| Ok(node.optional(key, Node::string)?.filter(|text| !text.is_empty()));
        Ok(Self {
            shares: node.optional("shares", Node::u64)?,
            quota: node.optional("quota", Node::number)?,
            burst: node.optional("burst", Node::u64)?,
            period: node.optional("period", Node::u64)?,
            realtime_runtime: node.optional("realtimeRuntime", Node::number)?,
            realtime_period: node.optional("realtimePeriod", Node::u64)?,
            cpus: list("cpus")?,
            mems: list("mems")?,
            idle: node.optional("idle", Node::number)?,
        })
    }
}

impl BlockIo {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let rates = |key| node.or_default(key, |list: &Node<'_>| list.each(Throttle::read));
        Ok(Self {
            weight: node.optional("weight", Node::number)?,
            leaf_weight: node.optional("leafWeight", Node::number)?,
            weight_device: node.or_default("weightDevice", |list| list.each(Weight::read))?,
            read_bps: rates("throttleReadBpsDevice")?,
            write_bps: rates("throttleWriteBpsDevice")?,
            read_iops: rates("throttleReadIOPSDevice")?,
            write_iops: rates("throttleWriteIOPSDevice")?,
        })
    }
}

impl Weight {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        Ok(Self {
            major: node.required("major", Node::u64)?,
            minor: node.required("minor", Node::u64)?,
            weight: node.optional("weight", Node::number)?,
            leaf_weight: node.optional("leafWeight", Node::number)?,
        })
    }
}

impl Throttle {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        Ok(Self {
            major: node.required("major", Node::u64)?,
            minor: node.required("minor", Node::u64)?,
            rate: node.required("rate", Node::u64)?,
        })
    }
}

impl HugepageLimit {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let page_size = node.required("pageSize", Node::string)?;
        let digits = page_size.trim_end_matches(|letter: char| letter.is_ascii_uppercase());
        let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !number || !matches!(page_size.get(digits.len()..), Some("KB" | "MB" | "GB")) {
            return Err(node.error(alloc::format!("pageSize {page_size:?} is not like 64KB, 2MB or 1GB")));
        }
        Ok(Self { page_size, limit: node.required("limit", Node::u64)? })
    }
}

impl NetworkPriority {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        Ok(Self { name: node.required("name", Node::string)?, priority: node.required("priority", Node::number)? })
    }
}

impl RdmaLimit {
    fn read(device: &str, node: &Node<'_>) -> Result<Self, Error> {
        Ok(Self {
            device: device.into(),
            hca_handles: node.optional("hcaHandles", Node::number)?,
            hca_objects: node.optional("hcaObjects", Node::number)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Resources, String> {
        Resources::read(&Node::document(&json::parse(text.as_bytes()).unwrap())).map_err(|error| error.to_string())
    }

    #[test]
    fn limits_are_read_and_the_rest_left_open() {
        let resources = read(
            r#"{"memory": {"limit": -1, "swap": 2147483648}, "cpu": {"quota": 5000, "cpus": ""}, "pids": {"limit": 10},
            "devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": -1, "access": "r"}],
            "hugepageLimits": [{"pageSize": "2MB", "limit": 9}], "unified": {"memory.high": "1"}}"#,
        )
        .unwrap();
        assert_eq!((resources.memory.limit, resources.memory.swap), (Some(-1), Some(2_147_483_648)));
        assert_eq!((resources.cpu.quota, resources.cpu.cpus.as_deref()), (Some(5000), None));
        assert_eq!(resources.pids_limit, Some(10));
        assert_eq!(
            resources.devices.iter().map(|rule| (rule.kind, rule.major)).collect::<Vec<_>>(),
            [('a', None), ('c', Some(1))]
        );
        assert_eq!(resources.devices.last().unwrap().minor, None);
    }

    #[test]
    fn what_would_leave_the_cgroup_is_refused() {
        for name in ["../x", "a/b", "..", ""] {
            let text = format!(r#"{{"unified": {{"{name}": "1"}}}}"#);
            assert!(read(&text).unwrap_err().contains("no name of a cgroup's file"), "{name}");
        }
        for size in ["2", "MB", "2MiB", "../2MB", "2mb"] {
            let text = format!(r#"{{"hugepageLimits": [{{"pageSize": "{size}", "limit": 1}}]}}"#);
            assert!(read(&text).unwrap_err().contains("pageSize"), "{size}");
        }
        assert!(read(r#"{"devices": [{"allow": true, "access": "rx"}]}"#).unwrap_err().contains("access"));
    }
}
