//! The reader of [`Linux`] and what is in it, but for resources.

use crate::linux::{
    Device, IdMapping, IntelRdt, Linux, MemoryPolicy, Namespace, NamespaceKind, Seccomp, SeccompArgument, SeccompRule,
    TimeOffset,
};
use crate::names::{MEMORY_POLICIES, MEMORY_POLICY_FLAGS, NAMESPACES, PERSONALITIES};
use crate::node::{Error, Node};
use crate::read_process::numbers_as_bits;
use crate::resources::Resources;
use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;

impl Linux {
    pub(crate) fn read(node: &Node<'_>) -> Result<Self, Error> {
        node.object()?;
        let mappings = |key| node.or_default(key, |list| list.each(IdMapping::read));
        let paths = |key| node.or_default(key, |list| list.each(Node::absolute_path));
        Ok(Self {
            namespaces: node.or_default("namespaces", namespaces)?,
            uid_mappings: mappings("uidMappings")?,
            gid_mappings: mappings("gidMappings")?,
            time_offsets: node.or_default("timeOffsets", |map| map.members(time_offset))?,
            devices: node.or_default("devices", |list| list.each(Device::read))?,
            net_devices: node.or_default("netDevices", |map| map.members(net_device))?,
            cgroups_path: node.optional("cgroupsPath", Node::string)?.filter(|path| !path.is_empty()),
            resources: node.or_default("resources", Resources::read)?,
            intel_rdt: node.optional("intelRdt", IntelRdt::read)?,
            sysctl: node.or_default("sysctl", Node::text_map)?,
            seccomp: node.optional("seccomp", Seccomp::read)?,
            rootfs_propagation: node.optional("rootfsPropagation", Node::string)?.filter(|name| !name.is_empty()),
            masked_paths: paths("maskedPaths")?,
            readonly_paths: paths("readonlyPaths")?,
            mount_label: node.optional("mountLabel", Node::string)?.filter(|label| !label.is_empty()),
            personality: node.optional("personality", personality)?,
            memory_policy: node.optional("memoryPolicy", MemoryPolicy::read)?,
        })
    }

    /// The namespace of a kind, if there is to be one.
    #[must_use]
    pub fn namespace(&self, kind: NamespaceKind) -> Option<&Namespace> {
        self.namespaces.iter().find(|namespace| namespace.kind == kind)
    }
}

fn namespaces(list: &Node<'_>) -> Result<Vec<Namespace>, Error> {
    let all = list.each(|node| {
        Ok(Namespace {
            kind: node.required("type", |name| name.named("kind of namespace", NAMESPACES))?,
            path: node.optional("path", namespace_path)?.flatten(),
        })
    })?;
    for (index, namespace) in all.iter().enumerate() {
        if all.iter().skip(index + 1).any(|other| other.kind == namespace.kind) {
            return Err(list.error("has the same type twice"));
        }
    }
    Ok(all)
}

/// Some callers write an empty path for a new namespace.
fn namespace_path(node: &Node<'_>) -> Result<Option<CString>, Error> {
    if node.text()?.is_empty() { Ok(None) } else { node.absolute_path().map(Some) }
}

impl IdMapping {
    pub(crate) fn read(node: &Node<'_>) -> Result<Self, Error> {
        Ok(Self {
            container_id: node.required("containerID", Node::number)?,
            host_id: node.required("hostID", Node::number)?,
            size: node.required("size", Node::number)?,
        })
    }
}

fn time_offset(clock: &str, node: &Node<'_>) -> Result<TimeOffset, Error> {
    let clock = match clock {
        "monotonic" => "monotonic",
        "boottime" => "boottime",
        _ => return Err(node.error("is no clock with an offset; monotonic and boottime are")),
    };
    Ok(TimeOffset {
        clock,
        seconds: node.or_default("secs", Node::number)?,
        nanoseconds: node.or_default("nanosecs", Node::number)?,
    })
}

impl Device {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let kinds = &[("c", 'c'), ("b", 'b'), ("u", 'u'), ("p", 'p')];
        let kind = node.required("type", |name| name.named("type of device", kinds))?;
        let number = |key| if kind == 'p' { Ok(0) } else { node.required(key, Node::u64) };
        Ok(Self {
            kind,
            path: node.required("path", Node::absolute_path)?,
            major: number("major")?,
            minor: number("minor")?,
            mode: node.optional("fileMode", Node::number)?,
            uid: node.or_default("uid", Node::number)?,
            gid: node.or_default("gid", Node::number)?,
        })
    }
}

fn net_device(name: &str, node: &Node<'_>) -> Result<(String, Option<String>), Error> {
    let valid = |name: &str| {
        !name.is_empty()
            && name.len() < 16
            && name != "."
            && name != ".."
            && !name.contains(|byte: char| byte == '/' || byte == ':' || byte.is_whitespace())
    };
    let new = node.optional("name", Node::string)?.filter(|name| !name.is_empty());
    if !valid(name) || !new.as_deref().is_none_or(valid) {
        return Err(node.error("is no name of a network interface"));
    }
    Ok((name.into(), new))
}

impl IntelRdt {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let given = |key| node.optional(key, Node::string).map(|text| text.filter(|text| !text.is_empty()));
        Ok(Self {
            clos_id: node.optional("closID", clos_id)?.filter(|name| !name.is_empty()),
            schemata: node.or_default("schemata", |list| list.each(one_line))?,
            l3_cache_schema: given("l3CacheSchema")?,
            mem_bw_schema: node.optional("memBwSchema", bandwidth)?.filter(|text| !text.is_empty()),
            enable_monitoring: node.or_default("enableMonitoring", Node::bool)?,
        })
    }
}

/// `/` is the class of all that have none. Some callers write an empty name for none.
fn clos_id(node: &Node<'_>) -> Result<String, Error> {
    let name = node.string()?;
    if name == "." || name == ".." || name.contains('/') && name != "/" {
        return Err(node.error("is no name of a directory"));
    }
    Ok(name)
}

fn bandwidth(node: &Node<'_>) -> Result<String, Error> {
    let text = one_line(node)?;
    if text.is_empty() || text.starts_with("MB:") { Ok(text) } else { Err(node.error("does not begin with MB:")) }
}

fn one_line(node: &Node<'_>) -> Result<String, Error> {
    let text = node.string()?;
    if text.contains('\n') { Err(node.error("holds a line break")) } else { Ok(text) }
}

impl Seccomp {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let strings = |key| node.or_default(key, |list: &Node<'_>| list.each(Node::string));
        let seccomp = Self {
            default_action: node.required("defaultAction", Node::string)?,
            default_errno: node.optional("defaultErrnoRet", Node::number)?,
            architectures: strings("architectures")?,
            flags: node.optional("flags", |list| list.each(Node::string))?,
            listener_path: node.optional("listenerPath", Node::c_string)?.filter(|path| !path.is_empty()),
            listener_metadata: node.optional("listenerMetadata", Node::string)?.filter(|text| !text.is_empty()),
            rules: node.or_default("syscalls", |list| list.each(SeccompRule::read))?,
        };
        if seccomp.listener_metadata.is_some() && seccomp.listener_path.is_none() {
            return Err(node.error("has listenerMetadata without listenerPath"));
        }
        Ok(seccomp)
    }
}

impl SeccompRule {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let rule = Self {
            names: node.required("names", |list| list.each(Node::string))?,
            action: node.required("action", Node::string)?,
            errno: node.optional("errnoRet", Node::number)?,
            arguments: node.or_default("args", |list| list.each(SeccompArgument::read))?,
        };
        if rule.names.is_empty() { Err(node.error("names is empty")) } else { Ok(rule) }
    }
}

impl SeccompArgument {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let index = node.required("index", Node::number::<u32>)?;
        if index > 5 {
            return Err(node.error(alloc::format!("index {index} is not from 0 to 5")));
        }
        Ok(Self {
            index,
            value: node.required("value", Node::u64)?,
            value_two: node.or_default("valueTwo", Node::u64)?,
            op: node.required("op", Node::string)?,
        })
    }
}

fn personality(node: &Node<'_>) -> Result<u64, Error> {
    let flags = node.or_default("flags", |list| list.each(Node::string))?;
    if !flags.is_empty() {
        return Err(node.error("flags are defined by no version of the specification"));
    }
    node.required("domain", |name| name.named("personality", PERSONALITIES))
}

impl MemoryPolicy {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let flags = node.or_default("flags", |list| list.each(|flag| flag.named("flag", MEMORY_POLICY_FLAGS)))?;
        let mode = node.required("mode", |name| name.named("memory policy", MEMORY_POLICIES))?;
        let nodes = node.or_default("nodes", |list| match list.text()? {
            "" => Ok(Vec::new()),
            text => numbers_as_bits(text).ok_or_else(|| list.error("is no list such as 0-3,7")),
        })?;
        Ok(Self { mode: flags.iter().fold(mode, |all, flag| all | flag), nodes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Linux, String> {
        Linux::read(&Node::document(&json::parse(text.as_bytes()).unwrap())).map_err(|error| error.to_string())
    }

    #[test]
    fn namespaces_are_new_or_joined_and_of_one_kind_each() {
        let linux = read(r#"{"namespaces": [{"type": "pid"}, {"type": "network", "path": "/run/netns/a"}]}"#).unwrap();
        assert_eq!(linux.namespace(NamespaceKind::Network).unwrap().path.as_deref(), Some(c"/run/netns/a"));
        assert_eq!(linux.namespace(NamespaceKind::User), None);
        let twice = r#"{"namespaces": [{"type": "pid"}, {"type": "pid", "path": "/a"}]}"#;
        assert_eq!(read(twice).unwrap_err(), "namespaces: has the same type twice");
        let odd = r#"{"namespaces": [{"type": "pids"}]}"#;
        assert_eq!(read(odd).unwrap_err(), r#"namespaces[0].type: "pids" is no kind of namespace"#);
    }

    #[test]
    fn what_would_leave_its_place_is_refused() {
        assert!(read(r#"{"intelRdt": {"closID": "../x"}}"#).unwrap_err().contains("no name of a directory"));
        assert!(read(r#"{"intelRdt": {"schemata": ["L3:0=f\nMB:0=1"]}}"#).unwrap_err().contains("line break"));
        assert!(read(r#"{"netDevices": {"a/b": {}}}"#).unwrap_err().contains("network interface"));
        assert!(read(r#"{"netDevices": {"eth0": {"name": "x:1"}}}"#).unwrap_err().contains("network interface"));
        assert!(read(r#"{"maskedPaths": ["proc"]}"#).unwrap_err().contains("no absolute path"));
    }

    #[test]
    fn a_class_of_service_is_named_or_the_default_one() {
        let class = |text: &str| read(text).map(|linux| linux.intel_rdt.unwrap().clos_id);
        assert_eq!(class(r#"{"intelRdt": {"closID": "/"}}"#).unwrap().as_deref(), Some("/"));
        assert_eq!(class(r#"{"intelRdt": {"closID": "gold"}}"#).unwrap().as_deref(), Some("gold"));
        assert_eq!(class(r#"{"intelRdt": {"closID": ""}}"#).unwrap(), None);
        for wrong in ["//", "/gold", "gold/", "."] {
            assert!(class(&format!(r#"{{"intelRdt": {{"closID": "{wrong}"}}}}"#)).is_err(), "{wrong}");
        }
        assert!(class(r#"{"intelRdt": {"memBwSchema": "L3:0=f"}}"#).unwrap_err().contains("MB:"));
        assert!(class(r#"{"intelRdt": {"memBwSchema": "MB:0=10\nL3:0=f"}}"#).unwrap_err().contains("line break"));
    }

    #[test]
    fn clocks_devices_and_policies_are_read() {
        let linux = read(
            r#"{"timeOffsets": {"boottime": {"secs": -5, "nanosecs": 7}},
            "devices": [{"type": "p", "path": "/dev/p"}, {"type": "c", "path": "/dev/n", "major": 1, "minor": 3, "fileMode": 438}],
            "memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}, "personality": {"domain": "LINUX32"}}"#,
        )
        .unwrap();
        assert_eq!(linux.time_offsets, [TimeOffset { clock: "boottime", seconds: -5, nanoseconds: 7 }]);
        assert_eq!(linux.devices.len(), 2);
        assert_eq!(linux.memory_policy, Some(MemoryPolicy { mode: 2 | 1 << 15, nodes: vec![1] }));
        assert_eq!(linux.personality, Some(8));
    }
}
