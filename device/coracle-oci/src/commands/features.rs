//! `features`: what this runtime can do (`features.md` and `features-linux.md` of the specification).

use super::{Context, SPECIFICATION, print};
use crate::arguments;
use crate::error::Error;
use crate::rootfs::options;
use alloc::format;
use alloc::vec::Vec;
use json::Value;

pub(super) fn run(context: &Context<'_>) -> Result<i32, Error> {
    arguments::read(context.arguments, &[], None)?;
    print(&format!("{}\n", document()));
    Ok(0)
}

fn strings<'s>(list: impl IntoIterator<Item = &'s str>) -> Value {
    Value::Array(list.into_iter().map(Value::from).collect())
}

fn document() -> Value {
    let enabled = || json::object([("enabled", true.into())]);
    let mut mount_options: Vec<&str> = options::names().collect();
    mount_options.sort_unstable();
    let capabilities: Vec<_> = runtime_spec::capabilities().iter().map(|name| format!("CAP_{name}")).collect();
    let linux = json::object([
        ("namespaces", strings(["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"])),
        ("capabilities", strings(capabilities.iter().map(|name| name.as_str()))),
        (
            "cgroup",
            json::object([
                ("v1", true.into()),
                ("v2", true.into()),
                ("systemd", true.into()),
                ("systemdUser", true.into()),
                ("rdma", true.into()),
            ]),
        ),
        ("seccomp", seccomp_document()),
        ("apparmor", enabled()),
        ("selinux", enabled()),
        ("intelRdt", json::object([("enabled", true.into()), ("schemata", true.into()), ("monitoring", true.into())])),
        ("memoryPolicy", memory_policy()),
        ("mountExtensions", json::object([("idmap", enabled())])),
        ("netDevices", enabled()),
    ]);
    json::object([
        ("ociVersionMin", "1.0.0".into()),
        ("ociVersionMax", SPECIFICATION.into()),
        ("hooks", strings(["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"])),
        ("mountOptions", strings(mount_options)),
        ("linux", linux),
        ("annotations", json::object([("org.coracle.oci.version", env!("CARGO_PKG_VERSION").into())])),
        ("potentiallyUnsafeConfigAnnotations", Value::Array(Vec::new())),
    ])
}

fn memory_policy() -> Value {
    json::object([
        ("modes", strings(runtime_spec::memory_policies())),
        ("flags", strings(runtime_spec::memory_policy_flags())),
    ])
}

fn seccomp_document() -> Value {
    json::object([
        ("enabled", true.into()),
        ("actions", strings(seccomp::ACTIONS.iter().copied())),
        ("operators", strings(seccomp::OPERATORS.iter().copied())),
        ("archs", strings(seccomp::ARCHITECTURES.iter().copied())),
        ("knownFlags", strings(seccomp::FLAGS.iter().copied())),
        ("supportedFlags", strings(seccomp::FLAGS.iter().copied())),
    ])
}
