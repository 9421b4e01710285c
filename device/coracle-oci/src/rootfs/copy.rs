//! Copies what a directory holds into another file system: for `tmpcopyup`.

use alloc::ffi::CString;
use kernel::{BorrowedFd, Errno, Fd, Result, fs};

/// Directories deeper than this are refused (`ELOOP`): nothing else limits how deep an image can nest them.
const DEPTH: u32 = 256;

/// Copies all below `from` to `to`: directories, files, links and device nodes with owner and mode.
pub(crate) fn copy_tree(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<()> {
    copy_below(from, to, DEPTH)
}

fn copy_below(from: BorrowedFd<'_>, to: BorrowedFd<'_>, depth: u32) -> Result<()> {
    let depth = depth.checked_sub(1).ok_or(Errno::ELOOP)?;
    for entry in fs::entries(from)? {
        let name = entry.name;
        let stat = fs::stat_at(from, &name, fs::AT_SYMLINK_NOFOLLOW)?;
        let mode = stat.st_mode;
        match mode & fs::S_IFMT {
            fs::S_IFDIR => {
                fs::make_directory(to, &name, 0o700)?;
                let (old, new) = (directory(from, &name)?, directory(to, &name)?);
                copy_below(old.borrow(), new.borrow(), depth)?;
            }
            fs::S_IFREG => {
                // Meanwhile it may have become a pipe that nobody writes to.
                let old = fs::open(from, &name, fs::O_RDONLY | fs::O_NOFOLLOW | fs::O_NONBLOCK, 0)?;
                if fs::stat_fd(old.borrow())?.st_mode & fs::S_IFMT != fs::S_IFREG {
                    return Err(Errno::EAGAIN);
                }
                let new = fs::open(to, &name, fs::O_WRONLY | fs::O_CREAT | fs::O_EXCL, 0o600)?;
                while fs::send_file(new.borrow(), old.borrow(), 1 << 20)? > 0 {}
            }
            fs::S_IFLNK => {
                let target = CString::new(fs::read_link(from, &name)?).map_err(|_| Errno::EINVAL)?;
                fs::make_link(&target, to, &name)?;
            }
            _ => fs::make_node(to, &name, mode, stat.st_rdev)?,
        }
        fs::change_owner_at(to, &name, stat.st_uid, stat.st_gid)?;
        if mode & fs::S_IFMT != fs::S_IFLNK {
            fs::change_mode(to, &name, mode & 0o7777)?;
        }
    }
    Ok(())
}

fn directory(at: BorrowedFd<'_>, name: &core::ffi::CStr) -> Result<Fd> {
    fs::open(at, name, fs::O_RDONLY | fs::O_DIRECTORY | fs::O_NOFOLLOW, 0)
}
