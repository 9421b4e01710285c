//! The log: one line of JSON for each thing that happened, to a file or to stderr.

use json::{Value, object};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) struct Log(Mutex<Box<dyn Write + Send>>);

impl Log {
    pub(crate) fn open(path: Option<&Path>) -> io::Result<Self> {
        let target: Box<dyn Write + Send> = match path {
            Some(path) => Box::new(File::options().append(true).create(true).open(path)?),
            None => Box::new(io::stderr()),
        };
        Ok(Self(Mutex::new(target)))
    }

    /// Writes a line; `time` comes first. A log that cannot be written does not stop the agent.
    pub(crate) fn write(&self, members: Vec<(&str, Value)>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let all = std::iter::once(("time", timestamp(now).into())).chain(members);
        let line = format!("{}\n", object(all));
        let mut target = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = target.write_all(line.as_bytes());
    }

    /// Something that is not a call.
    pub(crate) fn event(&self, event: &str, container: &str, why: &str) {
        self.write(vec![("event", event.into()), ("container", container.into()), ("why", why.into())]);
    }
}

/// `2026-01-31T12:00:00.000000Z`, of the time since 1970.
fn timestamp(since: Duration) -> String {
    let seconds = since.as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March, so that the day that comes and goes is the last one (Howard Hinnant's civil_from_days).
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:06}Z", since.subsec_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let at = |seconds| timestamp(Duration::new(seconds, 1_000));
        assert_eq!(at(0), "1970-01-01T00:00:00.000001Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00.000001Z");
        assert_eq!(at(1_709_251_199), "2024-02-29T23:59:59.000001Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00.000001Z");
    }
}
