//! Groups in directories that only look like a cgroup file system: what is written where, in which order, and what is said
//! when files are missing. For controllers that the machine's kernel has in the other version, or not at all.

#![allow(clippy::unwrap_used, clippy::panic, reason = "nothing but tests")]

use cgroup::{Driver, Error, Group, Hierarchy, Layout, Request};
use runtime_spec::{Node, Resources};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A hierarchy that is a directory, and goes away with the test.
struct Tree(PathBuf);

impl Tree {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("coracle-cgroup-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Files of a group, as the kernel would have made them.
    fn group(&self, name: &str, files: &[(&str, &str)]) -> &Self {
        fs::create_dir_all(self.0.join(name)).unwrap();
        for (file, content) in files {
            fs::write(self.0.join(name).join(file), content).unwrap();
        }
        self
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).unwrap()
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn plan(&self) -> Group {
        plan(Layout::Unified(self.path().into()), Some("/above/box"), false)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn plan(layout: Layout, cgroups_path: Option<&str>, rootless: bool) -> Group {
    let request = Request { id: "box", cgroups_path, driver: Driver::Cgroupfs, rootless, user: 1000, layout };
    Group::plan(&request).unwrap()
}

fn resources(text: &str) -> Resources {
    Resources::read(&Node::document(&json::parse(text.as_bytes()).unwrap())).unwrap()
}

const ALL: &str = "cpuset cpu io memory hugetlb pids";
const PODMAN: &str = r#"{"memory": {"limit": 67108864, "swap": 134217728}, "pids": {"limit": 2048},
    "cpu": {"shares": 512, "quota": 50000, "period": 100000}}"#;

#[test]
fn limits_reach_their_files() {
    let tree = Tree::new();
    let empty =
        ["pids.max", "memory.max", "memory.swap.max", "cpu.weight", "cpu.max", "cgroup.procs"].map(|file| (file, ""));
    tree.group("above/box", &empty).group("above/box", &[("cgroup.controllers", ALL)]);
    let mut group = tree.plan();
    assert!(group.create(&resources(PODMAN), None).unwrap().is_some());
    for (file, wanted) in [
        ("pids.max", "2048"),
        ("memory.max", "67108864"),
        ("memory.swap.max", "67108864"),
        ("cpu.weight", "59"),
        ("cpu.max", "50000 100000"),
    ] {
        assert_eq!(tree.read(&format!("above/box/{file}")), wanted, "{file}");
    }
}

#[test]
fn a_new_period_leaves_the_quota() {
    let tree = Tree::new();
    tree.group("above/box", &[("cgroup.controllers", ALL), ("cpu.max", "5000 10000\n")]);
    tree.plan().update(&resources(r#"{"cpu": {"period": 20000}}"#)).unwrap();
    assert_eq!(tree.read("above/box/cpu.max"), "5000 20000\n");
}

#[test]
fn controllers_are_enabled_from_the_top_when_one_is_missing() {
    let tree = Tree::new();
    tree.group("", &[("cgroup.controllers", ALL), ("cgroup.subtree_control", "")])
        .group("above", &[("cgroup.subtree_control", "")])
        .group("above/box", &[("cgroup.controllers", "cpu pids"), ("pids.max", ""), ("cgroup.procs", "")]);
    // These files do not answer, so memory stays missing, which is an error once it is asked for.
    tree.plan().create(&resources(r#"{"pids": {"limit": 7}}"#), None).unwrap();
    let asked = "+cpuset +io +memory +hugetlb";
    assert_eq!(
        (tree.read("cgroup.subtree_control"), tree.read("above/cgroup.subtree_control")),
        (asked.into(), asked.into())
    );
    let error = tree.plan().update(&resources(PODMAN)).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("linux.resources.memory."), "{text}");
    assert!(text.contains("the cgroup controller memory is not available in /"), "{text}");
}

#[test]
fn below_threads_only_some_controllers_go() {
    let tree = Tree::new();
    let boxed = [
        ("cgroup.controllers", "cpu pids"),
        ("cgroup.type", "domain invalid\n"),
        ("pids.max", ""),
        ("cgroup.procs", ""),
    ];
    tree.group("", &[("cgroup.controllers", ALL)]).group("above/box", &boxed);
    let error = tree.plan().create(&resources(PODMAN), None).unwrap_err();
    assert!(matches!(&error, Error::Type { kind, .. } if kind == "domain invalid"), "{error}");
    tree.plan().create(&resources(r#"{"pids": {"limit": 7}}"#), None).unwrap();
    assert!(tree.read("above/box/cgroup.type").starts_with("threaded"));
}

#[test]
fn a_limit_below_what_is_used_is_refused_when_asked() {
    let tree = Tree::new();
    tree.group("above/box", &[("cgroup.controllers", ALL), ("memory.max", ""), ("memory.current", "5000\n")]);
    let error =
        tree.plan().update(&resources(r#"{"memory": {"limit": 4096, "checkBeforeUpdate": true}}"#)).unwrap_err();
    assert_eq!(error, Error::Usage { field: "memory.limit", limit: 4096, usage: 5000 });
    tree.plan().update(&resources(r#"{"memory": {"limit": 4096}}"#)).unwrap();
    assert_eq!(tree.read("above/box/memory.max"), "4096");
}

#[test]
fn weights_of_io_go_where_the_scheduler_is() {
    let asked = resources(r#"{"blockIO": {"weight": 500, "weightDevice": [{"major": 8, "minor": 0, "weight": 10}]}}"#);
    let tree = Tree::new();
    tree.group("above/box", &[("cgroup.controllers", ALL), ("io.weight", "")]);
    tree.plan().update(&asked).unwrap();
    assert_eq!(tree.read("above/box/io.weight"), "8:0 1\n".to_owned());
    tree.group("above/box", &[("io.bfq.weight", "")]);
    tree.plan().update(&asked).unwrap();
    // One write after the other, to a file that is open.
    assert_eq!(tree.read("above/box/io.bfq.weight"), "5008:0 10\n");
}

#[test]
fn a_missing_hierarchy_matters_only_to_who_asks() {
    let tree = Tree::new();
    let hierarchy = |name: &str| Hierarchy {
        controllers: vec![name.into()],
        mount: format!("{}/{name}", tree.path()),
        own: "/".into(),
    };
    tree.group("pids", &[]).group("memory", &[]);
    let layout = Layout::Split(vec![hierarchy("pids"), hierarchy("memory")]);
    let mut group = plan(layout, Some("/above/box"), false);
    group.create(&Resources::default(), None).unwrap();
    assert!(tree.0.join("memory/above/box").is_dir());
    for file in ["pids/above/box/pids.max", "memory/above/box/memory.limit_in_bytes"] {
        fs::write(tree.0.join(file), "").unwrap();
    }
    group.update(&resources(r#"{"pids": {"limit": 5}, "memory": {"limit": 9, "swap": 10}}"#)).unwrap();
    assert_eq!(
        (tree.read("pids/above/box/pids.max"), tree.read("memory/above/box/memory.limit_in_bytes")),
        ("5".into(), "9".into())
    );
    let error = group.update(&resources(r#"{"cpu": {"shares": 5}}"#)).unwrap_err();
    assert_eq!(error.to_string(), "linux.resources.cpu.shares: the cgroup controller cpu is not available");
    assert_eq!(
        group.below("memory:sub").unwrap().directory("memory"),
        Some(format!("{}/memory/above/box/sub", tree.path()).as_str())
    );
    assert_eq!(group.below("memory:sub").unwrap().directory("pids"), group.directory("pids"));
    assert!(group.below("../x").is_err() && group.below("cpu:x").is_err());
    assert_eq!(group.below("/").unwrap(), group);
}

#[test]
fn who_may_not_make_a_group_goes_without_if_nothing_is_asked() {
    let nowhere = || Layout::Split(Vec::new());
    let mut group = plan(nowhere(), None, true);
    assert_eq!(group.create(&Resources::default(), None), Ok(None));
    let devices =
        r#"{"devices": [{"allow": false, "access": "rwm"}], "memory": {"limit": 0, "disableOOMKiller": false}}"#;
    assert_eq!(group.create(&resources(devices), None), Ok(None));
    assert!(group.is_none());
    assert_eq!(group.create(&resources(PODMAN), None), Err(Error::NoGroup { field: "memory" }));
    assert_eq!((group.attach(1), group.kill_all(), group.remove()), (Ok(()), Ok(()), Ok(())));

    // Nobody can make a directory in sysfs.
    let closed = || Layout::Unified("/sys/kernel".into());
    let mut optional = plan(closed(), None, true);
    if !optional.is_none() {
        let error = optional.create(&resources(PODMAN), None).unwrap_err();
        let wanted = "linux.resources.memory: rootless needs no limits + no cgrouppath when no permission is granted for \
            cgroups: cgroup /sys/kernel/box: make: Operation not permitted";
        assert_eq!(error.to_string(), wanted);
    }
    assert_eq!(optional.create(&Resources::default(), None), Ok(None));
    assert!(optional.is_none());
    let mut named = plan(closed(), Some("/box"), true);
    assert!(named.create(&Resources::default(), None).is_err(), "a place that was named has to be made");
    assert!(!named.is_none());
}

#[test]
fn statistics_have_the_shape_of_runc() {
    let tree = Tree::new();
    tree.group(
        "above/box",
        &[
            ("cpu.stat", "usage_usec 7\nuser_usec 4\nsystem_usec 3\nnr_periods 0\nnr_throttled 2\nthrottled_usec 5\n"),
            ("memory.stat", "anon 100\nfile 50\n"),
            ("memory.current", "150\n"),
            ("memory.max", "max\n"),
            ("memory.swap.current", "10\n"),
            ("memory.swap.max", "1000\n"),
            ("memory.peak", "200\n"),
            ("pids.current", "3\n"),
            ("pids.max", "max\n"),
            ("io.stat", "8:0 rbytes=1 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n"),
            ("hugetlb.2MB.current", "0\n"),
            ("hugetlb.2MB.rsvd.current", "0\n"),
            ("hugetlb.2MB.events", "max 4\n"),
        ],
    );
    let text = tree.plan().statistics().unwrap().to_string();
    for part in [
        r#""cpu":{"usage":{"total":7000,"kernel":3000,"user":4000},"throttling":{"throttledPeriods":2,"throttledTime":5000}}"#,
        r#""cache":50,"usage":{"limit":18446744073709551615,"usage":150,"max":200,"failcnt":0}"#,
        r#""swap":{"limit":18446744073709551615,"usage":160,"failcnt":0}"#,
        r#""raw":{"anon":100,"file":50}"#,
        r#""pids":{"current":3}"#,
        r#""ioServiceBytesRecursive":[{"major":8,"op":"Read","value":1},{"major":8,"op":"Write"}]"#,
        r#""hugetlb":{"2MB":{"failcnt":4}}"#,
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}
