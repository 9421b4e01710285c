//! What is wrong with a policy: where, what, why, and what to do.

use std::fmt;

/// A place in the policy's text; both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line
    pub line: usize,
    /// Column, in characters
    pub column: usize,
}

/// A mistake in a policy. `Display` gives `line:column: what (why); hint`, for behind a file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Where
    pub place: Place,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub hint: String,
}

impl Error {
    pub(crate) fn new(place: Place, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { place, what: what.into(), hint: hint.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place: Place { line, column }, what, hint } = self;
        write!(f, "{line}:{column}: {what}\n  hint: {hint}")
    }
}

impl std::error::Error for Error {}

/// The word of `known` that is nearest to `wrong`, if one is near.
pub(crate) fn nearest<'k>(wrong: &str, known: &[&'k str]) -> Option<&'k str> {
    let limit = 1 + wrong.chars().count() / 3;
    let best = known.iter().map(|word| (distance(wrong, word), *word)).min()?;
    (best.0 <= limit).then_some(best.1)
}

/// Levenshtein's distance, in letters. Words of a policy are short; of a long one only the beginning is compared.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(40).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().take(40).enumerate() {
        let mut next = vec![index + 1];
        let mut left = index + 1;
        for ((above, diagonal), there) in row.iter().skip(1).zip(&row).zip(&other) {
            left = (left + 1).min(above + 1).min(diagonal + usize::from(letter != *there));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_book() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
        assert_eq!(nearest("destinaton", &["source", "destination"]), Some("destination"));
        assert_eq!(nearest("xyzzy", &["source", "destination"]), None);
    }
}
