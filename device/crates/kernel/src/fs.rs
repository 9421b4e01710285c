//! Files and directories, always relative to a descriptor. What comes from a container's side is opened by
//! [`open_in_root`], which the kernel keeps inside of the given directory.

use crate::sys::{In, Out, sys, zeroed};
use crate::{BorrowedFd, Errno, Fd, Result};
use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::fmt;
use linux_raw_sys::general as raw;
pub use raw::{
    AT_EMPTY_PATH, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, O_APPEND, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_EXCL, O_NOCTTY,
    O_NOFOLLOW, O_NONBLOCK, O_PATH, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY, RENAME_NOREPLACE, RESOLVE_BENEATH,
    RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO,
    S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK,
};
pub use raw::{stat as Stat, statfs as StatFs};

/// Magic number of a file system's `statfs`.
pub const PROC_SUPER_MAGIC: i64 = 0x9fa0;
/// As above.
pub const CGROUP2_SUPER_MAGIC: i64 = 0x6367_7270;
/// As above.
pub const CGROUP_SUPER_MAGIC: i64 = 0x0027_e0eb;

/// `openat`; always closed on exec.
pub fn open(directory: BorrowedFd<'_>, path: &CStr, flags: u32, mode: u32) -> Result<Fd> {
    sys!(openat, directory, path, flags | O_CLOEXEC, mode).map(owned)
}

/// `openat2` with the given `RESOLVE_` flags; always closed on exec.
pub fn open2(directory: BorrowedFd<'_>, path: &CStr, flags: u32, mode: u32, resolve: u32) -> Result<Fd> {
    let how = raw::open_how { flags: u64::from(flags | O_CLOEXEC), mode: u64::from(mode), resolve: u64::from(resolve) };
    loop {
        match sys!(openat2, directory, path, In(&how), size_of::<raw::open_how>()) {
            // Something was renamed at the same time, so that the kernel could not tell whether it stayed inside.
            Err(Errno::EAGAIN) => {}
            result => return result.map(owned),
        }
    }
}

/// Opens a path as if `root` were the root directory, links included, and never through a magic link of procfs.
pub fn open_in_root(root: BorrowedFd<'_>, path: &CStr, flags: u32, mode: u32) -> Result<Fd> {
    open2(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
}

fn owned(number: usize) -> Fd {
    Fd::from_raw(number as i32)
}

/// Opens what is below a directory by exactly this path: through no link, and on no other mount. Always closed on exec.
pub fn open_exactly(directory: BorrowedFd<'_>, path: &CStr, flags: u32) -> Result<Fd> {
    open2(directory, path, flags, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV)
}

/// `read`, again after a signal.
pub fn read(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize> {
    let length = buffer.len();
    again(|| sys!(read, fd, Out(&mut *buffer), length))
}

/// `pread64`: reads from a place on, and leaves the descriptor's own place as it is.
pub fn read_at(fd: BorrowedFd<'_>, buffer: &mut [u8], offset: u64) -> Result<usize> {
    let length = buffer.len();
    again(|| sys!(pread64, fd, Out(&mut *buffer), length, offset))
}

/// Goes back to a file's start.
pub fn rewind(fd: BorrowedFd<'_>) -> Result<()> {
    sys!(lseek, fd, 0u32, 0u32).map(drop)
}

/// `write`, again after a signal.
pub fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
    again(|| sys!(write, fd, In(bytes), bytes.len()))
}

/// Calls again what a signal has interrupted.
pub(crate) fn again<T>(mut call: impl FnMut() -> Result<T>) -> Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

/// Writes all of it.
pub fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        let count = write(fd, bytes)?;
        bytes = bytes.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// Reads to the end; `EFBIG` past `limit` bytes.
pub fn read_all(fd: BorrowedFd<'_>, limit: usize) -> Result<Vec<u8>> {
    // For a regular file its size is known, and one byte more finds its end at once.
    let expected = stat_fd(fd).map_or(0, |stat| usize::try_from(stat.st_size).unwrap_or(0)).min(limit);
    let mut content = alloc::vec![0; expected.max(1023) + 1];
    let mut filled = 0;
    loop {
        if filled == content.len() {
            content.resize(filled * 2, 0);
        }
        let Some(rest) = content.get_mut(filled..) else { break };
        match read(fd, rest)? {
            0 => break,
            count => filled += count,
        }
        if filled > limit {
            return Err(Errno::EFBIG);
        }
    }
    content.truncate(filled);
    Ok(content)
}

/// Opens and reads a file of at most `limit` bytes.
pub fn read_file(directory: BorrowedFd<'_>, path: &CStr, limit: usize) -> Result<Vec<u8>> {
    read_all(open(directory, path, O_RDONLY, 0)?.borrow(), limit)
}

/// Opens an existing file and writes to it in one call, as files of procfs and cgroups want it.
pub fn write_file(directory: BorrowedFd<'_>, path: &CStr, bytes: &[u8]) -> Result<()> {
    write_all(open(directory, path, O_WRONLY, 0)?.borrow(), bytes)
}

/// Writes a new file whole or not at all: under a temporary name, then renamed over the other.
pub fn write_file_atomic(directory: BorrowedFd<'_>, path: &CStr, bytes: &[u8], mode: u32) -> Result<()> {
    let temporary = with_suffix(path, b".new");
    let file = open(directory, &temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode)?;
    write_all(file.borrow(), bytes)?;
    drop(file);
    rename(directory, &temporary, directory, path, 0)
}

fn with_suffix(path: &CStr, suffix: &[u8]) -> CString {
    let mut name = path.to_bytes().to_vec();
    name.extend_from_slice(suffix);
    // Neither half has a zero byte.
    CString::new(name).unwrap_or_default()
}

/// `fstat`.
pub fn stat_fd(fd: BorrowedFd<'_>) -> Result<Stat> {
    let mut stat = zeroed::<Stat>();
    sys!(fstat, fd, Out(&mut stat))?;
    Ok(stat)
}

/// `fstatat` with `AT_` flags.
pub fn stat_at(directory: BorrowedFd<'_>, path: &CStr, flags: u32) -> Result<Stat> {
    let mut stat = zeroed::<Stat>();
    #[cfg(target_arch = "x86_64")]
    sys!(newfstatat, directory, path, Out(&mut stat), flags)?;
    #[cfg(not(target_arch = "x86_64"))]
    sys!(fstatat, directory, path, Out(&mut stat), flags)?;
    Ok(stat)
}

/// `fstatfs`.
pub fn statfs_fd(fd: BorrowedFd<'_>) -> Result<StatFs> {
    let mut stat = zeroed::<StatFs>();
    sys!(fstatfs, fd, Out(&mut stat))?;
    Ok(stat)
}

/// `statfs`.
pub fn statfs(path: &CStr) -> Result<StatFs> {
    let mut stat = zeroed::<StatFs>();
    sys!(statfs, path, Out(&mut stat))?;
    Ok(stat)
}

/// The number of the mount that a descriptor is on (`statx`'s `stx_mnt_id`, Linux 5.8).
pub fn mount_id(fd: BorrowedFd<'_>) -> Result<u64> {
    let mut found = zeroed::<raw::statx>();
    sys!(statx, fd, c"", AT_EMPTY_PATH, raw::STATX_MNT_ID, Out(&mut found))?;
    Ok(found.stx_mnt_id)
}

/// Whether a path exists, links followed.
#[must_use]
pub fn exists(directory: BorrowedFd<'_>, path: &CStr) -> bool {
    sys!(faccessat, directory, path, 0u32).is_ok()
}

/// Whether the caller's real user may write to a path.
#[must_use]
pub fn is_writable(directory: BorrowedFd<'_>, path: &CStr) -> bool {
    sys!(faccessat, directory, path, 2u32).is_ok()
}

/// `mkdirat`.
pub fn make_directory(directory: BorrowedFd<'_>, path: &CStr, mode: u32) -> Result<()> {
    sys!(mkdirat, directory, path, mode).map(drop)
}

/// `mknodat`; `mode` holds the kind.
pub fn make_node(directory: BorrowedFd<'_>, path: &CStr, mode: u32, device: u64) -> Result<()> {
    sys!(mknodat, directory, path, mode, device).map(drop)
}

/// A device number from its two parts, as the kernel's `new_encode_dev` packs them.
#[must_use]
pub const fn device_number(major: u64, minor: u64) -> u64 {
    ((major & 0xffff_f000) << 32) | ((major & 0xfff) << 8) | ((minor & 0xffff_ff00) << 12) | (minor & 0xff)
}

/// Major and minor of a device number.
#[must_use]
pub const fn device_parts(device: u64) -> (u64, u64) {
    (((device >> 32) & 0xffff_f000) | ((device >> 8) & 0xfff), ((device >> 12) & 0xffff_ff00) | (device & 0xff))
}

/// `symlinkat`.
pub fn make_link(target: &CStr, directory: BorrowedFd<'_>, path: &CStr) -> Result<()> {
    sys!(symlinkat, target, directory, path).map(drop)
}

/// `readlinkat`; the bytes that a link holds, at most 4096.
pub fn read_link(directory: BorrowedFd<'_>, path: &CStr) -> Result<Vec<u8>> {
    let mut target = alloc::vec![0; 4096];
    let length = sys!(readlinkat, directory, path, Out(target.as_mut_slice()), 4096usize)?;
    target.truncate(length);
    Ok(target)
}

/// `unlinkat`; `AT_REMOVEDIR` for a directory.
pub fn remove(directory: BorrowedFd<'_>, path: &CStr, flags: u32) -> Result<()> {
    sys!(unlinkat, directory, path, flags).map(drop)
}

/// `renameat2`.
pub fn rename(from: BorrowedFd<'_>, old: &CStr, to: BorrowedFd<'_>, new: &CStr, flags: u32) -> Result<()> {
    sys!(renameat2, from, old, to, new, flags).map(drop)
}

/// Gives a file to a user and group; of a link, the link itself.
pub fn change_owner_at(directory: BorrowedFd<'_>, path: &CStr, user: u32, group: u32) -> Result<()> {
    sys!(fchownat, directory, path, user, group, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW).map(drop)
}

/// Gives an open file to a user and group.
pub fn change_owner(fd: BorrowedFd<'_>, user: u32, group: u32) -> Result<()> {
    change_owner_at(fd, c"", user, group)
}

/// `fchmodat`.
pub fn change_mode(directory: BorrowedFd<'_>, path: &CStr, mode: u32) -> Result<()> {
    sys!(fchmodat, directory, path, mode).map(drop)
}

/// `pipe2`, closed on exec: the end to read and the one to write.
pub fn pipe() -> Result<(Fd, Fd)> {
    let mut ends = [0i32; 2];
    sys!(pipe2, Out(&mut ends), O_CLOEXEC)?;
    let [read, write] = ends;
    Ok((Fd::from_raw(read), Fd::from_raw(write)))
}

/// A file in memory (`memfd_create`).
pub fn memory_file(name: &CStr, flags: u32) -> Result<Fd> {
    sys!(memfd_create, name, flags).map(owned)
}

/// A counter that others add to (`eventfd2`), closed on exec. A read takes all of it, as eight bytes.
pub fn event_counter() -> Result<Fd> {
    sys!(eventfd2, 0u32, O_CLOEXEC).map(owned)
}

/// Copies from one file to another inside of the kernel; how many bytes it was.
pub fn send_file(to: BorrowedFd<'_>, from: BorrowedFd<'_>, count: usize) -> Result<usize> {
    again(|| sys!(sendfile, to, from, 0usize, count))
}

/// `fcntl` with a number as its argument.
pub fn control(fd: BorrowedFd<'_>, command: u32, argument: u64) -> Result<usize> {
    sys!(fcntl, fd, command, argument)
}

/// Puts a descriptor under another number, where it stays open on exec.
pub fn duplicate_to(fd: BorrowedFd<'_>, number: i32) -> Result<()> {
    if fd.raw() == number {
        return control(fd, raw::F_SETFD, 0).map(drop);
    }
    sys!(dup3, fd, number, 0u32).map(drop)
}

/// Another descriptor of the same file, from `least` up, closed on exec.
pub fn duplicate(fd: BorrowedFd<'_>, least: i32) -> Result<Fd> {
    control(fd, raw::F_DUPFD_CLOEXEC, least as u64).map(owned)
}

/// Keeps a descriptor open when the process becomes another program.
pub fn stay_open_on_exec(fd: BorrowedFd<'_>) -> Result<()> {
    control(fd, raw::F_SETFD, 0).map(drop)
}

/// Closes a descriptor when the process becomes another program.
pub fn close_on_exec(fd: BorrowedFd<'_>) -> Result<()> {
    control(fd, raw::F_SETFD, 1).map(drop)
}

/// Marks all descriptors from `first` up as closed on exec (Linux 5.11).
pub fn close_on_exec_from(first: i32) -> Result<()> {
    sys!(close_range, first, u32::MAX, 4u32).map(drop)
}

/// Closes all descriptors from `first` to `last`.
pub fn close_range(first: i32, last: u32) -> Result<()> {
    sys!(close_range, first, last, 0u32).map(drop)
}

/// Closes all descriptors from `first` up but those that are `kept`.
pub fn close_others(first: i32, kept: &[BorrowedFd<'_>]) -> Result<()> {
    let mut numbers: Vec<i32> = kept.iter().map(|fd| fd.raw()).collect();
    numbers.sort_unstable();
    let mut from = first;
    for number in numbers {
        if number > from {
            close_range(from, (number - 1).unsigned_abs())?;
        }
        from = from.max(number + 1);
    }
    close_range(from, u32::MAX)
}

/// `fchdir`.
pub fn change_directory_fd(fd: BorrowedFd<'_>) -> Result<()> {
    sys!(fchdir, fd).map(drop)
}

/// `chdir`.
pub fn change_directory(path: &CStr) -> Result<()> {
    sys!(chdir, path).map(drop)
}

/// The working directory's path.
pub fn working_directory() -> Result<CString> {
    let mut path = alloc::vec![0u8; 4096];
    let length = sys!(getcwd, Out(path.as_mut_slice()), 4096usize)?;
    path.truncate(length.saturating_sub(1));
    CString::new(path).map_err(|_| Errno::EINVAL)
}

/// `umask`; returns the former one.
pub fn set_umask(mask: u32) -> u32 {
    sys!(umask, mask).unwrap_or(0) as u32
}

/// An exclusive lock on an open file (`flock`); waits for it unless told otherwise.
pub fn lock(fd: BorrowedFd<'_>, wait: bool) -> Result<()> {
    let operation = 2 | if wait { 0 } else { 4 };
    again(|| sys!(flock, fd, operation as u32)).map(drop)
}

/// Gives a lock up.
pub fn unlock(fd: BorrowedFd<'_>) -> Result<()> {
    sys!(flock, fd, 8u32).map(drop)
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name, never `.` or `..`.
    pub name: CString,
    /// `DT_DIR` and friends.
    pub kind: u8,
}

/// `DT_DIR`.
pub const KIND_DIRECTORY: u8 = 4;

/// The entries of an open directory.
pub fn entries(directory: BorrowedFd<'_>) -> Result<Vec<Entry>> {
    let mut all = Vec::new();
    let mut buffer = alloc::vec![0u8; 4096];
    loop {
        let length = sys!(getdents64, directory, Out(buffer.as_mut_slice()), 4096usize)?;
        let Some(mut rest) = buffer.get(..length).filter(|read| !read.is_empty()) else { return Ok(all) };
        // struct linux_dirent64: inode 8, offset 8, length 2, kind 1, name up to a zero byte.
        while let (Some(&[low, high]), Some(&kind), Some(name)) = (rest.get(16..18), rest.get(18), rest.get(19..)) {
            let Ok(name) = CStr::from_bytes_until_nul(name) else { break };
            if name != c"." && name != c".." {
                all.push(Entry { name: name.into(), kind });
            }
            rest = rest.get(usize::from(u16::from_ne_bytes([low, high]))..).unwrap_or_default();
        }
    }
}

/// Sends a signal-like notice of changes to a file through a descriptor: an inotify instance watching it for writes.
pub fn watch_writes(path: &CStr) -> Result<Fd> {
    let fd = sys!(inotify_init1, raw::O_CLOEXEC).map(owned)?;
    sys!(inotify_add_watch, fd.borrow(), path, 2u32)?;
    Ok(fd)
}

/// Tells when an entry is moved out of a directory, into it, or removed: read to begin anew.
pub fn watch_entries(path: &CStr) -> Result<Fd> {
    let fd = sys!(inotify_init1, raw::O_CLOEXEC | raw::O_NONBLOCK).map(owned)?;
    sys!(inotify_add_watch, fd.borrow(), path, raw::IN_MOVE | raw::IN_DELETE)?;
    Ok(fd)
}

/// Writes text to standard error, as far as it goes.
pub fn print_error(text: fmt::Arguments<'_>) {
    let _ = write_all(BorrowedFd::standing(2), alloc::format!("{text}").as_bytes());
}

/// A path or word as text for a message: bytes that are no UTF-8 become replacement characters.
#[must_use]
pub fn display(text: &CStr) -> String {
    text.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CWD;

    #[test]
    fn device_numbers_come_apart_as_they_were_put_together() {
        for (major, minor) in [(0, 0), (1, 3), (136, 255), (259, 65_536), (0xfff, 0xf_ffff), (0x1_2345, 0x8_9abc)] {
            assert_eq!(device_parts(device_number(major, minor)), (major, minor));
        }
        assert_eq!(device_number(1, 3), 0x103);
    }

    #[test]
    fn a_path_in_a_root_does_not_leave_it() {
        let inside = open(CWD, c"/sys", O_PATH | O_DIRECTORY, 0).unwrap();
        assert!(open_in_root(inside.borrow(), c"../../kernel", O_PATH, 0).is_ok());
        assert_eq!(open_in_root(inside.borrow(), c"/etc/passwd", O_PATH, 0).unwrap_err(), Errno::ENOENT);
        let proc = open(CWD, c"/proc", O_PATH | O_DIRECTORY, 0).unwrap();
        assert_eq!(open_in_root(proc.borrow(), c"self/root/etc", O_PATH, 0).unwrap_err(), Errno::ELOOP);
    }

    #[test]
    fn a_link_is_no_part_of_an_exact_path() {
        let proc = open(CWD, c"/proc", O_PATH | O_DIRECTORY, 0).unwrap();
        assert!(open_exactly(proc.borrow(), c"sys/kernel/ostype", O_RDONLY).is_ok());
        assert_eq!(open_exactly(proc.borrow(), c"self/stat", O_RDONLY).unwrap_err(), Errno::ELOOP);
        assert_eq!(open_exactly(proc.borrow(), c"../etc/passwd", O_RDONLY).unwrap_err(), Errno::EXDEV);
    }

    #[test]
    fn all_descriptors_but_the_kept_are_closed() {
        use crate::process::{Clone, Side, exit, wait};
        let one = open(CWD, c"/dev/null", O_RDONLY, 0).unwrap();
        let kept: Vec<Fd> = [200, 210, 211].map(|least| duplicate(one.borrow(), least).unwrap()).into();
        // In a process of its own: the descriptors here are the test program's, too.
        let Side::Parent { pid, .. } = Clone::default().start().unwrap() else {
            let others = [199, 205, 212].map(|least| duplicate(one.borrow(), least).map(Fd::into_raw));
            let borrowed: [BorrowedFd<'_>; 3] = [kept[2].borrow(), kept[0].borrow(), kept[1].borrow()];
            let closed = close_others(199, &borrowed).is_ok();
            let is_open = |number| stat_fd(BorrowedFd::standing(number)).is_ok();
            let right =
                kept.iter().all(|fd| is_open(fd.raw())) && others.iter().flatten().all(|&number| !is_open(number));
            exit(i32::from(!(closed && right && is_open(one.raw()))));
        };
        assert_eq!(wait(pid).unwrap().1.code(), 0);
    }

    #[test]
    fn a_directory_is_listed_whole() {
        let own = open(CWD, c"/proc/self/fd", O_RDONLY | O_DIRECTORY, 0).unwrap();
        let names: Vec<_> = entries(own.borrow()).unwrap().into_iter().map(|entry| entry.name).collect();
        assert!(names.contains(&c"0".into()) && !names.contains(&c".".into()));
    }

    #[test]
    fn a_file_larger_than_allowed_is_not_read() {
        let zero = open(CWD, c"/dev/zero", O_RDONLY, 0).unwrap();
        assert_eq!(read_all(zero.borrow(), 10_000).unwrap_err(), Errno::EFBIG);
    }
}
