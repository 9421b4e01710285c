//! Groups of this machine's kernel. Each test runs itself again in a mount namespace of its own, with version 1 or version
//! 2 mounted afresh on `/sys/fs/cgroup`, so that the machine's own view is not touched. Needs root.
//!
//! Controllers belong to one version at a time. A machine that has them all in version 1 shows only the core of version 2
//! here (freezing, killing, devices); its controllers need a guest.

#![allow(clippy::unwrap_used, clippy::panic, reason = "nothing but tests")]

use cgroup::{Driver, Error, Group, Layout, Mounts, Request};
use kernel::process::{Clone as Start, Ending, Side};
use kernel::{Errno, process, signal};
use runtime_spec::{Node, Resources};
use std::fs;
use std::path::Path;
use std::process::Command;

const VIEW: &str = "CORACLE_CGROUP_VIEW";

/// Only what version 1 has already: a controller that is in no hierarchy would be taken away from version 2.
const VERSION_1: &str = "
    list=$(cut -d: -f2 /proc/self/cgroup)
    umount -R /sys/fs/cgroup; mount -t tmpfs cgroup /sys/fs/cgroup
    for c in $list; do
        d=/sys/fs/cgroup/${c#name=}; mkdir $d; mount -t cgroup -o $c cgroup $d
    done
    mkdir /sys/fs/cgroup/unified; mount -t cgroup2 cgroup /sys/fs/cgroup/unified; after() { :; }";
const VERSION_2: &str = "umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup /sys/fs/cgroup; after() { :; }";
/// Version 2 with a systemd of its own, of the kind that users have, which sees nothing of the machine's.
const SYSTEMD: &str = "
    umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup /sys/fs/cgroup
    mount -t tmpfs tmpfs /run; mkdir -p /run/systemd/system /run/user/0; export XDG_RUNTIME_DIR=/run/user/0
    top=/sys/fs/cgroup/coracle-test-systemd-$$; mkdir -p $top/user@0.service
    echo $$ > $top/user@0.service/cgroup.procs
    /usr/lib/systemd/systemd --user --log-target=null --unit=basic.target & systemd=$!
    for i in $(seq 200); do [ -S /run/user/0/systemd/private ] && break; sleep 0.05; done
    after() {
        kill $systemd; wait $systemd; echo $$ > /sys/fs/cgroup/cgroup.procs
        for i in $(seq 100); do find $top -depth -type d -exec rmdir {} + 2>/dev/null; [ -e $top ] || break; sleep 0.05; done
    }";

/// What the machine's topmost group of version 2 hands on, which is given back afterwards.
struct HandedOn(String);

const HANDED_ON: &str = "/sys/fs/cgroup/cgroup.subtree_control";

fn handed_on() -> String {
    fs::read_to_string(HANDED_ON).unwrap_or_default()
}

impl Drop for HandedOn {
    fn drop(&mut self) {
        for name in handed_on().split_whitespace().filter(|name| !self.0.split_whitespace().any(|old| old == *name)) {
            let _ = fs::write(HANDED_ON, format!("-{name}"));
        }
    }
}

/// Runs a test's body where the view is mounted; `name` is the test's.
fn in_view(name: &str, view: &str, body: impl FnOnce()) {
    if std::env::var_os(VIEW).is_some() {
        let _handed_on = HandedOn(handed_on());
        let split = matches!(Layout::find("/sys/fs/cgroup").unwrap(), Layout::Split(list) if list.len() > 4);
        if split == (view == VERSION_1) {
            return body();
        }
        return eprintln!("SKIPPED {name}: this machine's controllers are in the other version");
    }
    // Without a namespace of its own nothing is mounted.
    let script = format!(
        "mount --make-rprivate / || exit 77\n{view}\n\
        \"$0\" --exact {name} --nocapture --test-threads=1; code=$?; after; exit $code"
    );
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env(VIEW, "1")
        .output();
    let output = match output {
        Ok(output) if output.status.code() != Some(77) && kernel::user::effective_user_id() == 0 => output,
        _ => return eprintln!("SKIPPED {name}: needs root and unshare(1)"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
    text.lines().filter(|line| line.contains("SKIPPED")).for_each(|line| eprintln!("{line}"));
}

fn plan(name: &str) -> Group {
    let path = format!("/coracle-test-{}/{name}", std::process::id());
    let layout = Layout::find("/sys/fs/cgroup").unwrap();
    let request =
        Request { id: name, cgroups_path: Some(&path), driver: Driver::Cgroupfs, rootless: false, user: 0, layout };
    Group::plan(&request).unwrap()
}

fn resources(text: &str) -> Resources {
    Resources::read(&Node::document(&json::parse(text.as_bytes()).unwrap())).unwrap()
}

/// A group that is gone when the test is over, with the one above it.
struct Made(Group);

impl Drop for Made {
    fn drop(&mut self) {
        self.0.kill_all().unwrap();
        self.0.remove().unwrap();
        for controller in ["cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "hugetlb"] {
            let Some(directory) = self.0.directory(controller).filter(|_| self.0.unit().is_none()) else { continue };
            assert!(!Path::new(directory).exists(), "{directory}");
            fs::remove_dir(Path::new(directory).parent().unwrap()).or_else(gone).unwrap();
        }
        let Mounts::Split(mounts) = self.0.mounts() else { return };
        for mount in mounts {
            fs::remove_dir(Path::new(&mount.directory).parent().unwrap()).or_else(gone).unwrap();
        }
    }
}

/// What is no longer there need not be removed.
fn gone(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn value(group: &Group, controller: &str, file: &str) -> String {
    let path = Path::new(group.directory(controller).unwrap()).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).trim().into()
}

/// A child that waits to be killed.
struct Child(i32);

impl Child {
    fn start(cgroup: Option<kernel::BorrowedFd<'_>>) -> Self {
        match (Start { cgroup, ..Start::default() }).start().unwrap() {
            Side::Parent { pid, .. } => Self(pid),
            Side::Child => {
                let _ = process::signal_on_parents_death(signal::SIGKILL as i32);
                process::execute(c"/bin/sleep", &[c"sleep", c"1000"], &[c""]);
                process::exit(99)
            }
        }
    }

    fn killed(self) -> bool {
        process::wait(self.0).unwrap().1 == Ending::Signalled(9)
    }
}

#[test]
fn version_1_has_limits_in_every_hierarchy() {
    in_view("version_1_has_limits_in_every_hierarchy", VERSION_1, || {
        let mut group = plan("limits");
        let asked = resources(
            r#"{"memory": {"limit": 67108864, "swap": 134217728, "reservation": 33554432, "swappiness": 10},
            "cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "0"}, "pids": {"limit": 32},
            "devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"}]}"#,
        );
        let entry = group.create(&asked, None).unwrap();
        let made = Made(group);
        let group = &made.0;
        assert_eq!(entry, None);
        for (controller, file, wanted) in [
            ("memory", "memory.limit_in_bytes", "67108864"),
            ("memory", "memory.memsw.limit_in_bytes", "134217728"),
            ("memory", "memory.soft_limit_in_bytes", "33554432"),
            ("memory", "memory.swappiness", "10"),
            ("cpu", "cpu.shares", "512"),
            ("cpu", "cpu.cfs_quota_us", "50000"),
            ("cpu", "cpu.cfs_period_us", "100000"),
            ("cpuset", "cpuset.cpus", "0"),
            ("pids", "pids.max", "32"),
        ] {
            assert_eq!(value(group, controller, file), wanted, "{file}");
        }
        assert!(!value(group, "cpuset", "cpuset.mems").is_empty());
        let devices = value(group, "devices", "devices.list");
        assert!(
            devices.contains("c 10:229 rw") && devices.contains("c 1:3 rwm") && !devices.contains("a *:*"),
            "{devices}"
        );

        let child = Child::start(None);
        group.attach(child.0).unwrap();
        assert_eq!(group.processes(true).unwrap(), [child.0]);
        let text = fs::read_to_string(format!("/proc/{}/cgroup", child.0)).unwrap();
        assert!(text.lines().filter(|line| line.ends_with("/limits")).count() >= 9, "{text}");

        // Up above what memory and swap were, then down, then without limit: the order of writes differs.
        for (limit, swap) in [(268_435_456i64, 536_870_912i64), (33_554_432, 33_554_432), (-1, -1)] {
            group.update(&resources(&format!(r#"{{"memory": {{"limit": {limit}, "swap": {swap}}}}}"#))).unwrap();
            let now = value(group, "memory", "memory.limit_in_bytes");
            assert!(limit < 0 || now == limit.to_string(), "{now}");
        }
        group.update(&resources(r#"{"cpu": {"quota": 5000, "period": 10000}}"#)).unwrap();
        assert_eq!(value(group, "cpu", "cpu.cfs_quota_us"), "5000");
        assert_eq!(value(group, "pids", "pids.max"), "32", "what is not given stays");
        group.kill_all().unwrap();
        assert!(child.killed());
    });
}

#[test]
fn version_1_freezes_and_kills() {
    in_view("version_1_freezes_and_kills", VERSION_1, freezes_and_kills);
}

#[test]
fn version_2_freezes_and_kills() {
    in_view("version_2_freezes_and_kills", VERSION_2, freezes_and_kills);
}

fn freezes_and_kills() {
    let mut group = plan("freeze");
    let entry = group.create(&Resources::default(), None).unwrap();
    let made = Made(group);
    let group = &made.0;
    let child = Child::start(entry.as_ref().map(kernel::Fd::borrow));
    if entry.is_none() {
        group.attach(child.0).unwrap();
    }
    assert!(!group.is_frozen().unwrap());
    group.freeze().unwrap();
    assert!(group.is_frozen().unwrap());
    let second = plan("freeze").create(&Resources::default(), None).unwrap_err();
    assert!(matches!(second, Error::InUse { processes: 1, .. }), "{second}");
    group.thaw().unwrap();
    assert!(!group.is_frozen().unwrap());

    // A group below it, as a container's program may make one.
    let below = Path::new(group.directory("pids").unwrap()).join("below");
    fs::create_dir(&below).unwrap();
    let deeper = Child::start(None);
    fs::write(below.join("cgroup.procs"), deeper.0.to_string()).unwrap();
    assert_eq!(group.processes(false).unwrap(), [child.0]);
    let mut both = [child.0, deeper.0];
    both.sort_unstable();
    if group.directory("pids") == group.directory("devices") {
        assert_eq!(group.processes(true).unwrap(), both);
        // Killed even while it is frozen.
        group.freeze().unwrap();
        group.kill_all().unwrap();
        assert!(deeper.killed());
    } else {
        process::kill(deeper.0, 9).unwrap();
        assert!(deeper.killed());
        group.freeze().unwrap();
        group.signal_all(9).unwrap();
    }
    assert!(child.killed());
    group.remove().unwrap();
    group.remove().unwrap();
    assert!(group.processes(true).unwrap().is_empty());
    assert!(!group.is_frozen().unwrap());
}

#[test]
fn version_1_says_which_limit_is_out_of_reach() {
    in_view("version_1_says_which_limit_is_out_of_reach", VERSION_1, || {
        let mut group = plan("errors");
        group.create(&Resources::default(), None).unwrap();
        let made = Made(group);
        let group = &made.0;
        let error = group.update(&resources(r#"{"memory": {"limit": 8192, "swap": 4096}}"#)).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("cgroup /sys/fs/cgroup/memory/coracle-test-"), "{text}");
        assert!(text.contains("memory.memsw.limit_in_bytes: write 4096: Invalid argument"), "{text}");
        assert_eq!(error.errno(), Some(Errno::EINVAL));
        if group.directory("hugetlb").is_none() {
            let error =
                group.update(&resources(r#"{"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]}"#)).unwrap_err();
            let wanted = "linux.resources.hugepageLimits: the cgroup controller hugetlb is not available";
            assert_eq!(error.to_string(), wanted);
        }
    });
}

#[test]
fn version_1_tells_of_memory_that_ran_out() {
    in_view("version_1_tells_of_memory_that_ran_out", VERSION_1, || {
        let mut group = plan("oom");
        group.create(&resources(r#"{"memory": {"limit": 4194304, "swap": 4194304}}"#), None).unwrap();
        let made = Made(group);
        let group = &made.0;
        let mut watch = group.watch_oom().unwrap();
        let Side::Parent { pid, .. } = Start::default().start().unwrap() else {
            let _ = group.attach(process::own_pid());
            process::execute(c"/bin/sh", &[c"sh", c"-c", c"x=x; while :; do x=$x$x; done"], &[c""]);
            process::exit(99)
        };
        assert_eq!(process::wait(pid).unwrap().1, Ending::Signalled(9));
        let ready = kernel::poll::poll(&[(watch.fd(), kernel::poll::READABLE)], Some(20_000)).unwrap();
        assert_eq!(ready, [true]);
        assert!(watch.take().unwrap());
    });
}

#[test]
fn version_2_decides_about_devices() {
    in_view("version_2_decides_about_devices", VERSION_2, || {
        let mut group = plan("devices");
        let asked = resources(r#"{"devices": [{"allow": false, "access": "rwm"}]}"#);
        let entry = match group.create(&asked, None) {
            Err(error) if error.errno() == Some(Errno::EPERM) => {
                return eprintln!("SKIPPED version_2_decides_about_devices: no right to load BPF programs");
            }
            result => result.unwrap().unwrap(),
        };
        let made = Made(group);
        // Not among the devices that everybody has.
        let kmsg = || {
            let Side::Parent { pid, .. } =
                (Start { cgroup: Some(entry.borrow()), ..Start::default() }).start().unwrap()
            else {
                let open = |path| kernel::fs::open(kernel::CWD, path, kernel::fs::O_RDONLY, 0).is_ok();
                process::exit(if open(c"/dev/null") { i32::from(open(c"/dev/kmsg")) } else { 9 })
            };
            process::wait(pid).unwrap().1
        };
        if !Path::new("/dev/kmsg").exists() {
            eprintln!("SKIPPED in version_2_decides_about_devices: no /dev/kmsg to try");
            return;
        }
        assert_eq!(kmsg(), Ending::Exited(0));
        for (rules, wanted) in [
            (r#"[{"allow": true, "type": "c", "major": 1, "minor": 11, "access": "r"}]"#, 1),
            (r#"[{"allow": true, "type": "c", "major": 1, "minor": 11, "access": "w"}]"#, 0),
            (r#"[{"allow": true, "access": "rwm"}]"#, 1),
            (r#"[{"allow": true}, {"allow": false, "type": "c", "major": 1, "access": "r"}]"#, 0),
        ] {
            made.0.update(&resources(&format!(r#"{{"devices": {rules}}}"#))).unwrap();
            assert_eq!(kmsg(), Ending::Exited(wanted), "{rules}");
            assert_eq!(kernel::bpf::device_programs(entry.borrow()).unwrap().len(), 1);
        }
    });
}

#[test]
fn version_2_enables_controllers_from_the_top() {
    in_view("version_2_enables_controllers_from_the_top", VERSION_2, || {
        let there = fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap();
        if !there.split_whitespace().any(|name| name == "hugetlb") {
            return eprintln!("SKIPPED version_2_enables_controllers_from_the_top: no hugetlb in version 2");
        }
        let mut group = plan("limits");
        let asked = resources(r#"{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}"#);
        group.create(&asked, None).unwrap();
        let made = Made(group);
        assert_eq!(value(&made.0, "", "hugetlb.2MB.max"), "4194304");
        assert_eq!(value(&made.0, "", "hugetlb.2MB.rsvd.max"), "4194304");
        made.0.update(&resources(r#"{"unified": {"hugetlb.2MB.max": "max"}}"#)).unwrap();
        assert_eq!(value(&made.0, "", "hugetlb.2MB.max"), "max");
        let error = made.0.update(&resources(r#"{"unified": {"hugetlb.3MB.max": "max"}}"#)).unwrap_err();
        assert!(matches!(error, Error::Controller { field: "unified", .. }), "{error}");
    });
}

#[test]
fn version_2_refuses_what_it_has_no_controller_for() {
    in_view("version_2_refuses_what_it_has_no_controller_for", VERSION_2, || {
        let there = fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap();
        if there.split_whitespace().any(|name| name == "memory") {
            return eprintln!(
                "SKIPPED version_2_refuses_what_it_has_no_controller_for: this machine has all controllers"
            );
        }
        let mut group = plan("missing");
        let error = group.create(&resources(r#"{"memory": {"limit": 67108864}}"#), None).unwrap_err();
        let made = Made(group);
        assert!(matches!(error, Error::Controller { field: "memory.limit", why: None, .. }), "{error}");
        assert!(Path::new(made.0.directory("memory").unwrap()).exists(), "left for remove");
    });
}

#[test]
fn systemd_makes_a_scope() {
    in_view("systemd_makes_a_scope", SYSTEMD, || {
        if !Path::new("/run/user/0/systemd/private").exists() {
            return eprintln!("SKIPPED systemd_makes_a_scope: no systemd that would run for a user here");
        }
        let layout = Layout::find("/sys/fs/cgroup").unwrap();
        let (path, driver) = (Some("a-b.slice:coracle:box"), Driver::Systemd);
        let request = Request { id: "box", cgroups_path: path, driver, rootless: true, user: 0, layout };
        let mut group = Group::plan(&request).unwrap();
        assert!(group.needs_process());
        let child = Child::start(None);
        let limits = r#"{"unified": {"cgroup.max.depth": "3"}, "devices": [{"allow": true, "access": "rwm"}]}"#;
        let directory = group.create(&resources(limits), Some(child.0)).unwrap();
        assert!(directory.is_some());
        let group = Made(group);
        let text = fs::read_to_string(format!("/proc/{}/cgroup", child.0)).unwrap();
        assert!(text.trim_end().ends_with("/user@0.service/a.slice/a-b.slice/coracle-box.scope"), "{text}");
        assert_eq!(group.0.processes(true).unwrap(), [child.0]);
        assert_eq!(value(&group.0, "", "cgroup.max.depth"), "3");

        // Its controllers may be those of version 1 here, but systemd keeps what it is told.
        let update = resources(r#"{"memory": {"limit": 33554432}, "pids": {"limit": 77}, "cpu": {"shares": 512}}"#);
        match group.0.update(&update) {
            Ok(()) | Err(Error::Controller { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        let show = |property: &str| {
            let show = ["--user", "show", "--value", "-p", property, "coracle-box.scope"];
            let output = Command::new("systemctl").args(show).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        let shown = ["MemoryMax", "TasksMax", "CPUWeight", "Delegate", "Slice"].map(show);
        assert_eq!(shown, ["33554432", "77", "59", "yes", "a-b.slice"]);

        // One of the same name is in the way, and says so.
        let other = Child::start(None);
        let error = Group::plan(&request).unwrap().create(&Resources::default(), Some(other.0)).unwrap_err();
        assert!(error.to_string().contains("org.freedesktop.systemd1.UnitExists"), "{error}");
        process::kill(other.0, 9).unwrap();
        assert!(other.killed());

        group.0.kill_all().unwrap();
        assert!(child.killed());
        group.0.remove().unwrap();
        group.0.remove().unwrap();
    });
}

#[test]
fn version_2_is_handed_to_a_user() {
    in_view("version_2_is_handed_to_a_user", VERSION_2, || {
        use std::os::unix::fs::MetadataExt;
        let mut group = plan("owner");
        group.create(&Resources::default(), None).unwrap();
        let made = Made(group);
        made.0.give_to(12345).unwrap();
        let directory = Path::new(made.0.directory("").unwrap());
        let owner = |name: &str| fs::metadata(directory.join(name)).unwrap().uid();
        assert_eq!([".", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"].map(owner), [12345; 4]);
        assert_eq!(owner("cgroup.freeze"), 0, "would undo what the runtime did");
    });
}
