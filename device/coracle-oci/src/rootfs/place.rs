//! Places in a container's root: found and made by descriptor, so that no link in it leads out of it, and none that is
//! changed meanwhile matters.

use crate::error::{About, Error};
use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;
use kernel::{BorrowedFd, Errno, Fd, fs};

/// What is to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    File,
}

/// Opens a path in the root (`O_PATH`), links followed inside of it; `None` when there is nothing.
pub(crate) fn find(root: BorrowedFd<'_>, path: &CStr) -> Result<Option<Fd>, Error> {
    match fs::open_in_root(root, inside(path), fs::O_PATH, 0) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
        Err(errno) => Err(Error::system(format!("open {} in the container", path.to_string_lossy()), errno)),
    }
}

/// Opens a path in the root, and makes what is missing of it.
pub(crate) fn make(root: BorrowedFd<'_>, path: &CStr, kind: Kind) -> Result<Fd, Error> {
    if let Ok(found) = fs::open_in_root(root, inside(path), fs::O_PATH, 0) {
        return Ok(found);
    }
    if kind == Kind::Directory {
        return make_directories(root, path);
    }
    let (parent, name) = parent_of(root, path)?;
    let what = || format!("make {} in the container", path.to_string_lossy());
    let flags = fs::O_CREAT | fs::O_NOFOLLOW | fs::O_RDONLY | fs::O_NONBLOCK | fs::O_NOCTTY;
    let made = fs::open(parent.borrow(), &name, flags, 0o644).about(what)?;
    // As a place only: what it holds is nobody's business here.
    fs::open(parent.borrow(), &name, fs::O_PATH | fs::O_NOFOLLOW, 0).about(what).inspect(|_| drop(made))
}

/// Opens the directory of what is to be made at a path, and makes it if it is missing; and the name in it. A last part that is
/// `..` would not be held back by the root.
pub(crate) fn parent_of(root: BorrowedFd<'_>, path: &CStr) -> Result<(Fd, CString), Error> {
    let (parent, name) = split(path);
    if [c"", c".", c".."].contains(&name.as_c_str()) {
        return Err(Error::config(format!("{} ends with no name", path.to_string_lossy())));
    }
    Ok((make_directories(root, &parent)?, name))
}

/// Opens a directory in the root, and makes it and those above it if they are missing.
pub(crate) fn make_directories(root: BorrowedFd<'_>, path: &CStr) -> Result<Fd, Error> {
    let what = || format!("make {} in the container", path.to_string_lossy());
    let flags = fs::O_PATH | fs::O_DIRECTORY;
    if let Ok(found) = fs::open_in_root(root, inside(path), flags, 0) {
        return Ok(found);
    }
    let bytes = path.to_bytes();
    let mut made = Vec::with_capacity(bytes.len());
    let mut current = fs::open_in_root(root, c".", flags, 0).about(what)?;
    for part in bytes.split(|&byte| byte == b'/').filter(|part| !part.is_empty()) {
        let name = CString::new(part).map_err(|_| Error::system(what(), Errno::EINVAL))?;
        made.push(b'/');
        made.extend_from_slice(part);
        let whole = CString::new(made.clone()).map_err(|_| Error::system(what(), Errno::EINVAL))?;
        current = match fs::open_in_root(root, inside(&whole), flags, 0) {
            Err(Errno::ENOENT) if part != b".." => make_directory(current.borrow(), &name).about(what)?,
            other => other.about(what)?,
        };
    }
    Ok(current)
}

fn make_directory(parent: BorrowedFd<'_>, name: &CStr) -> kernel::Result<Fd> {
    match fs::make_directory(parent, name, 0o755) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(errno),
    }
    fs::open(parent, name, fs::O_PATH | fs::O_DIRECTORY | fs::O_NOFOLLOW, 0)
}

/// The directory and the last part of a path.
pub(crate) fn split(path: &CStr) -> (CString, CString) {
    let bytes = path.to_bytes();
    let trimmed = bytes.len() - bytes.iter().rev().take_while(|&&byte| byte == b'/').count();
    let cut = bytes.get(..trimmed).unwrap_or_default();
    let start = cut.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    let name = CString::new(cut.get(start..).unwrap_or_default()).unwrap_or_default();
    let directory = CString::new(cut.get(..start).unwrap_or_default()).unwrap_or_default();
    (directory, name)
}

/// A path as `openat2` wants it: an empty one is the root itself.
fn inside(path: &CStr) -> &CStr {
    if path.is_empty() { c"." } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn root() -> (std::path::PathBuf, Fd) {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("coracle-oci-place-{}-{number}", std::process::id()));
        std::fs::create_dir_all(path.join("root")).unwrap();
        let name = CString::new(path.join("root").to_str().unwrap()).unwrap();
        let fd = fs::open(kernel::CWD, &name, fs::O_PATH | fs::O_DIRECTORY, 0).unwrap();
        (path, fd)
    }

    #[test]
    fn paths_are_made_in_the_root_wherever_they_point() {
        let (path, root) = root();
        make(root.borrow(), c"/a/b/c", Kind::Directory).unwrap();
        make(root.borrow(), c"x/../../../y", Kind::File).unwrap();
        for up in [c"/x/../..", c"/new/../..", c"..", c"/a/..", c"/.", c"/"] {
            let found = make(root.borrow(), up, Kind::Directory).unwrap();
            assert_eq!(fs::stat_fd(found.borrow()).unwrap().st_ino, fs::stat_fd(root.borrow()).unwrap().st_ino);
            assert!(parent_of(root.borrow(), up).is_err());
        }
        assert!(make(root.borrow(), c"/nowhere/..", Kind::File).is_err());
        assert!(path.join("root/a/b/c").is_dir() && path.join("root/y").is_file() && !path.join("y").exists());
        std::fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_planted_link_does_not_lead_out() {
        let (path, root) = root();
        std::fs::create_dir(path.join("outside")).unwrap();
        symlink(path.join("outside"), path.join("root/absolute")).unwrap();
        symlink("../outside", path.join("root/relative")).unwrap();
        symlink("/elsewhere", path.join("root/etc")).unwrap();
        // They point nowhere inside, and what they point to outside is not touched.
        for link in [c"absolute/x", c"relative/x", c"etc/passwd"] {
            assert!(find(root.borrow(), link).unwrap().is_none());
            let _ = make(root.borrow(), link, Kind::File);
        }
        assert_eq!(std::fs::read_dir(path.join("outside")).unwrap().count(), 0);
        std::fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn paths_are_split() {
        for (path, directory, name) in
            [(c"/a/b", c"/a/", c"b"), (c"a", c"", c"a"), (c"/a/b//", c"/a/", c"b"), (c"/", c"", c"")]
        {
            assert_eq!(split(path), (directory.into(), name.into()));
        }
    }
}
