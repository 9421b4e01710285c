//! Whether a container that is ready can stand for one that is wanted. What was done when it was made has to be the same;
//! what is yet to be done (the process, its names, its filter, its cgroup) may differ.

use alloc::ffi::CString;
use runtime_spec::{Config, Hooks, Linux, Mount, NamespaceKind, Resources};

/// Why no pool can be made of a bundle, in the words of its field.
pub(crate) fn check(config: &Config) -> Result<(), &'static str> {
    let hooks = &config.hooks;
    if !(hooks.prestart.is_empty() && hooks.create_runtime.is_empty() && hooks.create_container.is_empty()) {
        return Err("hooks that run when a container is created would run before anybody has asked for it");
    }
    let linux = &config.linux;
    if linux.namespaces.iter().any(|namespace| namespace.path.is_some()) {
        return Err("linux.namespaces: one that is joined by path may be another one later");
    }
    if linux.namespace(NamespaceKind::Mount).is_none() {
        return Err("linux.namespaces: there is no mount namespace");
    }
    if linux.seccomp.as_ref().is_some_and(|seccomp| seccomp.listener_path.is_some()) {
        return Err("linux.seccomp.listenerPath: a listener is told of one container");
    }
    if !linux.net_devices.is_empty() || linux.intel_rdt.is_some() {
        return Err("linux.netDevices and linux.intelRdt belong to one container");
    }
    Ok(())
}

/// Why a container that was made from `ready`, with its bundle at `ready_bundle`, cannot be the one of `wanted`.
pub(crate) fn fits(wanted: (&Config, &CString), ready: (&Config, &CString)) -> Result<(), &'static str> {
    let ((wanted, bundle), (ready, ready_bundle)) = (wanted, ready);
    check(wanted)?;
    if absolute(&wanted.root.path, bundle) != absolute(&ready.root.path, ready_bundle) {
        return Err("root.path");
    }
    if wanted.root.readonly != ready.root.readonly {
        return Err("root.readonly");
    }
    if wanted.mounts != ready.mounts || (bundle != ready_bundle && wanted.mounts.iter().any(is_relative)) {
        return Err("mounts");
    }
    // A name can be given to it, but not taken from it.
    if (wanted.hostname.is_none() && ready.hostname.is_some())
        || (wanted.domainname.is_none() && ready.domainname.is_some())
    {
        return Err("hostname or domainname");
    }
    if made(&wanted.linux) != made(&ready.linux) {
        return Err("linux");
    }
    Ok(())
}

/// Whether the container would have to leave the cgroup that it waits in; it can, unless that is mounted in it.
pub(crate) fn needs_other_group(wanted: &Config, ready: &Resources) -> bool {
    wanted.linux.cgroups_path.is_some() || wanted.linux.resources != *ready
}

/// Whether the container sees its cgroup as files, which would stay those of the old one.
pub(crate) fn mounts_group(config: &Config) -> bool {
    config
        .mounts
        .iter()
        .any(|mount| matches!(mount.kind.as_deref().map(|kind| kind.to_bytes()), Some(b"cgroup" | b"cgroup2")))
}

fn absolute(path: &CString, bundle: &CString) -> alloc::vec::Vec<u8> {
    match path.as_bytes() {
        [b'/', ..] => path.as_bytes().into(),
        relative => [bundle.as_bytes(), b"/", relative].concat(),
    }
}

/// A bind mount of something in the bundle.
fn is_relative(mount: &Mount) -> bool {
    let bind = mount.kind.as_deref() == Some(c"bind")
        || mount.options.iter().any(|option| option == "bind" || option == "rbind");
    bind && mount.source.as_ref().is_some_and(|source| source.as_bytes().first() != Some(&b'/'))
}

/// What of `linux` was carried out when the container was made.
fn made(linux: &Linux) -> Linux {
    Linux {
        cgroups_path: None,
        resources: Resources::default(),
        seccomp: None,
        personality: None,
        memory_policy: None,
        ..linux.clone()
    }
}

/// Hooks of a container that is ready: none until it is somebody's.
pub(crate) fn without_hooks(config: &mut Config) {
    config.hooks = Hooks::default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime_spec::{Node, Process};

    fn read(members: &str, linux: &str) -> Config {
        let text = format!(
            r#"{{"ociVersion": "1.0.0", "root": {{"path": "rootfs"}}, {members}
            "linux": {{"namespaces": [{{"type": "mount"}}, {{"type": "uts"}}]{linux}}}}}"#
        );
        Config::read(&Node::document(&json::parse(text.as_bytes()).unwrap())).unwrap()
    }

    #[test]
    fn what_is_yet_to_be_done_may_differ() {
        let (a, b) = (c"/a".into(), c"/b".into());
        let ready = read("", "");
        for wanted in [
            read("", ""),
            read(r#""hostname": "x","#, ""),
            read(r#""annotations": {"a": "b"}, "hooks": {"poststop": [{"path": "/x"}]},"#, ""),
            read("", r#", "cgroupsPath": "/x", "resources": {"pids": {"limit": 3}}"#),
            read("", r#", "seccomp": {"defaultAction": "SCMP_ACT_ALLOW"}, "personality": {"domain": "LINUX"}"#),
            Config { process: Some(Process::default()), ..read("", "") },
        ] {
            assert_eq!(fits((&wanted, &a), (&ready, &a)), Ok(()));
        }
        assert_eq!(fits((&ready, &b), (&ready, &a)), Err("root.path"));
    }

    #[test]
    fn what_was_done_has_to_be_the_same() {
        let bundle = c"/a".into();
        let ready = read(r#""hostname": "x","#, "");
        for (wanted, field) in [
            (read(r#""hostname": "x", "mounts": [{"destination": "/proc", "type": "proc"}],"#, ""), "mounts"),
            (read("", ""), "hostname or domainname"),
            (read(r#""hostname": "x","#, r#", "maskedPaths": ["/proc/kcore"]"#), "linux"),
            (read(r#""hostname": "x","#, r#", "sysctl": {"net.ipv4.ip_forward": "1"}"#), "linux"),
            (
                read(
                    r#""hostname": "x","#,
                    r#", "devices": [{"type": "c", "path": "/dev/x", "major": 1, "minor": 3}]"#,
                ),
                "linux",
            ),
        ] {
            assert_eq!(fits((&wanted, &bundle), (&ready, &bundle)), Err(field));
        }
        for odd in [
            read(r#""hostname": "x", "hooks": {"createRuntime": [{"path": "/x"}]},"#, ""),
            read(r#""hostname": "x","#, r#", "netDevices": {"eth0": {}}"#),
        ] {
            assert!(fits((&odd, &bundle), (&ready, &bundle)).is_err() && check(&odd).is_err());
        }
    }

    #[test]
    fn a_relative_source_is_of_one_bundle() {
        let mount = r#""mounts": [{"destination": "/m", "source": "m", "options": ["rbind"]}],"#;
        let mut wanted = read(mount, "");
        wanted.root.path = c"/r".into();
        assert_eq!(fits((&wanted, &c"/a".into()), (&wanted, &c"/a".into())), Ok(()));
        assert_eq!(fits((&wanted, &c"/a".into()), (&wanted, &c"/b".into())), Err("mounts"));
    }
}
