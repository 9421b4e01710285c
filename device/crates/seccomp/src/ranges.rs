//! What becomes of every number of a call: rules by name come in, ranges of numbers with one outcome each go out.

use crate::abi::{Abi, X32_BIT};
use crate::condition::{self, Tests};
use crate::lookup::{ORDINARY, PRIVATE, Row};
use crate::{Action, Arch, Error, MAX_INSTRUCTIONS, Profile, Rule};
use alloc::vec;
use alloc::vec::Vec;

/// A profile whose names are looked up.
pub(crate) struct Named<'p> {
    profile: &'p Profile<'p>,
    /// Of all rules, one after the other.
    calls: Vec<Row>,
    /// Each rule that has known names, with the end of its part of `calls`.
    rules: Vec<(&'p Rule<'p>, usize)>,
}

/// What happens with the calls of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The value is returned.
    Return(u32),
    /// It depends: on these of [`Ranges::ways`].
    Depends { from: usize, to: usize, narrow: bool },
}

/// Numbers from `start` to the next range's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) start: u32,
    pub(crate) outcome: Outcome,
}

/// All numbers of an architecture's calls: the first range starts at 0, neighbours differ.
pub(crate) struct Ranges {
    pub(crate) list: Vec<Range>,
    pub(crate) ways: Vec<Way>,
    /// If none of the ways is met.
    pub(crate) otherwise: u32,
}

/// A way to match a rule.
pub(crate) struct Way {
    slot: usize,
    pub(crate) tests: Tests,
    pub(crate) result: u32,
}

/// Slots of a table: ordinary numbers, then ARM's private ones.
const SLOTS: usize = ORDINARY as usize + 16;
/// No action has this value: no rule for the call so far.
const NO_RULE: u32 = u32::MAX;
/// Nor this one: it depends.
const DEPENDS: u32 = u32::MAX - 1;

const fn slot(number: u32) -> usize {
    (if number < ORDINARY { number } else { ORDINARY + number % 16 }) as usize
}

impl<'p> Named<'p> {
    pub(crate) fn of(profile: &'p Profile<'p>) -> Result<Self, Error> {
        let mut calls = Vec::with_capacity(profile.rules.iter().map(|rule| rule.names.len()).sum());
        let mut rules = Vec::with_capacity(profile.rules.len());
        for rule in &profile.rules {
            if let Some(wrong) = rule.args.iter().find(|arg| arg.index > 5) {
                return Err(Error::Index(wrong.index));
            }
            calls.extend(rule.names.iter().filter_map(|name| Row::of(name)));
            rules.push((rule, calls.len()));
        }
        Ok(Self { profile, calls, rules })
    }

    /// The ranges for the ways into the kernel that share a token.
    pub(crate) fn ranges(&self, abis: &[Abi]) -> Result<Ranges, Error> {
        let otherwise = self.profile.default_action.value();
        let mut ranges = Ranges { list: Vec::with_capacity(256), ways: Vec::new(), otherwise };
        for abi in abis {
            self.add(&mut ranges, *abi)?;
        }
        if matches!(abis, [Abi { arch: Arch::X86_64, .. }]) {
            // x32 is an architecture that is not filtered, but -1 is what a tracer makes of a call to skip it.
            ranges.push(X32_BIT, Outcome::Return(Action::KillThread.value()));
            ranges.push(u32::MAX, Outcome::Return(otherwise));
        }
        Ok(ranges)
    }

    fn add(&self, ranges: &mut Ranges, abi: Abi) -> Result<(), Error> {
        let mut table = Table { actions: vec![NO_RULE; SLOTS], ways: Vec::new(), abi };
        let mut newest = None;
        let mut from = 0;
        for (rule, to) in &self.rules {
            let says_nothing = rule.action == self.profile.default_action;
            for row in self.calls.get(from..*to).unwrap_or_default() {
                let number = row.number(abi.arch);
                newest = newest.max(number.filter(|number| *number < PRIVATE));
                if says_nothing {
                    continue;
                }
                if let Some((number, first)) = row.multiplexed().and_then(|value| abi.multiplexer(value)) {
                    table.add(slot(number), rule, Some(first))?;
                }
                if let Some(number) = number {
                    table.add(slot(number), rule, None)?;
                }
            }
            from = *to;
        }
        table.drop_ways();

        let otherwise = ranges.otherwise;
        let newer = newest.filter(|_| self.newer_calls_are_unknown()).map_or(SLOTS, |newest| slot(newest) + 1);
        let rest = if newer < SLOTS { Action::UNKNOWN_CALL.value() } else { otherwise };
        let (old, new) = table.actions.split_at_mut(newer);
        for (slots, value) in [(old, otherwise), (new, rest)] {
            slots.iter_mut().filter(|action| **action == NO_RULE).for_each(|action| *action = value);
        }
        table.push(ranges, rest);
        Ok(())
    }

    fn newer_calls_are_unknown(&self) -> bool {
        let passes = matches!(self.profile.default_action, Action::Allow | Action::Log | Action::Trace(_));
        self.profile.newer_calls_are_unknown && !passes
    }
}

/// What the rules say of each call of one way into the kernel.
struct Table {
    /// Of rules without conditions, by slot.
    actions: Vec<u32>,
    /// By slot, and in the order in which they are asked.
    ways: Vec<Way>,
    abi: Abi,
}

impl Table {
    fn add(&mut self, slot: usize, rule: &Rule<'_>, first: Option<u64>) -> Result<(), Error> {
        let Some(action) = self.actions.get_mut(slot).filter(|action| **action == NO_RULE) else { return Ok(()) };
        let result = rule.action.value();
        if rule.args.is_empty() && first.is_none() {
            *action = result;
            return Ok(());
        }
        for tests in condition::ways(rule, self.abi, first) {
            if tests.is_empty() {
                *action = result;
                break;
            }
            // Each way is at least one instruction.
            if self.ways.len() == MAX_INSTRUCTIONS {
                return Err(Error::TooLong);
            }
            // There are few, and a sort would be a large part of this crate's code.
            let order = |way: &Way| way.slot.cmp(&slot).then_with(|| condition::order(&way.tests, &tests));
            let at = self.ways.partition_point(|way| order(way).is_le());
            self.ways.insert(at, Way { slot, tests, result });
        }
        Ok(())
    }

    /// Drops ways that are never reached: a rule without conditions goes before all that have some, and a way before those
    /// that ask for more.
    fn drop_ways(&mut self) {
        self.ways.retain(|way| self.actions.get(way.slot) == Some(&NO_RULE));
        self.ways.dedup_by(|way, before| way.slot == before.slot && way.tests.starts_with(&before.tests));
        for way in &self.ways {
            if let Some(action) = self.actions.get_mut(way.slot) {
                *action = DEPENDS;
            }
        }
    }

    /// Appends the ranges of numbers with one outcome, where every slot has one. Numbers without a slot have `rest`.
    fn push(mut self, ranges: &mut Ranges, rest: u32) {
        let mut conditions = self.ways.chunk_by(|left, right| left.slot == right.slot);
        let mut from = ranges.ways.len();
        let (ordinary, private) = self.actions.split_at(ORDINARY as usize);
        for (start, actions, end) in [(0, ordinary, ORDINARY), (PRIVATE, private, PRIVATE + 16)] {
            let mut last = NO_RULE;
            for (number, action) in (self.abi.base + start..).zip(actions) {
                if *action == DEPENDS {
                    let to = from + conditions.next().map_or(0, <[Way]>::len);
                    ranges.push(number, Outcome::Depends { from, to, narrow: self.abi.narrow });
                    from = to;
                } else if *action != last {
                    ranges.push(number, Outcome::Return(*action));
                }
                last = *action;
            }
            ranges.push(self.abi.base + end, Outcome::Return(rest));
        }
        ranges.ways.append(&mut self.ways);
    }
}

impl Ranges {
    fn push(&mut self, start: u32, outcome: Outcome) {
        if self.list.last().is_none_or(|last| last.outcome != outcome) {
            self.list.push(Range { start, outcome });
        }
    }
}
