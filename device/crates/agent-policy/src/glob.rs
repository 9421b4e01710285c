//! Patterns for paths and names: `?` is one character but `/`, `*` any number of them, `**` any number with `/` among them.
//! A pattern matches the whole text. `/data/**` matches all below `/data`, not `/data` itself.

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Letter(char),
    One,
    Many,
    Deep,
}

impl Glob {
    /// Every text is a pattern.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut parts = Vec::new();
        for letter in text.chars() {
            match (letter, parts.last()) {
                ('*', Some(Part::Many)) => {
                    parts.pop();
                    parts.push(Part::Deep);
                }
                ('*', Some(Part::Deep)) => {}
                ('*', _) => parts.push(Part::Many),
                ('?', _) => parts.push(Part::One),
                (other, _) => parts.push(Part::Letter(other)),
            }
        }
        Self { text: text.to_owned(), parts }
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Takes the length of the pattern times that of the text, whatever is in them.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        // Which prefixes of the pattern match the text so far.
        let mut alive = vec![false; self.parts.len() + 1];
        if let Some(first) = alive.first_mut() {
            *first = true;
        }
        self.pass_stars(&mut alive);
        for letter in text.chars() {
            let mut next = vec![false; alive.len()];
            for (index, part) in self.parts.iter().enumerate() {
                if !alive.get(index).copied().unwrap_or(false) {
                    continue;
                }
                let (stays, goes_on) = match part {
                    Part::Letter(wanted) => (false, *wanted == letter),
                    Part::One => (false, letter != '/'),
                    Part::Many => (letter != '/', false),
                    Part::Deep => (true, false),
                };
                for (place, is) in [(index, stays), (index + 1, goes_on)] {
                    if let Some(state) = next.get_mut(place) {
                        *state |= is;
                    }
                }
            }
            self.pass_stars(&mut next);
            alive = next;
        }
        alive.last().copied().unwrap_or(false)
    }

    /// A star may stand for nothing.
    fn pass_stars(&self, alive: &mut [bool]) {
        for (index, part) in self.parts.iter().enumerate() {
            let here = alive.get(index).copied().unwrap_or(false);
            if let (true, Part::Many | Part::Deep, Some(next)) = (here, part, alive.get_mut(index + 1)) {
                *next = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn stars_stop_at_slashes_unless_there_are_two() {
        let matches = |glob: &str, text: &str| Glob::new(glob).matches(text);
        assert!(matches("/foo", "/foo") && !matches("/foo", "/foo/x") && !matches("/foo", "/fo"));
        assert!(matches("/data/*", "/data/x") && !matches("/data/*", "/data/x/y") && !matches("/data/*", "/data"));
        assert!(matches("/data/**", "/data/x/y") && !matches("/data/**", "/data") && !matches("/data/**", "/datax"));
        assert!(matches("/dev/sd[ab]", "/dev/sd[ab]"));
        assert!(matches("**", "") && matches("**", "/a/b") && matches("*", "") && !matches("?", "/"));
        assert!(matches("size=*", "size=4k") && !matches("size=*", "mode=1"));
    }

    #[test]
    fn no_pattern_takes_for_ever() {
        let (glob, text) = (Glob::new(&"*a".repeat(200)), "a".repeat(2000) + "b");
        assert!(!glob.matches(&text));
    }
}
