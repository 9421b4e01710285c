//! `/run/coracle/boot.json`: how this boot went, for health checks and benchmarks.

use crate::console::say;
use crate::persist::State;
use std::fs;
use std::time::Duration;

const PATH: &str = "/run/coracle/boot.json";

/// How long each step took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// From the kernel's start to ours.
    pub(crate) kernel: Duration,
    pub(crate) modules: Duration,
    pub(crate) boot: Duration,
    pub(crate) root: Duration,
    pub(crate) persist: Duration,
    /// All of the steps.
    pub(crate) total: Duration,
}

/// All that the file says.
#[derive(Debug)]
pub(crate) struct Summary<'a> {
    pub(crate) slot: &'a str,
    pub(crate) version: &'a str,
    pub(crate) persist: &'a State,
    pub(crate) times: Times,
}

impl Summary<'_> {
    pub(crate) fn write(&self) {
        let text = format!("{}\n", self.to_json());
        // Nobody reads it before init runs, so it need not appear at once.
        if let Err(error) = fs::write(PATH, text) {
            say!("writing {PATH}: {error}");
        }
    }

    fn to_json(&self) -> json::Value {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX).into();
        let Times { kernel, modules, boot, root, persist, total } = self.times;
        json::object([
            ("slot", self.slot.into()),
            ("version", self.version.into()),
            ("persist", self.persist.to_json()),
            (
                "ms",
                json::object([
                    ("kernel", ms(kernel)),
                    ("modules", ms(modules)),
                    ("boot", ms(boot)),
                    ("root", ms(root)),
                    ("persist", ms(persist)),
                    ("total", ms(total)),
                ]),
            ),
        ])
    }
}
