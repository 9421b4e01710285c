//! Signals: their numbers and names, waiting for them by descriptor, and the state that a new program starts with.

use crate::sys::{In, Out, sys, zeroed};
use crate::{BorrowedFd, Fd, Result};
use linux_raw_sys::general as raw;
pub use raw::{
    SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGKILL, SIGPIPE, SIGQUIT, SIGSTOP, SIGTERM, SIGTTIN, SIGTTOU, SIGWINCH,
};

/// Names without `SIG`, in the order of their numbers on x86 and arm.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
];

/// The number of a signal, from `9`, `KILL`, `SIGKILL` in any case, `RTMIN+2` or `RTMAX-1`.
#[must_use]
pub fn number(name: &str) -> Option<i32> {
    if let Ok(number) = name.parse::<i32>() {
        return (0..=64).contains(&number).then_some(number);
    }
    let upper = name.to_ascii_uppercase();
    let short = upper.strip_prefix("SIG").unwrap_or(&upper);
    let alias = match short {
        "IOT" => "ABRT",
        "CLD" => "CHLD",
        "POLL" => "IO",
        other => other,
    };
    if let Some(index) = NAMES.iter().position(|known| *known == alias) {
        return i32::try_from(index + 1).ok();
    }
    let (base, offset) = match (short.strip_prefix("RTMIN"), short.strip_prefix("RTMAX")) {
        (Some(offset), _) => (34, offset),
        (_, Some(offset)) => (64, offset),
        _ => return None,
    };
    let offset = if offset.is_empty() { 0 } else { offset.parse::<i32>().ok()? };
    let number = base + offset;
    (34..=64).contains(&number).then_some(number)
}

/// A set of signals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Set(u64);

impl Set {
    /// Every signal.
    #[must_use]
    pub const fn all() -> Self {
        Self(u64::MAX)
    }

    /// None.
    #[must_use]
    pub const fn none() -> Self {
        Self(0)
    }

    /// These.
    #[must_use]
    pub fn of(signals: &[u32]) -> Self {
        Self(signals.iter().fold(0, |set, signal| set | 1 << (signal - 1)))
    }
}

/// Blocks exactly these signals for the caller; returns what was blocked before.
pub fn block(set: Set) -> Result<Set> {
    let mut before = Set::none();
    sys!(rt_sigprocmask, 2u32, In(&set.0), Out(&mut before.0), 8usize)?;
    Ok(before)
}

/// A descriptor from which blocked signals are read.
pub fn descriptor(set: Set) -> Result<Fd> {
    sys!(signalfd4, -1i32, In(&set.0), 8usize, raw::O_CLOEXEC | raw::O_NONBLOCK).map(|fd| Fd::from_raw(fd as i32))
}

/// The next signal that has arrived at a [`descriptor`], if any.
pub fn next(fd: BorrowedFd<'_>) -> Option<i32> {
    // struct signalfd_siginfo: 128 bytes, its number first.
    let mut information = [0u8; 128];
    crate::fs::read(fd, &mut information).ok().filter(|&length| length == 128)?;
    let [a, b, c, d, ..] = information;
    Some(i32::from_ne_bytes([a, b, c, d]))
}

/// Gives every signal its default effect again: what is ignored would be ignored by the next program, too.
pub fn reset_all() {
    let default = zeroed::<raw::sigaction>();
    for signal in (1..=64u32).filter(|signal| ![SIGKILL, SIGSTOP].contains(signal)) {
        // Of the numbers up to 64 the kernel refuses none but those two.
        let _ = sys!(rt_sigaction, signal, In(&default), 0usize, 8usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_known_by_number_and_name() {
        for (name, wanted) in [
            ("9", 9),
            ("KILL", 9),
            ("SIGTERM", 15),
            ("sigint", 2),
            ("RTMIN+3", 37),
            ("SIGRTMAX", 64),
            ("RTMAX-1", 63),
            ("0", 0),
        ] {
            assert_eq!(number(name), Some(wanted), "{name}");
        }
        for name in ["", "SIG", "65", "-1", "KILLS", "RTMIN+99", "RTMAX+1"] {
            assert_eq!(number(name), None, "{name}");
        }
    }
}
