//! Pseudo terminals.

use crate::sys::{In, Out, sys, zeroed};
use crate::{BorrowedFd, Fd, Result};
use alloc::ffi::CString;
use linux_raw_sys::general as raw;

const TIOCSPTLCK: u32 = 0x4004_5431;
const TIOCGPTN: u32 = 0x8004_5430;
const TIOCGPTPEER: u32 = 0x5441;
const TIOCSCTTY: u32 = 0x540e;
const TIOCSWINSZ: u32 = 0x5414;
const TIOCGWINSZ: u32 = 0x5413;
const TCGETS: u32 = 0x5401;
const TCSETS: u32 = 0x5402;

/// Settings of a terminal.
pub type Settings = raw::termios;

/// Allows the other end of an open `ptmx` to be opened, and opens it, whatever is mounted where.
pub fn open_other_end(terminal: BorrowedFd<'_>) -> Result<Fd> {
    sys!(ioctl, terminal, TIOCSPTLCK, In(&0i32))?;
    let flags = raw::O_RDWR | raw::O_NOCTTY | raw::O_CLOEXEC;
    sys!(ioctl, terminal, TIOCGPTPEER, flags).map(|fd| Fd::from_raw(fd as i32))
}

/// The path of the other end below `/dev/pts` of the terminal's own mount.
pub fn other_end_path(terminal: BorrowedFd<'_>) -> Result<CString> {
    let mut number = 0u32;
    sys!(ioctl, terminal, TIOCGPTN, Out(&mut number))?;
    Ok(CString::new(alloc::format!("/dev/pts/{number}")).unwrap_or_default())
}

/// Makes a terminal the controlling one of the caller's new session.
pub fn make_controlling(terminal: BorrowedFd<'_>) -> Result<()> {
    sys!(ioctl, terminal, TIOCSCTTY, 0u32).map(drop)
}

/// Sets height and width in characters.
pub fn set_size(terminal: BorrowedFd<'_>, rows: u16, columns: u16) -> Result<()> {
    let size = raw::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    sys!(ioctl, terminal, TIOCSWINSZ, In(&size)).map(drop)
}

/// Height and width in characters.
pub fn size(terminal: BorrowedFd<'_>) -> Result<(u16, u16)> {
    let mut size = zeroed::<raw::winsize>();
    sys!(ioctl, terminal, TIOCGWINSZ, Out(&mut size))?;
    Ok((size.ws_row, size.ws_col))
}

/// The settings; fails on what is no terminal.
pub fn settings(terminal: BorrowedFd<'_>) -> Result<Settings> {
    let mut settings = zeroed::<Settings>();
    sys!(ioctl, terminal, TCGETS, Out(&mut settings))?;
    Ok(settings)
}

/// Changes the settings at once.
pub fn set_settings(terminal: BorrowedFd<'_>, settings: &Settings) -> Result<()> {
    sys!(ioctl, terminal, TCSETS, In(settings)).map(drop)
}

/// Passes bytes through as they are, both ways (`cfmakeraw(3)`).
#[must_use]
pub fn raw_mode(mut settings: Settings) -> Settings {
    settings.c_iflag &= !(0o1 | 0o2 | 0o10 | 0o40 | 0o100 | 0o200 | 0o400 | 0o2000);
    settings.c_oflag &= !0o1;
    settings.c_lflag &= !(0o10 | 0o100 | 0o2 | 0o1 | 0o100_000);
    settings.c_cflag = settings.c_cflag & !(0o60 | 0o400) | 0o60;
    settings
}
