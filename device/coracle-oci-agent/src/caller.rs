//! The thread that waits in a call: its memory, its root, its namespaces, its identity, all through one handle on its
//! directory in procfs, so that a later process of the same number is never mistaken for it.

use crate::calls::{Stop, failed};
use crate::container::Shared;
use crate::errno;
use linux::namespace;
use linux::node::{Walk, open_below, open_in_root};
use linux::seccomp::{Listener, Notification};
use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// `PATH_MAX`, with the NUL.
const MAX_PATH: usize = 4096;
const PAGE: u64 = 4096;

pub(crate) struct Caller<'a> {
    directory: File,
    listener: &'a Listener,
    id: u64,
}

/// A path that was opened, and where that is, from the root of the container's mounts.
pub(crate) struct Opened {
    pub(crate) file: File,
    pub(crate) path: String,
}

/// User, group and file mode mask for files, in the agent's own numbers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) user: u32,
    pub(crate) group: u32,
    pub(crate) effective_group: u32,
    pub(crate) mask: u32,
}

impl<'a> Caller<'a> {
    pub(crate) fn open(listener: &'a Listener, notification: &Notification) -> Result<Self, Stop> {
        let path = format!("/proc/{}", notification.pid);
        let directory = File::open(&path).map_err(|error| failed("opening the caller's directory in /proc", &error))?;
        let caller = Self { directory, listener, id: notification.id };
        // From now on, `directory` is the caller's or fails.
        caller.check()?;
        Ok(caller)
    }

    /// Whether it still waits for this call's answer.
    pub(crate) fn check(&self) -> Result<(), Stop> {
        if self.listener.still_waits(self.id) { Ok(()) } else { Err(Stop::Gone) }
    }

    fn below(&self, name: &str, read: bool) -> Result<File, Stop> {
        open_below(&self.directory, Path::new(name), read)
            .map_err(|error| failed(&format!("opening the caller's {name}"), &error))
    }

    /// A copy of the NUL-terminated text at an address; `None` for a null pointer. Text that is not UTF-8 fails.
    pub(crate) fn text(&self, what: &str, address: u64, limit: usize) -> Result<Option<String>, Stop> {
        if address == 0 {
            return Ok(None);
        }
        let memory = self.below("mem", true)?;
        let mut bytes = Vec::new();
        let mut buffer = [0; PAGE as usize];
        let mut at = address;
        let end = loop {
            // To the end of the page: the next one may not be there.
            let size = usize::try_from(PAGE - at % PAGE).unwrap_or(1).min(limit.saturating_sub(bytes.len()).max(1));
            let part = buffer.get_mut(..size).unwrap_or(&mut []);
            let count = match memory.read_at(part, at) {
                Ok(count @ 1..) => count,
                _ => return Err(Stop::Failed { errno: errno::EFAULT, why: format!("{what} is not in memory") }),
            };
            let part = part.get(..count).unwrap_or(&[]);
            if let Some(end) = part.iter().position(|byte| *byte == 0) {
                bytes.extend_from_slice(part.get(..end).unwrap_or(&[]));
                break bytes;
            }
            bytes.extend_from_slice(part);
            if bytes.len() >= limit {
                return Err(Stop::Failed { errno: errno::ENAMETOOLONG, why: format!("{what} is too long") });
            }
            at = at.wrapping_add(count as u64);
        };
        self.check()?;
        String::from_utf8(end)
            .map(Some)
            .map_err(|_| Stop::Failed { errno: errno::EINVAL, why: format!("{what} is not UTF-8") })
    }

    /// A copy of a path; it has to be there.
    pub(crate) fn path(&self, what: &str, address: u64) -> Result<String, Stop> {
        self.text(what, address, MAX_PATH)?
            .ok_or_else(|| Stop::Failed { errno: errno::EFAULT, why: format!("{what} is a null pointer") })
    }

    /// The user namespace, which has to be another one than the agent's.
    pub(crate) fn user_namespace(&self, shared: &Shared) -> Result<File, Stop> {
        self.foreign("user", &shared.user)
    }

    /// The mount namespace, which has to be neither the agent's nor one that belongs to the agent's user namespace: else a
    /// process of the host could have the agent mount for it.
    pub(crate) fn mount_namespace(&self, shared: &Shared) -> Result<File, Stop> {
        self.user_namespace(shared)?;
        let namespace = self.foreign("mnt", &shared.mount)?;
        is_contained(shared, &namespace, "mnt")?;
        Ok(namespace)
    }

    /// The network namespace; `None` if it is the agent's.
    pub(crate) fn network_namespace(&self, shared: &Shared) -> Result<Option<File>, Stop> {
        let namespace = self.below("ns/net", true)?;
        let same = namespace::is_same(&namespace, &shared.network);
        if same.map_err(|error| failed("comparing network namespaces", &error))? {
            return Ok(None);
        }
        is_contained(shared, &namespace, "net")?;
        Ok(Some(namespace))
    }

    fn foreign(&self, kind: &str, own: &File) -> Result<File, Stop> {
        let namespace = self.below(&format!("ns/{kind}"), true)?;
        let same = namespace::is_same(&namespace, own).map_err(|error| failed("comparing namespaces", &error))?;
        if same {
            Err(Stop::Refused(format!("the caller is in the agent's own {kind} namespace")))
        } else {
            Ok(namespace)
        }
    }

    /// Opens a path as the caller sees it. Relative ones begin where the link `from` of procfs leads (`cwd`, `fd/3`).
    pub(crate) fn resolve(&self, what: &str, path: &str, from: &str, walk: Walk) -> Result<Opened, Stop> {
        let root = self.below("root", false)?;
        let absolute = match path {
            "" => return Err(Stop::Failed { errno: errno::ENOENT, why: format!("{what} is empty") }),
            path if path.starts_with('/') => path.to_owned(),
            relative => format!("{}/{relative}", self.base(&root, what, from)?),
        };
        let file = open_in_root(&root, Path::new(&absolute), walk)
            .map_err(|error| failed(&format!("opening {what} {path}"), &error))?;
        let path = place_of(what, &file)?;
        self.check()?;
        Ok(Opened { file, path })
    }

    /// The directory that relative paths begin at, as a path from the caller's root.
    fn base(&self, root: &File, what: &str, from: &str) -> Result<String, Stop> {
        let directory = place_of(what, &self.below(from, false)?)?;
        let root = place_of("the root", root)?;
        let below = if root == "/" { Some(directory.as_str()) } else { directory.strip_prefix(&root) };
        match below {
            Some(below) if below.is_empty() || below.starts_with('/') => Ok(below.to_owned()),
            _ => Err(Stop::Refused(format!("{what} begins at {directory}, which is not below the caller's root"))),
        }
    }

    pub(crate) fn identity(&self) -> Result<Identity, Stop> {
        let mut text = String::new();
        self.below("status", true)?
            .take(1 << 16)
            .read_to_string(&mut text)
            .map_err(|error| failed("reading the caller's status", &error))?;
        parse_identity(&text).ok_or_else(|| Stop::Failed {
            errno: errno::EIO,
            why: "the caller's status in /proc has not the usual form".into(),
        })
    }
}

fn is_contained(shared: &Shared, namespace: &File, kind: &str) -> Result<(), Stop> {
    let owner =
        namespace::owner(namespace).map_err(|error| failed(&format!("asking for the owner of {kind}"), &error))?;
    let same = namespace::is_same(&owner, &shared.user).map_err(|error| failed("comparing namespaces", &error))?;
    if same { Err(Stop::Refused(format!("the caller's {kind} namespace belongs to the host"))) } else { Ok(()) }
}

/// Where an open file is, from the root of its mount namespace. For one outside of the agent's mounts the kernel begins at
/// the root of that namespace, whatever the caller's own root is.
pub(crate) fn place_of(what: &str, file: &File) -> Result<String, Stop> {
    let path = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))
        .map_err(|error| failed(&format!("asking where {what} is"), &error))?;
    path.into_os_string()
        .into_string()
        .map_err(|_| Stop::Failed { errno: errno::EINVAL, why: format!("{what} leads to a path that is not UTF-8") })
}

/// `Uid:` and `Gid:` have the real, effective, saved and file system identity.
fn parse_identity(status: &str) -> Option<Identity> {
    let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let number = |name, place| line(name)?.split_ascii_whitespace().nth(place)?.parse().ok();
    Some(Identity {
        user: number("Uid:", 3)?,
        group: number("Gid:", 3)?,
        effective_group: number("Gid:", 1)?,
        mask: u32::from_str_radix(line("Umask:")?.trim(), 8).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_for_files_is_the_last_of_four() {
        let status = "Name:\tUid: 1\nUmask:\t0027\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n";
        let expected = Identity { user: 4, group: 8, effective_group: 6, mask: 0o27 };
        assert_eq!(parse_identity(status), Some(expected));
        assert_eq!(parse_identity("Uid:\t1\t2\t3\n"), None);
        assert!(parse_identity(&std::fs::read_to_string("/proc/self/status").unwrap()).is_some());
    }
}
