//! What time it is, and waiting.

use crate::Result;
use crate::sys::{In, Out, sys, zeroed};
use linux_raw_sys::general as raw;

fn now(clock: u32) -> raw::timespec {
    let mut time = zeroed::<raw::timespec>();
    // The clocks that are asked for are always there.
    let _ = sys!(clock_gettime, clock, Out(&mut time));
    time
}

/// Seconds and nanoseconds since 1970 (UTC).
fn wall() -> (u64, u32) {
    let time = now(0);
    (time.tv_sec as u64, time.tv_nsec as u32)
}

/// Nanoseconds of a clock that is never set.
#[must_use]
pub fn steady() -> u64 {
    let time = now(1);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Sleeps for so many nanoseconds, or until a signal.
pub fn sleep(nanoseconds: u64) -> Result<()> {
    let time =
        raw::timespec { tv_sec: (nanoseconds / 1_000_000_000) as i64, tv_nsec: (nanoseconds % 1_000_000_000) as i64 };
    sys!(nanosleep, In(&time), 0usize).map(drop)
}

/// Now, as RFC 3339 writes it.
#[must_use]
pub fn stamp() -> alloc::string::String {
    let (seconds, nanoseconds) = wall();
    rfc3339(seconds, nanoseconds)
}

/// A moment as RFC 3339 writes it, in UTC: `2026-01-02T03:04:05.678901234Z`.
fn rfc3339(seconds: u64, nanoseconds: u32) -> alloc::string::String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant, "chrono-compatible low-level date algorithms": days since 0000-03-01, in eras of 400 years.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    alloc::format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanoseconds:09}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_rfc_3339_says() {
        assert_eq!(rfc3339(0, 0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(rfc3339(951_782_400, 5), "2000-02-29T00:00:00.000000005Z");
        assert_eq!(rfc3339(4_102_444_799, 999_999_999), "2099-12-31T23:59:59.999999999Z");
    }
}
