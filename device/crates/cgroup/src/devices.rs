//! Rules about devices, put into one order of meaning: a later rule is over an earlier one, for each kind of access by
//! itself. A list that is not empty begins with nothing allowed; an empty list changes nothing.
//!
//! After the configuration's own rules come those that every runtime adds (runc's `AllowedDevices`, crun's
//! `default_devices`): making device files of any number, and the devices without which no program runs.

use crate::limits::Write;
use crate::{Error, Result};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use runtime_spec::DeviceRule;

/// `BPF_DEVCG_ACC_MKNOD`, `_READ` and `_WRITE` of `linux/bpf.h`.
pub(crate) const MKNOD: u8 = 1;
pub(crate) const READ: u8 = 2;
pub(crate) const WRITE: u8 = 4;
pub(crate) const ALL: u8 = MKNOD | READ | WRITE;

/// A rule about devices of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) allow: bool,
    /// Block devices, otherwise character devices.
    pub(crate) block: bool,
    pub(crate) major: Option<u32>,
    pub(crate) minor: Option<u32>,
    /// Bits.
    pub(crate) access: u8,
}

/// What holds for all devices, and rules over it, a later one over an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) allow: bool,
    pub(crate) list: Vec<Rule>,
}

const fn character(major: u32, minor: Option<u32>) -> Rule {
    Rule { allow: true, block: false, major: Some(major), minor, access: ALL }
}

const fn make_any(block: bool) -> Rule {
    Rule { allow: true, block, major: None, minor: None, access: MKNOD }
}

const DEFAULTS: [Rule; 12] = [
    make_any(false),
    make_any(true),
    // null, zero, full, random, urandom
    character(1, Some(3)),
    character(1, Some(5)),
    character(1, Some(7)),
    character(1, Some(8)),
    character(1, Some(9)),
    // tty, console, ptmx
    character(5, Some(0)),
    character(5, Some(1)),
    character(5, Some(2)),
    // pts/*
    character(136, None),
    // net/tun, which runc took out once and had to bring back
    character(10, Some(200)),
];

impl Rules {
    /// `None` when there are no rules.
    pub(crate) fn new(rules: &[DeviceRule]) -> Option<Self> {
        if rules.is_empty() {
            return None;
        }
        let mut result = Self { allow: false, list: Vec::new() };
        for rule in rules {
            result.push(rule);
        }
        if !result.allows_everything() {
            result.list.extend(DEFAULTS);
        }
        result.merge();
        Some(result)
    }

    fn push(&mut self, rule: &DeviceRule) {
        let bit = |wanted, bit| if wanted { bit } else { 0 };
        let access = bit(rule.mknod, MKNOD) | bit(rule.read, READ) | bit(rule.write, WRITE);
        let any = rule.kind == 'a' && rule.major.is_none() && rule.minor.is_none();
        if any && access == ALL {
            *self = Self { allow: rule.allow, list: Vec::new() };
            return;
        }
        let kinds: &[bool] = match rule.kind {
            'a' => &[false, true],
            'b' => &[true],
            _ => &[false],
        };
        let (allow, major, minor) = (rule.allow, rule.major, rule.minor);
        self.list.extend(kinds.iter().map(|&block| Rule { allow, block, major, minor, access }));
    }

    /// Nothing is refused.
    pub(crate) fn allows_everything(&self) -> bool {
        self.allow && self.list.iter().all(|rule| rule.allow)
    }

    /// Without rules of the other sense, order means nothing, and rules about the same devices are one.
    fn merge(&mut self) {
        self.list.retain(|rule| rule.access != 0);
        if self.list.iter().any(|rule| rule.allow == self.allow) {
            return;
        }
        let mut merged: Vec<Rule> = Vec::new();
        for rule in self.list.drain(..) {
            match merged.iter_mut().find(|other| other.same_devices(&rule)) {
                Some(other) => other.access |= rule.access,
                None => merged.push(rule),
            }
        }
        self.list = merged;
    }
}

impl Rule {
    fn same_devices(&self, other: &Self) -> bool {
        (self.block, self.major, self.minor) == (other.block, other.major, other.minor)
    }

    /// Whether every device of `other` is one of this rule's.
    fn covers(&self, other: &Self) -> bool {
        let within = |wide: Option<u32>, narrow: Option<u32>| wide.is_none() || wide == narrow;
        self.block == other.block && within(self.major, other.major) && within(self.minor, other.minor)
    }

    /// Whether there may be a device that both are about.
    fn meets(&self, other: &Self) -> bool {
        let common = |one: Option<u32>, two: Option<u32>| one.is_none() || two.is_none() || one == two;
        self.block == other.block && common(self.major, other.major) && common(self.minor, other.minor)
    }

    /// As `devices.allow` and `devices.deny` read it: `c 1:3 rwm`.
    fn line(&self, access: u8) -> String {
        let number = |number: Option<u32>| number.map_or_else(|| "*".into(), |number| number.to_string());
        let kind = if self.block { 'b' } else { 'c' };
        let mut line = format!("{kind} {}:{} ", number(self.major), number(self.minor));
        let letters = [(READ, 'r'), (WRITE, 'w'), (MKNOD, 'm')];
        line.extend(letters.iter().filter(|(bit, _)| access & bit != 0).map(|(_, letter)| letter));
        line
    }
}

/// The rules as writes for version 1. The kernel keeps one sense for all devices and a list of exceptions, and takes out
/// only what is exactly in that list: a narrower rule against a wider exception would do nothing without a word, so that is
/// an error here, as in runc.
pub(crate) fn version_1_writes(rules: &[DeviceRule]) -> Result<Vec<Write>> {
    let Some(rules) = Rules::new(rules) else { return Ok(Vec::new()) };
    let write = |allow, value| {
        let file = if allow { "devices.allow" } else { "devices.deny" };
        Write::new("devices", "devices", file, value)
    };
    let mut writes = Vec::from([write(rules.allow, "a".to_string())]);
    let mut exceptions: Vec<Rule> = Vec::new();
    for rule in &rules.list {
        if rule.allow != rules.allow {
            writes.push(write(rule.allow, rule.line(rule.access)));
            match exceptions.iter_mut().find(|exception| exception.same_devices(rule)) {
                Some(exception) => exception.access |= rule.access,
                None => exceptions.push(*rule),
            }
            continue;
        }
        for exception in exceptions.iter_mut().filter(|exception| rule.meets(exception)) {
            let access = exception.access & rule.access;
            if access == 0 {
                continue;
            }
            if !rule.covers(exception) {
                let (narrow, wide) = (rule.line(rule.access), exception.line(exception.access));
                let what = format!("{narrow:?} cannot be an exception of {wide:?} with cgroup version 1");
                return Err(Error::Field { field: "devices", what });
            }
            writes.push(write(rule.allow, exception.line(access)));
            exception.access &= !access;
        }
    }
    Ok(writes)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn rule(allow: bool, kind: char, major: Option<u32>, minor: Option<u32>, access: &str) -> DeviceRule {
        let has = |letter| access.contains(letter);
        DeviceRule { allow, kind, major, minor, read: has('r'), write: has('w'), mknod: has('m') }
    }

    /// What the specification means: for each kind of access, the last rule about the device and that access decides.
    pub(crate) fn is_allowed(rules: &[DeviceRule], block: bool, major: u32, minor: u32, access: u8) -> bool {
        let decide = |bit: u8| {
            let of_default = |rule: &&Rule| {
                rule.block == block
                    && rule.major.is_none_or(|number| number == major)
                    && rule.minor.is_none_or(|number| number == minor)
                    && rule.access & bit != 0
            };
            if DEFAULTS.iter().any(|rule| of_default(&rule)) {
                return true;
            }
            let decides = |rule: &&DeviceRule| {
                let asks = [(READ, rule.read), (WRITE, rule.write), (MKNOD, rule.mknod)];
                (rule.kind == 'a' || (rule.kind == 'b') == block)
                    && rule.major.is_none_or(|number| number == major)
                    && rule.minor.is_none_or(|number| number == minor)
                    && asks.contains(&(bit, true))
            };
            rules.iter().rev().find(decides).is_some_and(|rule| rule.allow)
        };
        [MKNOD, READ, WRITE].into_iter().filter(|bit| access & bit != 0).all(decide)
    }

    fn lines(rules: &[DeviceRule]) -> Vec<String> {
        let name = |write: &Write| format!("{} {}", write.file.trim_start_matches("devices."), write.value);
        version_1_writes(rules).unwrap().iter().map(name).collect()
    }

    #[test]
    fn usual_rules_become_an_allowed_list() {
        assert_eq!(lines(&[]), [""; 0]);
        let usual = lines(&[rule(false, 'a', None, None, "rwm"), rule(true, 'c', Some(10), Some(229), "rw")]);
        assert_eq!(usual[..4], ["deny a", "allow c 10:229 rw", "allow c *:* m", "allow b *:* m"]);
        assert!(usual.contains(&"allow c 136:* rwm".to_string()) && usual.len() == 14);
        assert_eq!(lines(&[rule(true, 'a', None, None, "rwm")]), ["allow a"]);
    }

    #[test]
    fn rules_about_the_same_devices_are_one() {
        let usual = lines(&[
            rule(false, 'a', None, None, "rwm"),
            rule(true, 'c', Some(1), Some(3), "rw"),
            rule(true, 'b', Some(8), None, "r"),
            rule(true, 'b', Some(8), None, "w"),
        ]);
        assert_eq!(usual[1..3], ["allow c 1:3 rwm", "allow b 8:* rw"]);
        assert_eq!(usual.len(), 14);
    }

    #[test]
    fn exceptions_are_taken_back_exactly() {
        let taken = [
            rule(false, 'a', None, None, "rwm"),
            rule(true, 'c', Some(10), Some(1), "rw"),
            rule(true, 'c', Some(10), Some(2), "r"),
            rule(false, 'c', Some(10), None, "w"),
        ];
        assert_eq!(lines(&taken)[..4], ["deny a", "allow c 10:1 rw", "allow c 10:2 r", "deny c 10:1 w"]);
        let hole = [rule(true, 'b', Some(8), None, "rw"), rule(false, 'b', Some(8), Some(1), "w")];
        assert!(matches!(version_1_writes(&hole), Err(Error::Field { field: "devices", .. })));
    }
}
