//! `linux.intelRdt`: the container's process becomes a member of a class of service, a directory of the file system resctrl
//! (the kernel's `Documentation/filesystems/resctrl.rst`). The configuration and the container's id come in; what is to be
//! removed with the container goes out. Without `linux.intelRdt` nothing here is called, and nothing of resctrl touched.

mod files;
mod schemata;

use crate::error::Error;
use alloc::format;
use alloc::string::String;
use files::{Files, Resctrl};
use kernel::{CWD, Errno, fs};
use runtime_spec::IntelRdt;

/// Largest file that is read, in bytes.
const LIMIT: usize = 4 << 20;
/// The class of all that have no other.
const DEFAULT_CLASS: &str = "/";

/// A container's class, and its monitoring group if it has one.
#[derive(Debug)]
pub(crate) struct Rdt<F = Resctrl> {
    files: F,
    /// Absolute path of the class.
    class: String,
    /// Whether that is to be made, or has to be there.
    new: bool,
    /// The class goes with the container.
    own: bool,
    /// Absolute path of the monitoring group.
    monitor: Option<String>,
    schema: IntelRdt,
    /// Made so far.
    made: Made,
}

#[derive(Debug, Default)]
struct Made {
    class: bool,
    monitor: bool,
}

impl Rdt {
    /// Finds resctrl, and looks at what is there.
    pub(crate) fn plan(rdt: &IntelRdt, id: &str) -> Result<Self, Error> {
        let mounts = fs::read_file(CWD, c"/proc/self/mountinfo", LIMIT)
            .map_err(|errno| Error::system("read /proc/self/mountinfo", errno))?;
        Self::plan_in(Resctrl, &String::from_utf8_lossy(&mounts), rdt, id)
    }
}

impl<F: Files> Rdt<F> {
    /// `mounts` has the form of /proc/self/mountinfo.
    fn plan_in(files: F, mounts: &str, rdt: &IntelRdt, id: &str) -> Result<Self, Error> {
        let root = mount_point(mounts).ok_or_else(|| {
            Error::config(
                "linux.intelRdt is set, but no resctrl file system is mounted (this kernel or machine may have none)",
            )
        })?;
        let class = match rdt.clos_id.as_deref() {
            Some(DEFAULT_CLASS) => root,
            Some(name) => format!("{root}/{name}"),
            None => format!("{root}/{id}"),
        };
        let exists = files.exists(&class);
        if !exists && rdt.clos_id.is_some() && !has_schema(rdt) {
            return Err(Error::config(format!(
                "linux.intelRdt.closID: {class} does not exist, and there is no schema to make it with"
            )));
        }
        let monitor = rdt.enable_monitoring.then(|| format!("{class}/mon_groups/{id}"));
        let own = rdt.clos_id.is_none() && !exists;
        Ok(Self { files, class, new: !exists, own, monitor, schema: rdt.clone(), made: Made::default() })
    }

    /// The directory to remove with the container. The monitoring group of a class goes with that.
    pub(crate) fn to_remove(&self) -> Option<String> {
        if self.own { Some(self.class.clone()) } else { self.monitor.clone() }
    }

    /// Makes the class, or compares what it has with what is configured, and writes the schema; makes the monitoring group.
    pub(crate) fn make(&mut self) -> Result<(), Error> {
        match if self.new { self.files.make(&self.class) } else { Err(Errno::EEXIST) } {
            Ok(()) => self.made.class = true,
            // Or another container of the class was a moment earlier.
            Err(Errno::EEXIST) if !self.own => self.compare()?,
            Err(errno) => return Err(failed(&self.files, "mkdir", &self.class, errno)),
        }
        let file = format!("{}/schemata", self.class);
        for line in lines(&self.schema) {
            let line = format!("{line}\n");
            self.files
                .write(&file, &line)
                .map_err(|errno| failed(&self.files, &format!("write {:?} to", line.trim_end()), &file, errno))?;
        }
        if let Some(monitor) = &self.monitor {
            self.files.make(monitor).map_err(|errno| failed(&self.files, "mkdir", monitor, errno))?;
            self.made.monitor = true;
        }
        Ok(())
    }

    fn compare(&self) -> Result<(), Error> {
        let wanted = [("l3CacheSchema", &self.schema.l3_cache_schema), ("memBwSchema", &self.schema.mem_bw_schema)];
        if wanted.iter().all(|(_, schema)| schema.is_none()) {
            return Ok(());
        }
        let file = format!("{}/schemata", self.class);
        let there = self.files.read(&file).map_err(|errno| Error::system(format!("read {file}"), errno))?;
        for (field, schema) in wanted {
            let Some(schema) = schema else { continue };
            if !schemata::match_all(schema, &there) {
                return Err(Error::config(format!(
                    "linux.intelRdt.{field}: {schema:?} is not what {file} has: {:?}",
                    there.trim_end()
                )));
            }
        }
        Ok(())
    }

    /// Lets a process in, and all that it will start.
    pub(crate) fn assign(&self, pid: i32) -> Result<(), Error> {
        for directory in core::iter::once(&self.class).chain(&self.monitor) {
            let file = format!("{directory}/tasks");
            self.files
                .write(&file, &format!("{pid}"))
                .map_err(|errno| failed(&self.files, &format!("write {pid} to"), &file, errno))?;
        }
        Ok(())
    }

    /// Removes what was made.
    pub(crate) fn undo(self) -> Result<(), Error> {
        if let Some(monitor) = self.monitor.as_deref().filter(|_| self.made.monitor) {
            remove_in(&self.files, monitor)?;
        }
        if self.made.class { remove_in(&self.files, &self.class) } else { Ok(()) }
    }
}

/// Removes a class or a monitoring group; its processes go to the one above.
pub(crate) fn remove(directory: &str) -> Result<(), Error> {
    remove_in(&Resctrl, directory)
}

fn remove_in(files: &impl Files, directory: &str) -> Result<(), Error> {
    match files.remove(directory) {
        // Somebody else has done so, or resctrl is not mounted any more, which leaves nothing of it.
        Err(Errno::ENOENT) => Ok(()),
        other => other.map_err(|errno| Error::system(format!("rmdir {directory}"), errno)),
    }
}

fn has_schema(rdt: &IntelRdt) -> bool {
    lines(rdt).next().is_some()
}

/// In the order in which they are written.
fn lines(rdt: &IntelRdt) -> impl Iterator<Item = &str> {
    rdt.l3_cache_schema.iter().chain(&rdt.mem_bw_schema).chain(&rdt.schemata).flat_map(|schema| schema.lines())
}

/// An error with the kernel's own words from `info/last_cmd_status`, which says what an errno cannot.
fn failed(files: &impl Files, operation: &str, path: &str, errno: Errno) -> Error {
    let above = |path: &str| path.rsplit_once('/').map(|(above, _)| String::from(above));
    let mut directory = above(path);
    while let Some(root) = directory {
        if let Ok(said) = files.read(&format!("{root}/info/last_cmd_status"))
            && !matches!(said.trim(), "" | "ok")
        {
            return Error::system(format!("{operation} {path}: {}", said.trim()), errno);
        }
        directory = above(&root);
    }
    Error::system(format!("{operation} {path}"), errno)
}

/// Where resctrl is mounted, the whole of it: a line of mountinfo (proc(5)) is ids, device, root, place, options, optional
/// fields up to `-`, type.
fn mount_point(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split(' ').skip(3);
        let (root, place) = (fields.next()?, fields.next()?);
        (root == "/" && after.split(' ').next() == Some("resctrl")).then(|| cgroup::unescape(place))
    })
}

#[cfg(test)]
mod tests;
