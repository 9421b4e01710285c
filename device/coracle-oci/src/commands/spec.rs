//! `spec`: a config.json to start from.

use super::{Context, SPECIFICATION};
use crate::arguments::{self, Known, flag, value};
use crate::error::{About, Error};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use json::{Value, object};
use kernel::{CWD, Errno, fs, user};

const OPTIONS: &[Known] = &[value("bundle", Some('b')), flag("rootless", None)];

pub(super) fn run(context: &Context<'_>) -> Result<i32, Error> {
    let given = arguments::read(context.arguments, OPTIONS, None)?;
    if let Some(bundle) = given.get("bundle") {
        fs::change_directory(bundle).about(|| format!("open bundle {}", bundle.to_string_lossy()))?;
    }
    let rootless = given.has("rootless").then(|| (user::effective_user_id(), user::effective_group_id()));
    let text = indented(&document(rootless));
    let flags = fs::O_WRONLY | fs::O_CREAT | fs::O_EXCL;
    let file = match fs::open(CWD, c"config.json", flags, 0o644) {
        Err(Errno::EEXIST) => return Err(Error::Usage("config.json is there already; remove it first".into())),
        other => other.about(|| "create config.json")?,
    };
    fs::write_all(file.borrow(), text.as_bytes()).about(|| "write config.json")?;
    Ok(0)
}

fn strings(list: &[&str]) -> Value {
    Value::Array(list.iter().map(|text| Value::from(*text)).collect())
}

fn mount(destination: &str, kind: &str, source: &str, options: &[&str]) -> Value {
    object([
        ("destination", destination.into()),
        ("type", kind.into()),
        ("source", source.into()),
        ("options", strings(options)),
    ])
}

/// `rootless`: the user and group that become root of a user namespace.
fn document(rootless: Option<(u32, u32)>) -> Value {
    let kept = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
    let process = object([
        ("terminal", true.into()),
        ("user", object([("uid", 0.into()), ("gid", 0.into())])),
        ("args", strings(&["sh"])),
        ("env", strings(&["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"])),
        ("cwd", "/".into()),
        ("capabilities", object(["bounding", "effective", "permitted"].map(|set| (set, strings(&kept))))),
        (
            "rlimits",
            Value::Array(
                [object([("type", "RLIMIT_NOFILE".into()), ("hard", 1024.into()), ("soft", 1024.into())])].into(),
            ),
        ),
        ("noNewPrivileges", true.into()),
    ]);
    object([
        ("ociVersion", SPECIFICATION.into()),
        ("process", process),
        ("root", object([("path", "rootfs".into()), ("readonly", true.into())])),
        ("hostname", "coracle".into()),
        ("mounts", Value::Array(mounts(rootless.is_some()))),
        ("linux", linux(rootless)),
    ])
}

fn mounts(rootless: bool) -> Vec<Value> {
    let pts: &[&str] = &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"];
    let sys = if rootless {
        mount("/sys", "none", "/sys", &["rbind", "nosuid", "noexec", "nodev", "ro"])
    } else {
        mount("/sys", "sysfs", "sysfs", &["nosuid", "noexec", "nodev", "ro"])
    };
    let mut all = alloc::vec![
        mount("/proc", "proc", "proc", &[]),
        mount("/dev", "tmpfs", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        // A group that is not mapped cannot be named.
        mount("/dev/pts", "devpts", "devpts", pts.get(..if rootless { 5 } else { 6 }).unwrap_or_default()),
        mount("/dev/shm", "tmpfs", "shm", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
        mount("/dev/mqueue", "mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
        sys,
    ];
    if !rootless {
        all.push(mount("/sys/fs/cgroup", "cgroup", "cgroup", &["nosuid", "noexec", "nodev", "relatime", "ro"]));
    }
    all
}

fn linux(rootless: Option<(u32, u32)>) -> Value {
    let mut kinds = alloc::vec!["pid", "ipc", "uts", "mount", "cgroup"];
    kinds.push(if rootless.is_some() { "user" } else { "network" });
    let namespaces = kinds.iter().map(|kind| object([("type", (*kind).into())])).collect();
    let masked = [
        "/proc/acpi",
        "/proc/asound",
        "/proc/kcore",
        "/proc/keys",
        "/proc/latency_stats",
        "/proc/timer_list",
        "/proc/timer_stats",
        "/proc/sched_debug",
        "/proc/scsi",
        "/sys/firmware",
        "/sys/devices/virtual/powercap",
    ];
    let mut members = alloc::vec![
        ("namespaces", Value::Array(namespaces)),
        ("maskedPaths", strings(&masked)),
        ("readonlyPaths", strings(&["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"])),
    ];
    match rootless {
        Some((user, group)) => {
            let only = |id: u32| {
                Value::Array(
                    [object([("containerID", 0.into()), ("hostID", u64::from(id).into()), ("size", 1.into())])].into(),
                )
            };
            members.extend([("uidMappings", only(user)), ("gidMappings", only(group))]);
        }
        None => members.push((
            "resources",
            object([("devices", Value::Array([object([("allow", false.into()), ("access", "rwm".into())])].into()))]),
        )),
    }
    object(members)
}

/// JSON for people: a member a line.
fn indented(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text.push('\n');
    text
}

fn write(value: &Value, depth: usize, text: &mut String) {
    let line = |text: &mut String, depth: usize| {
        text.push('\n');
        (0..depth).for_each(|_| text.push_str("  "));
    };
    match value {
        Value::Array(items) if items.iter().any(|item| item.as_object().is_some()) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { "," } else { "" });
                line(text, depth + 1);
                write(item, depth + 1, text);
            }
            line(text, depth);
            text.push(']');
        }
        Value::Object(members) if !members.is_empty() => {
            text.push('{');
            for (index, (key, item)) in members.iter().enumerate() {
                text.push_str(if index > 0 { "," } else { "" });
                line(text, depth + 1);
                text.push_str(&format!("{}: ", Value::from(key.as_str())));
                write(item, depth + 1, text);
            }
            line(text, depth);
            text.push('}');
        }
        other => text.push_str(&format!("{other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime_spec::{Config, Node};

    #[test]
    fn what_is_written_can_be_read() {
        for rootless in [None, Some((1000, 100))] {
            let value = json::parse(indented(&document(rootless)).as_bytes()).unwrap();
            assert_eq!(value, document(rootless));
            let config = Config::read(&Node::document(&value)).unwrap();
            assert_eq!(config.linux.uid_mappings.is_empty(), rootless.is_none());
        }
    }
}
