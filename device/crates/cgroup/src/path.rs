//! Paths as text: joining, checking, and the form that system calls take.

use crate::{Error, Result};
use alloc::ffi::CString;
use alloc::string::String;
use kernel::Errno;

/// For a system call. A zero byte cannot be in it: what comes from outside was checked.
pub(crate) fn c_path(path: &str) -> core::result::Result<CString, Errno> {
    CString::new(path).map_err(|_| Errno::EINVAL)
}

/// A path below another; `below` starts with a slash, or is empty.
pub(crate) fn join(mount: &str, below: &str) -> String {
    let (mount, below) = (mount.trim_end_matches('/'), below.trim_matches('/'));
    if below.is_empty() { mount.into() } else { alloc::format!("{mount}/{below}") }
}

/// The path above; that of the root is the root.
pub(crate) fn parent(path: &str) -> &str {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some((above, _)) if !above.is_empty() => above,
        _ => "/",
    }
}

/// A path of groups with one slash before each name. What would leave the hierarchy, or be its root, is refused.
pub(crate) fn clean(path: &str) -> Result<String> {
    let wrong = |what| Error::Path { path: path.into(), what };
    if path.bytes().any(|byte| byte == 0 || byte == b'\n') {
        return Err(wrong("holds a zero byte or a line break"));
    }
    if path.len() > 2048 {
        return Err(wrong("is too long"));
    }
    let mut result = String::new();
    for name in path.split('/').filter(|name| !name.is_empty() && *name != ".") {
        if name == ".." {
            return Err(wrong("has .. in it"));
        }
        result.push('/');
        result.push_str(name);
    }
    // Limits and signals would be those of the whole machine.
    if result.is_empty() { Err(wrong("is the root of all cgroups")) } else { Ok(result) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_the_root() {
        for (path, wanted) in [("/a/b", "/a/b"), ("a", "/a"), ("//a/./b/", "/a/b"), ("a..b/..c", "/a..b/..c")] {
            assert_eq!(clean(path).unwrap(), wanted);
            assert_eq!(clean(wanted).unwrap(), wanted, "cleaning twice");
        }
        for path in ["", "/", "/..", "a/../b", "..", "./", "a\0b", "a\nb"] {
            assert!(matches!(clean(path), Err(Error::Path { .. })), "{path:?}");
        }
        assert!(clean(&"x/".repeat(2000)).is_err());
    }

    #[test]
    fn paths_are_joined_and_taken_apart() {
        assert_eq!(join("/sys/fs/cgroup", "/a/b"), "/sys/fs/cgroup/a/b");
        assert_eq!(join("/sys/fs/cgroup/", "/"), "/sys/fs/cgroup");
        assert_eq!((parent("/a/b"), parent("/a"), parent("/")), ("/a", "/", "/"));
    }
}
