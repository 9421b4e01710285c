//! The terminal of a container's process: made from the container's own devpts, its other end sent to who asked for it.

use crate::error::{About, Error};
use kernel::terminal;
use kernel::{BorrowedFd, CWD, Fd, fs, mount, socket};
use runtime_spec::Size;

/// Opens a terminal, sends its master through the socket, and makes it the controlling terminal of this process with
/// standard input, output and error. `device`: also as `/dev/console`.
pub(crate) fn open(console: &Fd, size: Option<Size>, device: bool, owner: u32) -> Result<(), Error> {
    let root = fs::open(CWD, c"/", fs::O_PATH | fs::O_DIRECTORY, 0).about(|| "open /")?;
    let open = |path| fs::open_in_root(root.borrow(), path, fs::O_RDWR | fs::O_NOCTTY, 0);
    let master =
        open(c"/dev/pts/ptmx").or_else(|_| open(c"/dev/ptmx")).about(|| "open /dev/pts/ptmx in the container")?;
    // The number has to be that of a terminal, whatever the container has put there.
    let name = terminal::other_end_path(master.borrow()).about(|| "ask /dev/pts/ptmx for its terminal")?;
    let other = terminal::open_other_end(master.borrow()).about(|| "open the terminal")?;
    if let Some(size) = size {
        terminal::set_size(master.borrow(), size.height, size.width).about(|| "set the terminal's size")?;
    }
    if owner != 0 {
        fs::change_owner(other.borrow(), owner, u32::MAX).about(|| "give the terminal to the user")?;
    }
    if device {
        bind_to_console(root.borrow(), other.borrow())?;
    }
    socket::send(console.borrow(), name.as_bytes(), &[master.borrow()])
        .about(|| "send the terminal through the console socket")?;
    terminal::make_controlling(other.borrow()).about(|| "make the terminal the controlling one")?;
    for number in 0..3 {
        fs::duplicate_to(other.borrow(), number).about(|| "take the terminal for standard input and output")?;
    }
    Ok(())
}

/// Lays the terminal, by its descriptor, over `/dev/console`, which is made if it is not there.
fn bind_to_console(root: BorrowedFd<'_>, other: BorrowedFd<'_>) -> Result<(), Error> {
    let dev =
        fs::open_in_root(root, c"/dev", fs::O_PATH | fs::O_DIRECTORY, 0).about(|| "open /dev in the container")?;
    let flags = fs::O_CREAT | fs::O_NOFOLLOW | fs::O_NONBLOCK | fs::O_NOCTTY;
    // It may be there, and may be a device that cannot be opened.
    let _ = fs::open(dev.borrow(), c"console", flags, 0o600);
    let Ok(place) = fs::open(dev.borrow(), c"console", fs::O_PATH | fs::O_NOFOLLOW, 0) else { return Ok(()) };
    if fs::stat_fd(place.borrow()).is_ok_and(|stat| stat.st_mode & fs::S_IFMT == fs::S_IFLNK) {
        return Err(Error::Reported("/dev/console in the container is a link".into()));
    }
    let tree = mount::clone_tree(other, c"", false).about(|| "clone the terminal's mount")?;
    mount::attach(tree.borrow(), place.borrow()).about(|| "mount the terminal on /dev/console")
}
