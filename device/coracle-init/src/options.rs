//! The kernel's command line, as far as it concerns this program.

use crate::console::Panic;
use crate::error::{Doing, Error};
use std::fs;
use std::time::Duration;

/// An hour: more than that is a slip of the keyboard, and sums stay small.
const MAX_SECONDS: u64 = 3600;

/// What was asked for, or the defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    slot: Option<String>,
    pub(crate) boot_wait: Duration,
    /// `None`: run without persist.
    pub(crate) persist_wait: Option<Duration>,
    /// Time for everything that has no limit of its own.
    rest_wait: Duration,
    pub(crate) panic: Panic,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            slot: None,
            boot_wait: Duration::from_secs(20),
            persist_wait: Some(Duration::from_secs(10)),
            rest_wait: Duration::from_secs(60),
            panic: Panic::Restart(Duration::from_secs(5)),
        }
    }
}

impl Options {
    pub(crate) fn read() -> Result<Self, Error> {
        let line = fs::read("/proc/cmdline").doing(|| "reading /proc/cmdline")?;
        Ok(Self::parse(&line))
    }

    /// Never fails: a value that makes no sense leaves the default, since a device must boot. Boot loaders pass on whatever
    /// is in their configuration, so not even the text need be one.
    fn parse(line: impl AsRef<[u8]>) -> Self {
        let line = String::from_utf8_lossy(line.as_ref());
        let mut options = Self::default();
        let mut persist_wait = options.persist_wait;
        let mut persist = true;
        // As in the kernel, what follows ` -- ` is for init.
        for word in line.split_ascii_whitespace().take_while(|word| *word != "--") {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            let value = value.trim_matches('"');
            match key {
                "coracle.slot" => options.slot = Some(value.to_owned()),
                "coracle.boot_wait" => options.boot_wait = seconds(value).unwrap_or(options.boot_wait),
                "coracle.persist_wait" => persist_wait = seconds(value).or(persist_wait),
                "coracle.rest_wait" => options.rest_wait = seconds(value).unwrap_or(options.rest_wait),
                "coracle.persist" => persist = value != "off",
                "panic" => options.panic = panic(value).unwrap_or(options.panic),
                _ => {}
            }
        }
        options.persist_wait = persist_wait.filter(|_| persist);
        options
    }

    /// The slot to start; a name that cannot lead out of `slots/`.
    pub(crate) fn slot(&self) -> Result<&str, Error> {
        let slot = self.slot.as_deref();
        let slot = slot.ok_or_else(|| Error::new("the kernel's command line has no coracle.slot="))?;
        if manifest::is_version(slot) {
            Ok(slot)
        } else {
            Err(Error::new(format!("coracle.slot={slot:?} cannot be the name of a slot")))
        }
    }

    /// How long all of it may take, before the machine is restarted.
    pub(crate) fn limit(&self) -> Duration {
        self.boot_wait + self.persist_wait.unwrap_or_default() + self.rest_wait
    }
}

fn seconds(value: &str) -> Option<Duration> {
    value.parse().ok().filter(|seconds| *seconds <= MAX_SECONDS).map(Duration::from_secs)
}

/// As the kernel reads it: 0 halts, a negative number restarts at once.
fn panic(value: &str) -> Option<Panic> {
    match value.parse::<i64>().ok()? {
        0 => Some(Panic::Halt),
        wait => Some(Panic::Restart(Duration::from_secs(u64::try_from(wait).unwrap_or(0).min(MAX_SECONDS)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_concerns_it() {
        let options = Options::parse(
            "root=/dev/ram0 coracle.slot=1.0-ab coracle.boot_wait=3 coracle.persist_wait=\"4\" panic=-1 quiet\n",
        );
        assert_eq!(options.slot().unwrap(), "1.0-ab");
        assert_eq!(options.boot_wait, Duration::from_secs(3));
        assert_eq!(options.persist_wait, Some(Duration::from_secs(4)));
        assert_eq!(options.panic, Panic::Restart(Duration::ZERO));
        assert_eq!(options.limit(), Duration::from_secs(67));
    }

    #[test]
    fn nonsense_leaves_the_defaults() {
        let options = Options::parse(
            "coracle.boot_wait=soon coracle.persist_wait=-1 panic= coracle.persist=yes -- coracle.slot=x",
        );
        assert_eq!(options, Options::default());
        assert_eq!(Options::parse("coracle.boot_wait=99999999999999999999"), Options::default());
        assert_eq!(Options::parse("panic=0").panic, Panic::Halt);
        let latin_1 = Options::parse(b"name=caf\xe9 coracle.boot_wait=\xff coracle.slot=1.0-ab");
        assert_eq!(latin_1.slot().unwrap(), "1.0-ab");
        assert_eq!(latin_1.boot_wait, Options::default().boot_wait);
    }

    #[test]
    fn persist_can_be_off_wherever_it_stands() {
        assert_eq!(Options::parse("coracle.persist=off coracle.persist_wait=3").persist_wait, None);
        assert_eq!(Options::parse("coracle.persist_wait=3 coracle.persist=off").persist_wait, None);
    }

    #[test]
    fn a_slot_cannot_lead_elsewhere() {
        for slot in ["", "..", "../a", "a/b", ".hidden"] {
            assert!(Options::parse(format!("coracle.slot={slot}")).slot().is_err(), "{slot}");
        }
        assert!(Options::parse("").slot().is_err());
    }
}
