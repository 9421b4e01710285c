//! The rules of the specification, on a file system that does as resctrl does. No machine at hand has the real one.

use super::*;
use std::cell::RefCell;
use std::collections::BTreeMap;

const MOUNTS: &str = "22 1 0:21 / /proc rw - proc proc rw\n\
    30 22 0:40 /gold /srv/gold rw - resctrl resctrl rw\n\
    31 22 0:40 / /sys/fs/res\\040ctrl rw,relatime shared:9 - resctrl resctrl rw\n";
const ROOT: &str = "/sys/fs/res ctrl";

/// Directories are there once made, each with its files; every write is kept in order.
#[derive(Debug, Default)]
struct Fake {
    schemata: RefCell<BTreeMap<String, String>>,
    writes: RefCell<Vec<(String, String)>>,
    /// Groups that there is still room for.
    room: RefCell<u32>,
    /// Any write fails whose text holds this.
    refuses: &'static str,
}

impl Fake {
    fn with(classes: &[(&str, &str)]) -> Self {
        let fake = Self { room: RefCell::new(8), refuses: "nothing", ..Self::default() };
        for (class, schemata) in [("", "L3:0=ff;1=ff\nMB:0=100;1=100\n")].iter().chain(classes) {
            fake.schemata.borrow_mut().insert(format!("{ROOT}{class}"), (*schemata).into());
        }
        fake
    }

    fn written(&self) -> Vec<(String, String)> {
        let relative = |path: &str| path.strip_prefix(ROOT).unwrap().to_string();
        self.writes.borrow().iter().map(|(path, text)| (relative(path), text.clone())).collect()
    }

    fn directories(&self) -> Vec<String> {
        self.schemata.borrow().keys().map(|path| path.strip_prefix(ROOT).unwrap().into()).collect()
    }
}

impl Files for &Fake {
    fn exists(&self, path: &str) -> bool {
        self.schemata.borrow().contains_key(path)
    }

    fn make(&self, path: &str) -> Result<(), Errno> {
        if self.exists(path) {
            return Err(Errno::EEXIST);
        }
        let above = path.rsplit_once('/').unwrap().0;
        if !self.exists(above.strip_suffix("/mon_groups").unwrap_or(above)) {
            return Err(Errno::ENOENT);
        }
        let mut room = self.room.borrow_mut();
        *room = room.checked_sub(1).ok_or(Errno::ENOSPC)?;
        self.schemata.borrow_mut().insert(path.into(), String::new());
        Ok(())
    }

    fn read(&self, path: &str) -> Result<String, Errno> {
        if path == format!("{ROOT}/info/last_cmd_status") {
            return Ok("Out of CLOSIDs\n".into());
        }
        let directory = path.strip_suffix("/schemata").ok_or(Errno::ENOENT)?;
        self.schemata.borrow().get(directory).cloned().ok_or(Errno::ENOENT)
    }

    fn write(&self, path: &str, text: &str) -> Result<(), Errno> {
        if text.contains(self.refuses) {
            return Err(Errno::EINVAL);
        }
        if !self.exists(path.rsplit_once('/').unwrap().0) {
            return Err(Errno::ENOENT);
        }
        self.writes.borrow_mut().push((path.into(), text.into()));
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<(), Errno> {
        if !self.exists(path) {
            return Err(Errno::ENOENT);
        }
        self.schemata.borrow_mut().retain(|name, _| name != path && !name.starts_with(&format!("{path}/")));
        Ok(())
    }
}

fn rdt(class: Option<&str>) -> IntelRdt {
    IntelRdt { clos_id: class.map(Into::into), ..IntelRdt::default() }
}

fn plan<'a>(fake: &'a Fake, rdt: &IntelRdt) -> Result<Rdt<&'a Fake>, Error> {
    Rdt::plan_in(fake, MOUNTS, rdt, "c1")
}

/// All steps up to a running container.
fn carry_out<'a>(fake: &'a Fake, rdt: &IntelRdt) -> Result<Rdt<&'a Fake>, Error> {
    let mut made = plan(fake, rdt)?;
    made.make().and_then(|()| made.assign(77))?;
    Ok(made)
}

fn write(path: &str, text: &str) -> (String, String) {
    (path.into(), text.into())
}

#[test]
fn resctrl_has_to_be_mounted() {
    let fake = Fake::with(&[]);
    let error = Rdt::plan_in(&fake, "22 1 0:21 / /proc rw - proc proc rw\n", &rdt(None), "c1").unwrap_err();
    assert!(format!("{error}").contains("linux.intelRdt is set, but no resctrl"), "{error}");
    assert_eq!(mount_point(MOUNTS).as_deref(), Some(ROOT));
}

#[test]
fn without_a_class_the_container_has_one_of_its_own() {
    let fake = Fake::with(&[]);
    let made = carry_out(&fake, &rdt(None)).unwrap();
    assert_eq!(fake.written(), [write("/c1/tasks", "77")]);
    let removed = made.to_remove().unwrap();
    assert_eq!(removed, format!("{ROOT}/c1"));
    remove_in(&&fake, &removed).unwrap();
    assert_eq!(fake.directories(), [""]);
    // Again, as `delete --force` may have to.
    remove_in(&&fake, &removed).unwrap();
}

#[test]
fn a_class_that_was_there_is_not_removed() {
    let fake = Fake::with(&[("/c1", "L3:0=f"), ("/gold", "L3:0=f")]);
    for class in [None, Some("gold"), Some("/")] {
        let made = carry_out(&fake, &rdt(class)).unwrap();
        assert_eq!(made.to_remove(), None, "{class:?}");
        made.undo().unwrap();
    }
    assert_eq!(fake.written(), [write("/c1/tasks", "77"), write("/gold/tasks", "77"), write("/tasks", "77")]);
    assert_eq!(fake.directories(), ["", "/c1", "/gold"]);
}

#[test]
fn a_named_class_is_made_only_with_a_schema() {
    let fake = Fake::with(&[]);
    let error = plan(&fake, &rdt(Some("gold"))).unwrap_err();
    assert!(format!("{error}").contains("/gold does not exist"), "{error}");
    let made = carry_out(&fake, &IntelRdt { schemata: vec!["L2:0=f".into()], ..rdt(Some("gold")) }).unwrap();
    assert_eq!(made.to_remove(), None);
    assert_eq!(fake.written(), [write("/gold/schemata", "L2:0=f\n"), write("/gold/tasks", "77")]);
}

#[test]
fn the_schema_is_written_in_order() {
    let fake = Fake::with(&[]);
    let all = IntelRdt {
        schemata: vec!["L2:0=f".into(), "MB:0=30".into()],
        l3_cache_schema: Some("L3:0=f;1=3".into()),
        mem_bw_schema: Some("MB:0=20".into()),
        ..rdt(None)
    };
    carry_out(&fake, &all).unwrap();
    let lines = ["L3:0=f;1=3\n", "MB:0=20\n", "L2:0=f\n", "MB:0=30\n"].map(|line| write("/c1/schemata", line));
    assert_eq!(fake.written(), [&lines[..], &[write("/c1/tasks", "77")]].concat());
}

#[test]
fn a_class_that_is_there_has_to_have_the_schema() {
    let fake = Fake::with(&[("/gold", "    L3:0=00f;1=0ff\n    MB:0= 20;1=100\n")]);
    let wants = |l3: &str, mb: &str| IntelRdt {
        l3_cache_schema: Some(l3.into()),
        mem_bw_schema: Some(mb.into()),
        ..rdt(Some("gold"))
    };
    assert!(carry_out(&fake, &wants("L3:0=f;1=ff", "MB:0=20")).is_ok());
    fake.writes.borrow_mut().clear();
    for (l3, mb, field) in [("L3:0=ff", "MB:0=20", "l3CacheSchema"), ("L3:0=f", "MB:0=30", "memBwSchema")] {
        let error = carry_out(&fake, &wants(l3, mb)).unwrap_err();
        assert!(format!("{error}").contains(&format!("linux.intelRdt.{field}")), "{error}");
    }
    assert_eq!(fake.written(), []);
    let default = IntelRdt { l3_cache_schema: Some("L3:0=f".into()), ..rdt(Some("/")) };
    assert!(carry_out(&fake, &default).is_err());
}

#[test]
fn a_monitoring_group_is_the_containers_own() {
    for class in [None, Some("gold"), Some("/")] {
        let fake = Fake::with(&[("/gold", "")]);
        let before = fake.directories();
        let made = carry_out(&fake, &IntelRdt { enable_monitoring: true, ..rdt(class) }).unwrap();
        let place = class.map_or("/c1", |class| if class == "/" { "" } else { "/gold" });
        let group = format!("{place}/mon_groups/c1/tasks");
        assert_eq!(fake.written(), [write(&format!("{place}/tasks"), "77"), write(&group, "77")]);
        remove_in(&&fake, &made.to_remove().unwrap()).unwrap();
        assert_eq!(fake.directories(), before, "{class:?}");
    }
}

#[test]
fn what_fails_leaves_nothing() {
    let monitored = IntelRdt { enable_monitoring: true, ..rdt(None) };
    let schema = IntelRdt { schemata: vec!["L3:0=bad".into()], ..rdt(Some("new")) };
    for (room, rdt, what) in [(0, &monitored, "mkdir"), (1, &monitored, "mkdir"), (8, &schema, "write \"L3:0=bad\" to")]
    {
        let fake = Fake { refuses: "bad", room: RefCell::new(room), ..Fake::with(&[]) };
        let mut made = plan(&fake, rdt).unwrap();
        let error = format!("{}", made.make().unwrap_err());
        assert!(error.starts_with(what) && error.contains("Out of CLOSIDs"), "{error}");
        made.undo().unwrap();
        assert_eq!(fake.directories(), [""], "{error}");
    }
}

#[test]
fn the_machines_file_system_is_used_as_resctrl_wants_it() {
    let directory = std::env::temp_dir().join(format!("coracle-oci-rdt-{}", std::process::id()));
    let path = directory.to_str().unwrap();
    assert!(!Resctrl.exists(path));
    Resctrl.make(path).unwrap();
    assert!(Resctrl.exists(path));
    assert_eq!(Resctrl.make(path), Err(Errno::EEXIST));
    // The kernel makes the files; nobody else can.
    assert_eq!(Resctrl.write(&format!("{path}/tasks"), "1"), Err(Errno::ENOENT));
    std::fs::write(directory.join("tasks"), "").unwrap();
    Resctrl.write(&format!("{path}/tasks"), "1").unwrap();
    assert_eq!(Resctrl.read(&format!("{path}/tasks")).unwrap(), "1");
    std::fs::remove_file(directory.join("tasks")).unwrap();
    Resctrl.remove(path).unwrap();
    assert_eq!(Resctrl.remove(path), Err(Errno::ENOENT));
}
