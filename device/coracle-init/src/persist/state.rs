//! How persist came up.

use json::Value;
use std::fmt;

/// Why persist is degraded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// No partition of that name came.
    Missing,
    /// Something took longer than allowed.
    Late,
    /// The file system is damaged beyond what may be mended unasked.
    Corrupt,
    /// No room is left. This one is mounted all the same.
    Full,
    /// It was switched off.
    Off,
    /// Something else went wrong.
    Failed,
}

impl Cause {
    pub(crate) const ALL: [Self; 6] = [Self::Missing, Self::Late, Self::Corrupt, Self::Full, Self::Off, Self::Failed];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Late => "late",
            Self::Corrupt => "corrupt",
            Self::Full => "full",
            Self::Off => "off",
            Self::Failed => "failed",
        }
    }
}

/// Whether persist got larger in this boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growth {
    None,
    /// It goes on in the background.
    Running,
    Done,
}

/// What was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    problem: Option<(Cause, String)>,
    growth: Growth,
}

impl State {
    pub(crate) fn ok(growth: Growth) -> Self {
        Self { problem: None, growth }
    }

    pub(crate) fn failed(cause: Cause, reason: impl Into<String>) -> Self {
        Self::ok(Growth::None).degraded(cause, reason)
    }

    /// Adds a problem; the first one found is the one that counts.
    pub(crate) fn degraded(mut self, cause: Cause, reason: impl Into<String>) -> Self {
        self.problem.get_or_insert_with(|| (cause, reason.into()));
        self
    }

    /// Whether it is mounted but has no room.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self.problem, Some((Cause::Full, _)))
    }

    /// As it stands in boot.json.
    pub(crate) fn to_json(&self) -> Value {
        let mut members = match &self.problem {
            None => vec![("state", "ok".into())],
            Some((cause, reason)) => {
                vec![("state", "degraded".into()), ("cause", cause.name().into()), ("reason", reason.as_str().into())]
            }
        };
        members.push(("grown", (self.growth == Growth::Done).into()));
        if self.growth == Growth::Running {
            members.push(("growing", true.into()));
        }
        json::object(members)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            None => f.write_str("persist is ok")?,
            Some((cause, reason)) => write!(f, "persist is degraded ({}): {reason}", cause.name())?,
        }
        f.write_str(match self.growth {
            Growth::None => "",
            Growth::Running => ", growing",
            Growth::Done => ", grown",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_problem_counts() {
        let state = State::ok(Growth::Done).degraded(Cause::Full, "0 KiB").degraded(Cause::Failed, "/etc");
        assert!(state.is_full());
        assert_eq!(state.to_json().to_string(), r#"{"state":"degraded","cause":"full","reason":"0 KiB","grown":true}"#);
        assert_eq!(State::ok(Growth::Running).to_json().to_string(), r#"{"state":"ok","grown":false,"growing":true}"#);
    }
}
