//! What the worker tells the first process, one message each.

use super::state::Cause;

/// A message. Its first byte says which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Report {
    /// The mount comes as a descriptor; `growing`: one more report will follow.
    Mounted {
        growing: bool,
    },
    Failed(Cause, String),
    Grown,
    NotGrown(String),
}

/// Leaves room for the rest of a message.
const MAX_TEXT: usize = 1024;

impl Report {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let text = match self {
            Self::Mounted { growing: false } => "m".to_owned(),
            Self::Mounted { growing: true } => "M".to_owned(),
            Self::Failed(cause, reason) => format!("F{} {}", cause.name(), cut(reason)),
            Self::Grown => "G".to_owned(),
            Self::NotGrown(reason) => format!("g{}", cut(reason)),
        };
        text.into_bytes()
    }

    pub(crate) fn decode(data: &[u8]) -> Option<Self> {
        let (tag, rest) = data.split_first()?;
        let text = String::from_utf8_lossy(rest);
        match tag {
            b'm' => Some(Self::Mounted { growing: false }),
            b'M' => Some(Self::Mounted { growing: true }),
            b'G' => Some(Self::Grown),
            b'g' => Some(Self::NotGrown(text.into_owned())),
            b'F' => {
                let (name, reason) = text.split_once(' ')?;
                let cause = Cause::ALL.into_iter().find(|cause| cause.name() == name)?;
                Some(Self::Failed(cause, reason.to_owned()))
            }
            _ => None,
        }
    }
}

fn cut(text: &str) -> &str {
    let end = (0..=MAX_TEXT.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_survive_the_channel() {
        for report in [
            Report::Mounted { growing: false },
            Report::Mounted { growing: true },
            Report::Grown,
            Report::NotGrown("no".into()),
            Report::Failed(Cause::Missing, "no such partition".into()),
        ] {
            assert_eq!(Report::decode(&report.encode()), Some(report));
        }
    }

    #[test]
    fn long_reasons_are_cut_and_nonsense_is_refused() {
        assert!(Report::NotGrown("é".repeat(4096)).encode().len() <= MAX_TEXT + 1);
        for data in [&b""[..], b"x", b"Fnothing", b"Fnothing at all"] {
            assert_eq!(Report::decode(data), None);
        }
    }
}
