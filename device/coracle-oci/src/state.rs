//! What is known of a container between two commands: a directory of its own below the runtime's root, with `state.json`
//! in it, and `start.sock` for as long as it waits to be started. The first process of a container is told from a later
//! one with the same number by the time at which it started.

use crate::error::{About, Error};
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use json::Value;
use kernel::{CWD, Errno, Fd, fs};
use runtime_spec::{Hook, Node};

/// The socket of a container that waits to be started, in its directory.
pub(crate) const START_SOCKET: &core::ffi::CStr = c"start.sock";
/// Before the name of a pool.
const POOL: &str = "/pool@";
const STATE_FILE: &core::ffi::CStr = c"state.json";
/// Largest state that is read, in bytes.
const LIMIT: usize = 4 << 20;

/// What `state` says of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Its environment is being made.
    Creating,
    /// It waits for `start`.
    Created,
    /// Its program runs.
    Running,
    /// All of it is frozen.
    Paused,
    /// Its program has ended.
    Stopped,
}

impl Status {
    /// The specification's word.
    #[must_use]
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

/// The directory of all containers of this root.
#[derive(Debug)]
pub(crate) struct Root {
    path: CString,
}

/// A container's directory, locked by this process for as long as it is held.
#[derive(Debug)]
pub(crate) struct Directory {
    /// Open, and locked.
    pub(crate) fd: Fd,
    root: Fd,
    name: CString,
}

/// The content of `state.json`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct State {
    /// The container.
    pub(crate) id: String,
    /// Version of the configuration.
    pub(crate) oci_version: String,
    /// Absolute path of the bundle.
    pub(crate) bundle: String,
    /// Absolute path of the root file system.
    pub(crate) rootfs: String,
    /// The first process; 0 before there is one.
    pub(crate) pid: i32,
    /// When that started, in ticks since boot.
    pub(crate) pid_start: u64,
    /// RFC 3339.
    pub(crate) created: String,
    /// User that created it.
    pub(crate) owner: u32,
    /// As configured.
    pub(crate) annotations: Vec<(String, String)>,
    /// `CLONE_NEW` bits of the namespaces that are not the runtime's.
    pub(crate) namespaces: u32,
    /// To run once it has started.
    pub(crate) poststart: Vec<Hook>,
    /// To run once it is deleted.
    pub(crate) poststop: Vec<Hook>,
    /// Where its cgroups are; for the module that knows about them.
    pub(crate) cgroup: Document,
    /// Where they were, while it moves from there (out of a pool).
    pub(crate) cgroup_before: Option<Document>,
    /// Whether it has a session keyring of its own, of its name.
    pub(crate) keyring: bool,
    /// Directory of Intel's RDT to remove, if one was made.
    pub(crate) rdt: Option<String>,
}

/// A JSON value that is nothing unless set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document(pub Value);

impl Default for Document {
    fn default() -> Self {
        Self(Value::Null)
    }
}

impl Root {
    /// The given directory, or the one for this user. It need not exist.
    pub(crate) fn new(path: Option<CString>) -> Self {
        Self { path: path.unwrap_or_else(|| c"/run/coracle-oci".into()) }
    }

    /// Where the containers of a pool wait. No container has such an ID.
    pub(crate) fn pool(&self, name: &str) -> Result<Self, Error> {
        file_name(name)?;
        let path = [self.path.as_bytes(), POOL.as_bytes(), name.as_bytes()].concat();
        CString::new(path).map(|path| Self { path }).map_err(|_| Error::Usage("a path holds a zero byte".into()))
    }

    /// The names of all pools, sorted.
    pub(crate) fn pools(&self) -> Result<Vec<String>, Error> {
        let named = |name: String| name.strip_prefix(POOL.trim_start_matches('/')).map(String::from);
        Ok(self.names()?.into_iter().filter_map(named).collect())
    }

    /// Absolute, unless the caller gave another.
    pub(crate) fn path(&self) -> &CString {
        &self.path
    }

    /// Opens it, made if it is not there, and locks it for as long as the descriptor is open; `None` if another has it.
    pub(crate) fn hold(&self) -> Result<Option<Fd>, Error> {
        self.make()?;
        let what = || format!("open {}", self.path.to_string_lossy());
        let fd = fs::open(CWD, &self.path, fs::O_RDONLY | fs::O_DIRECTORY | fs::O_NOFOLLOW, 0).about(what)?;
        match fs::lock(fd.borrow(), false) {
            Err(Errno::EAGAIN) => Ok(None),
            other => other.about(what).map(|()| Some(fd)),
        }
    }

    fn open(&self) -> kernel::Result<Fd> {
        fs::open(CWD, &self.path, fs::O_PATH | fs::O_DIRECTORY, 0)
    }

    /// Makes a container's directory, of which there must be none.
    pub(crate) fn create(&self, id: &str) -> Result<Directory, Error> {
        let name = file_name(id)?;
        let root = match self.open() {
            Err(Errno::ENOENT) => {
                self.make()?;
                self.open()
            }
            other => other,
        };
        let root = root.about(|| format!("open {}", self.path.to_string_lossy()))?;
        match fs::make_directory(root.borrow(), &name, 0o711) {
            Err(Errno::EEXIST) => return Err(Error::Exists(id.into())),
            other => other.about(|| format!("mkdir {}/{id}", self.path.to_string_lossy()))?,
        }
        let fd = fs::open(root.borrow(), &name, fs::O_RDONLY | fs::O_DIRECTORY | fs::O_NOFOLLOW, 0)
            .about(|| format!("open {}/{id}", self.path.to_string_lossy()))?;
        fs::lock(fd.borrow(), true).about(|| format!("lock {id}"))?;
        Ok(Directory { fd, root, name })
    }

    fn make(&self) -> Result<(), Error> {
        let bytes = self.path.as_bytes();
        for end in (1..=bytes.len()).filter(|&end| bytes.get(end).is_none_or(|&byte| byte == b'/')) {
            let part = CString::new(bytes.get(..end).unwrap_or_default()).unwrap_or_default();
            match fs::make_directory(CWD, &part, 0o700) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(errno) => return Err(Error::system(format!("mkdir {}", part.to_string_lossy()), errno)),
            }
        }
        Ok(())
    }

    /// Opens a container's directory, and waits until no other command holds it.
    pub(crate) fn lock(&self, id: &str) -> Result<Directory, Error> {
        let directory = self.find(id)?;
        fs::lock(directory.fd.borrow(), true).about(|| format!("lock {id}"))?;
        // It may have gone while this process waited.
        self.find(id).map(|_| directory)
    }

    /// Opens a container's directory only to look.
    pub(crate) fn find(&self, id: &str) -> Result<Directory, Error> {
        let name = file_name(id)?;
        let missing = |errno| match errno {
            Errno::ENOENT => Error::NoContainer(id.into()),
            errno => Error::system(format!("open {}/{id}", self.path.to_string_lossy()), errno),
        };
        let root = self.open().map_err(missing)?;
        let flags = fs::O_RDONLY | fs::O_DIRECTORY | fs::O_NOFOLLOW;
        let fd = fs::open(root.borrow(), &name, flags, 0).map_err(missing)?;
        Ok(Directory { fd, root, name })
    }

    /// The ids of all containers, sorted.
    pub(crate) fn ids(&self) -> Result<Vec<String>, Error> {
        Ok(self.names()?.into_iter().filter(|id| file_name(id).is_ok()).collect())
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        let directory = match fs::open(CWD, &self.path, fs::O_RDONLY | fs::O_DIRECTORY, 0) {
            Err(Errno::ENOENT) => return Ok(Vec::new()),
            other => other.about(|| format!("open {}", self.path.to_string_lossy()))?,
        };
        let entries = fs::entries(directory.borrow()).about(|| format!("read {}", self.path.to_string_lossy()))?;
        let mut names: Vec<String> = entries.into_iter().filter_map(|entry| entry.name.into_string().ok()).collect();
        names.sort();
        Ok(names)
    }
}

/// An id is a file name of letters, digits and `_+-.`; at most 255 bytes, as file systems have it.
fn file_name(id: &str) -> Result<CString, Error> {
    let wrong = |why: &str| Error::Usage(format!("invalid container ID {id:?}: {why}"));
    if id.is_empty() || id.len() > 255 {
        return Err(wrong("it has to have 1 to 255 characters"));
    }
    if id == "." || id == ".." || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-.".contains(&byte)) {
        return Err(wrong("only letters, digits and _ + - . are allowed"));
    }
    CString::new(id).map_err(|_| wrong("it holds a zero byte"))
}

impl Directory {
    /// Reads `state.json`; `None` if the command that made the directory never came to write it.
    pub(crate) fn read(&self) -> Result<Option<State>, Error> {
        let file = || format!("{}/state.json", self.name.to_string_lossy());
        let text = match fs::read_file(self.fd.borrow(), STATE_FILE, LIMIT) {
            Err(Errno::ENOENT) => return Ok(None),
            other => other.about(|| format!("read {}", file()))?,
        };
        let wrong = |what: String| Error::Document { file: file(), what };
        if text.is_empty() {
            return Ok(None);
        }
        let value = json::parse(&text).map_err(|error| wrong(format!("{error}")))?;
        State::read(&Node::document(&value)).map(Some).map_err(|error| wrong(format!("{error}")))
    }

    /// Reads `state.json`, which has to be there.
    pub(crate) fn state(&self) -> Result<State, Error> {
        self.read()?.ok_or_else(|| Error::NoContainer(self.name.to_string_lossy().into_owned()))
    }

    /// Writes `state.json` for the first time, before there is anything that it tells of.
    pub(crate) fn write_first(&self, state: &State) -> Result<(), Error> {
        let what = || format!("write the state of {}", state.id);
        let flags = fs::O_WRONLY | fs::O_CREAT | fs::O_EXCL | fs::O_NOFOLLOW;
        let file = fs::open(self.fd.borrow(), STATE_FILE, flags, 0o600).about(what)?;
        fs::write_all(file.borrow(), format!("{}", state.to_json()).as_bytes()).about(what)
    }

    /// Writes `state.json`, whole or not at all.
    pub(crate) fn write(&self, state: &State) -> Result<(), Error> {
        let text = format!("{}", state.to_json());
        fs::write_file_atomic(self.fd.borrow(), STATE_FILE, text.as_bytes(), 0o600)
            .about(|| format!("write the state of {}", state.id))
    }

    /// Removes it with all that is in it.
    pub(crate) fn remove(self) -> Result<(), Error> {
        let name = self.name.to_string_lossy().into_owned();
        for entry in fs::entries(self.fd.borrow()).about(|| format!("read {name}"))? {
            fs::remove(self.fd.borrow(), &entry.name, 0)
                .about(|| format!("remove {name}/{}", entry.name.to_string_lossy()))?;
        }
        fs::remove(self.root.borrow(), &self.name, fs::AT_REMOVEDIR).about(|| format!("rmdir {name}"))
    }

    /// Gives it another place and name, where there must be nothing yet, and locks it there.
    pub(crate) fn rename(self, root: &Root, id: &str) -> Result<Self, Error> {
        const NOREPLACE: u32 = 1;
        let name = file_name(id)?;
        let to = root.open().about(|| format!("open {}", root.path.to_string_lossy()))?;
        match fs::rename(self.root.borrow(), &self.name, to.borrow(), &name, NOREPLACE) {
            Err(Errno::EEXIST) => return Err(Error::Exists(id.into())),
            Err(Errno::ENOENT) => return Err(Error::NoContainer(self.id())),
            other => other.about(|| format!("rename {} to {id}", self.id()))?,
        }
        fs::lock(self.fd.borrow(), true).about(|| format!("lock {id}"))?;
        Ok(Self { fd: self.fd, root: to, name })
    }

    /// Locks it, unless another command works on it.
    pub(crate) fn try_lock(&self) -> bool {
        fs::lock(self.fd.borrow(), false).is_ok()
    }

    /// Does something with it as the working directory, since paths of sockets are short.
    pub(crate) fn inside<T>(&self, work: impl FnOnce() -> kernel::Result<T>) -> kernel::Result<T> {
        let here = fs::open(CWD, c".", fs::O_PATH | fs::O_DIRECTORY, 0)?;
        fs::change_directory_fd(self.fd.borrow())?;
        let result = work();
        fs::change_directory_fd(here.borrow())?;
        result
    }

    /// The container's id.
    #[must_use]
    pub(crate) fn id(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }

    /// Lets other commands at it.
    pub(crate) fn unlock(&self) -> kernel::Result<()> {
        fs::unlock(self.fd.borrow())
    }

    /// Waits until no other command works on it; `false` if one has removed it.
    pub(crate) fn lock_again(&self) -> Result<bool, Error> {
        fs::lock(self.fd.borrow(), true).about(|| format!("lock {}", self.id()))?;
        Ok(fs::stat_fd(self.fd.borrow()).about(|| format!("look at {}", self.id()))?.st_nlink > 0)
    }

    /// Whether the container waits to be started.
    #[must_use]
    pub(crate) fn waits(&self) -> bool {
        fs::exists(self.fd.borrow(), START_SOCKET)
    }
}

impl State {
    pub(crate) fn to_json(&self) -> Value {
        let hooks = |list: &[Hook]| Value::Array(list.iter().map(Hook::to_json).collect());
        json::object([
            ("id", self.id.as_str().into()),
            ("ociVersion", self.oci_version.as_str().into()),
            ("bundle", self.bundle.as_str().into()),
            ("rootfs", self.rootfs.as_str().into()),
            ("pid", u64::from(self.pid.unsigned_abs()).into()),
            ("pidStart", self.pid_start.into()),
            ("created", self.created.as_str().into()),
            ("owner", u64::from(self.owner).into()),
            ("annotations", annotations(&self.annotations)),
            ("namespaces", u64::from(self.namespaces).into()),
            ("poststart", hooks(&self.poststart)),
            ("poststop", hooks(&self.poststop)),
            ("cgroup", self.cgroup.0.clone()),
            ("cgroupBefore", self.cgroup_before.as_ref().map_or(Value::Null, |document| document.0.clone())),
            ("keyring", Value::Bool(self.keyring)),
            ("rdt", self.rdt.as_deref().map_or(Value::Null, Value::from)),
        ])
    }

    pub(crate) fn read(node: &Node<'_>) -> Result<Self, runtime_spec::Error> {
        Ok(Self {
            id: node.required("id", Node::string)?,
            oci_version: node.required("ociVersion", Node::string)?,
            bundle: node.required("bundle", Node::string)?,
            rootfs: node.required("rootfs", Node::string)?,
            pid: node.required("pid", Node::number)?,
            pid_start: node.required("pidStart", Node::u64)?,
            created: node.required("created", Node::string)?,
            owner: node.required("owner", Node::number)?,
            annotations: node.or_default("annotations", Node::text_map)?,
            namespaces: node.required("namespaces", Node::number)?,
            poststart: node.or_default("poststart", Hook::read_list)?,
            poststop: node.or_default("poststop", Hook::read_list)?,
            cgroup: Document(node.get("cgroup").map_or(Value::Null, |node| node.value.clone())),
            cgroup_before: node.get("cgroupBefore").map(|node| Document(node.value.clone())),
            keyring: node.or_default("keyring", Node::bool)?,
            rdt: node.optional("rdt", Node::string)?,
        })
    }

    /// A descriptor of the first process, if that still runs.
    #[must_use]
    pub(crate) fn process(&self) -> Option<Fd> {
        if self.pid == 0 {
            return None;
        }
        let handle = kernel::process::open_process(self.pid).ok()?;
        (process_start(self.pid) == Some(self.pid_start)).then_some(handle)
    }

    /// The document that hooks, seccomp listeners and `state` get (`runtime.md`, "State").
    #[must_use]
    pub(crate) fn document(&self, status: Status) -> Vec<(&'static str, Value)> {
        let mut members = alloc::vec![
            ("ociVersion", self.oci_version.as_str().into()),
            ("id", self.id.as_str().into()),
            ("status", status.word().into()),
        ];
        if matches!(status, Status::Creating | Status::Created | Status::Running | Status::Paused) && self.pid != 0 {
            members.push(("pid", u64::from(self.pid.unsigned_abs()).into()));
        }
        members.push(("bundle", self.bundle.as_str().into()));
        if !self.annotations.is_empty() {
            members.push(("annotations", annotations(&self.annotations)));
        }
        members
    }
}

fn annotations(list: &[(String, String)]) -> Value {
    json::object(list.iter().map(|(key, value)| (key.as_str(), value.as_str().into())))
}

/// When a process started, in ticks since boot (`/proc/PID/stat`, field 22); `None` when there is none, or only what is
/// left of it until its parent has asked for its end.
#[must_use]
pub(crate) fn process_start(pid: i32) -> Option<u64> {
    let path = CString::new(format!("/proc/{pid}/stat")).ok()?;
    let mut text = [0u8; 1024];
    let file = fs::open(CWD, &path, fs::O_RDONLY, 0).ok()?;
    let length = fs::read(file.borrow(), &mut text).ok()?;
    start_in(text.get(..length)?)
}

/// The number that a process has in its own PID namespace (`NSpid` of its status, the innermost last).
pub(crate) fn pid_inside(pid: i32) -> Option<i32> {
    let path = CString::new(format!("/proc/{pid}/status")).ok()?;
    let file = fs::open(CWD, &path, fs::O_RDONLY, 0).ok()?;
    let text = fs::read_all(file.borrow(), 1 << 16).ok()?;
    let line = text.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"NSpid:"))?;
    str::from_utf8(line).ok()?.split_ascii_whitespace().next_back()?.parse().ok()
}

/// The time of a start, of what that file holds.
pub(crate) fn start_in(text: &[u8]) -> Option<u64> {
    // The name, in parentheses, may hold anything: count from its end.
    let after = text.get(text.iter().rposition(|&byte| byte == b')')? + 2..)?;
    let mut fields = after.split(|&byte| byte == b' ');
    if matches!(fields.next()?, b"Z" | b"X") {
        return None;
    }
    str::from_utf8(fields.nth(18)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> (std::path::PathBuf, Root) {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("coracle-oci-state-{}-{number}", std::process::id()));
        let root = Root::new(Some(CString::new(path.join("a/b").to_str().unwrap()).unwrap()));
        (path, root)
    }

    #[test]
    fn a_state_is_read_as_it_was_written() {
        let (path, root) = root();
        let directory = root.create("one").unwrap();
        assert_eq!(directory.read().unwrap(), None);
        let state = State {
            id: "one".into(),
            pid: 7,
            annotations: vec![("a".into(), "\"b\"".into())],
            cgroup_before: Some(Document(1u64.into())),
            poststop: vec![Hook { path: c"/bin/true".into(), ..Hook::default() }],
            ..State::default()
        };
        directory.write(&state).unwrap();
        assert_eq!(directory.state().unwrap(), state);
        assert_eq!(root.create("one").unwrap_err(), Error::Exists("one".into()));
        assert_eq!(root.ids().unwrap(), ["one"]);
        directory.remove().unwrap();
        assert_eq!(root.find("one").unwrap_err(), Error::NoContainer("one".into()));
        std::fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn ids_are_names_of_files() {
        for id in ["a", "A_1+2-3.x", "..."] {
            assert!(file_name(id).is_ok(), "{id}");
        }
        for id in ["", ".", "..", "a/b", "a b", "é", &"x".repeat(256)] {
            assert!(file_name(id).is_err(), "{id}");
        }
    }

    #[test]
    fn a_process_is_told_from_another_with_its_number() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let start = process_start(pid).unwrap();
        assert!(State { pid, pid_start: start, ..State::default() }.process().is_some());
        assert!(State { pid, pid_start: start + 1, ..State::default() }.process().is_none());
        assert!(State::default().process().is_none());
    }
}
