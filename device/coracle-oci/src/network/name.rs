//! Names of interfaces from templates: `%d` stands for the lowest number that makes a name which is free.

use alloc::format;
use alloc::string::String;

/// Longest name, in bytes.
const LONGEST: usize = 15;
/// As many as the kernel tries.
const NUMBERS: u32 = 32_768;

/// The names to be tried in order: the name itself, or those of a template. `None` for a template that the kernel would not
/// take: one with more than one `%`, or with something else after it than `d`.
pub(super) fn candidates(wanted: &str) -> Option<impl Iterator<Item = String>> {
    let (before, after, count) = match wanted.split_once('%') {
        None => (wanted, "", 1),
        Some((before, after)) => (before, after.strip_prefix('d').filter(|rest| !rest.contains('%'))?, NUMBERS),
    };
    let is_template = count > 1;
    let names = (0..count).map(
        move |number| {
            if is_template { format!("{before}{number}{after}") } else { String::from(before) }
        },
    );
    Some(names.take_while(|name| name.len() <= LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(wanted: &str, count: usize) -> Option<Vec<String>> {
        candidates(wanted).map(|names| names.take(count).collect())
    }

    #[test]
    fn a_template_gives_numbered_names() {
        assert_eq!(first("eth0", 3).unwrap(), ["eth0"]);
        assert_eq!(first("eth%d", 3).unwrap(), ["eth0", "eth1", "eth2"]);
        assert_eq!(first("a%db", 2).unwrap(), ["a0b", "a1b"]);
        // Names stay within what the kernel has room for.
        assert_eq!(first("fourteen_lette%d", 100).unwrap().len(), 10);
    }

    #[test]
    fn what_the_kernel_would_not_take_is_none() {
        for wrong in ["eth%", "eth%x", "%d%d", "a%%d", "%s"] {
            assert_eq!(first(wrong, 1), None, "{wrong}");
        }
    }
}
