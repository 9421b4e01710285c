//! The reader of command lines: options with one or two dashes, with `=` or the next word for their value, and `--`.

use crate::error::Error;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;

/// An option that a command takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// `bundle`, without dashes.
    pub(crate) name: &'static str,
    /// `b`.
    pub(crate) short: Option<char>,
    /// Whether it has a value.
    pub(crate) value: bool,
}

/// An option with a value.
pub(crate) const fn value(name: &'static str, short: Option<char>) -> Known {
    Known { name, short, value: true }
}

/// An option without a value.
pub(crate) const fn flag(name: &'static str, short: Option<char>) -> Known {
    Known { name, short, value: false }
}

/// What was given.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    options: Vec<(&'static str, &'static CStr)>,
    /// What is no option, in order.
    pub(crate) words: Vec<&'static CStr>,
}

impl Given {
    /// The value of an option; the last one if there are several.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<&'static CStr> {
        self.options.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// As text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'static str>, Error> {
        self.get(name).map(|value| as_text(name, value)).transpose()
    }

    /// As a number.
    pub(crate) fn number<T: core::str::FromStr>(&self, name: &str) -> Result<Option<T>, Error> {
        let parse = |text: &str| text.parse().map_err(|_| Error::Usage(format!("--{name}: {text:?} is no number")));
        self.text(name)?.map(parse).transpose()
    }

    /// All values of an option that may be given several times.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &'static CStr> {
        self.options.iter().filter(move |(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// Whether an option was given, other than as `--x=false`.
    #[must_use]
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value != c"false")
    }

    /// The first word, which is the container's id, and those behind it.
    pub(crate) fn id_and_words(&self) -> Result<(&'static str, &[&'static CStr]), Error> {
        let missing = || Error::Usage("the container's ID is missing".into());
        let (id, words) = self.words.split_first().ok_or_else(missing)?;
        Ok((as_text("the container's ID", id)?, words))
    }

    /// Exactly one word: the container's id.
    pub(crate) fn id(&self) -> Result<&'static str, Error> {
        match self.id_and_words()? {
            (id, []) => Ok(id),
            _ => Err(Error::Usage("there is more than the container's ID".into())),
        }
    }
}

fn as_text(name: &str, value: &'static CStr) -> Result<&'static str, Error> {
    value.to_str().map_err(|_| Error::Usage(format!("{name}: no UTF-8")))
}

/// Reads options wherever they stand among the words. With `stop_at`, everything behind so many words is taken as it is, like
/// the arguments of a program to run.
pub(crate) fn read(arguments: &[&'static CStr], known: &[Known], stop_at: Option<usize>) -> Result<Given, Error> {
    let mut given = Given::default();
    let mut rest = arguments.iter().copied();
    while let Some(argument) = rest.next() {
        let bytes = argument.to_bytes();
        let stopped = stop_at.is_some_and(|limit| given.words.len() >= limit);
        if stopped || bytes.first() != Some(&b'-') || bytes == b"-" {
            given.words.push(argument);
            continue;
        }
        if bytes == b"--" {
            given.words.extend(rest);
            break;
        }
        let (option, attached) = find(argument, known)?;
        let value = match (option.value, attached) {
            (_, Some(value)) => value,
            (false, None) => c"true",
            (true, None) => rest.next().ok_or_else(|| Error::Usage(format!("--{} needs a value", option.name)))?,
        };
        given.options.push((option.name, value));
    }
    Ok(given)
}

/// The option that an argument names, and the value behind its `=`.
fn find(argument: &'static CStr, known: &[Known]) -> Result<(Known, Option<&'static CStr>), Error> {
    let unknown = || Error::Usage(format!("unknown option {}", argument.to_string_lossy()));
    let text = argument.to_str().map_err(|_| unknown())?;
    let named = text.strip_prefix("--").or_else(|| text.strip_prefix('-')).unwrap_or(text);
    let name = named.split('=').next().unwrap_or(named);
    let value_at = text.len() - named.len() + name.len() + 1;
    let attached = argument.to_bytes_with_nul().get(value_at..).and_then(|bytes| CStr::from_bytes_with_nul(bytes).ok());
    let attached = attached.filter(|_| name.len() < named.len());
    let is = |option: &&Known| option.name == name || option.short.is_some_and(|short| name.chars().eq([short]));
    known.iter().find(is).map(|option| (*option, attached)).ok_or_else(unknown)
}

/// Words as text for a message.
#[must_use]
pub(crate) fn lossy(words: &[&CStr]) -> String {
    words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Known] = &[value("bundle", Some('b')), flag("detach", Some('d')), value("env", Some('e'))];

    #[test]
    fn options_are_taken_wherever_they_stand() {
        let given = read(&[c"-b", c"/x", c"id", c"--detach", c"--env=A=1", c"-e", c"B"], KNOWN, None).unwrap();
        assert_eq!((given.get("bundle"), given.has("detach"), given.id().unwrap()), (Some(c"/x"), true, "id"));
        assert_eq!(given.all("env").collect::<Vec<_>>(), [c"A=1", c"B"]);
    }

    #[test]
    fn a_program_keeps_its_own_options() {
        let given = read(&[c"-d", c"id", c"ls", c"-d", c"--", c"x"], KNOWN, Some(1)).unwrap();
        assert_eq!(given.words, [c"id", c"ls", c"-d", c"--", c"x"]);
        let given = read(&[c"id", c"--", c"-x"], KNOWN, Some(2)).unwrap();
        assert_eq!(given.words, [c"id", c"-x"]);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (arguments, wanted) in [
            (vec![c"--nope"], "unknown option --nope"),
            (vec![c"--bundle"], "--bundle needs a value"),
            (vec![c"-x=1"], "unknown option -x=1"),
        ] {
            assert_eq!(read(&arguments, KNOWN, None).unwrap_err(), Error::Usage(wanted.into()));
        }
        assert!(read(&[c"--detach=false"], KNOWN, None).is_ok_and(|given| !given.has("detach")));
    }
}
