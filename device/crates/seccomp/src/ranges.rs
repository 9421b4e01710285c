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
    calls: Vec<(Row, &'p Rule<'p>)>,
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

const fn slot(number: u32) -> usize {
    (if number < ORDINARY { number } else { ORDINARY + number % 16 }) as usize
}

impl<'p> Named<'p> {
    pub(crate) fn of(profile: &'p Profile<'p>) -> Result<Self, Error> {
        let mut calls = Vec::with_capacity(profile.rules.iter().map(|rule| rule.names.len()).sum());
        for rule in &profile.rules {
            if let Some(wrong) = rule.args.iter().find(|arg| arg.index > 5) {
                return Err(Error::Index(wrong.index));
            }
            calls.extend(rule.names.iter().filter_map(|name| Some((Row::of(name)?, rule))));
        }
        Ok(Self { profile, calls })
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
        let mut table = vec![NO_RULE; SLOTS];
        let mut ways = Vec::new();
        let mut newest = None;
        for (row, rule) in &self.calls {
            let number = row.number(abi.arch);
            newest = newest.max(number.filter(|number| *number < PRIVATE));
            if rule.action == self.profile.default_action {
                continue;
            }
            if let Some((number, first)) = row.multiplexed().and_then(|value| abi.multiplexer(value)) {
                add_rule(&mut table, &mut ways, slot(number), rule, abi, Some(first))?;
            }
            if let Some(number) = number {
                add_rule(&mut table, &mut ways, slot(number), rule, abi, None)?;
            }
        }
        // A rule without conditions goes before all that have some.
        ways.retain(|way| table.get(way.slot) == Some(&NO_RULE));
        ways.sort_by(|left, right| {
            left.slot.cmp(&right.slot).then_with(|| condition::order(&left.tests, &right.tests))
        });
        ways.dedup_by(|way, before| way.slot == before.slot && way.tests.starts_with(&before.tests));

        let newer = newest.filter(|_| self.newer_calls_are_unknown());
        let rest = if newer.is_some() { Action::UNKNOWN_CALL.value() } else { ranges.otherwise };
        let mut conditions = ways.chunk_by(|left, right| left.slot == right.slot).peekable();
        let mut from = ranges.ways.len();
        for (at, value) in table.iter().enumerate() {
            let private = at >= ORDINARY as usize;
            let number = if private { PRIVATE + (at as u32 - ORDINARY) } else { at as u32 };
            let outcome = match conditions.next_if(|group| group.first().is_some_and(|way| way.slot == at)) {
                Some(group) => {
                    let to = from + group.len();
                    let outcome = Outcome::Depends { from, to, narrow: abi.narrow };
                    from = to;
                    outcome
                }
                None if *value != NO_RULE => Outcome::Return(*value),
                None if newer.is_some_and(|newest| number <= newest) => Outcome::Return(ranges.otherwise),
                None => Outcome::Return(rest),
            };
            if number == PRIVATE {
                ranges.push(abi.base + ORDINARY, Outcome::Return(rest));
            }
            ranges.push(abi.base + number, outcome);
        }
        ranges.push(abi.base + PRIVATE + 16, Outcome::Return(rest));
        ranges.ways.append(&mut ways);
        Ok(())
    }

    fn newer_calls_are_unknown(&self) -> bool {
        let passes = matches!(self.profile.default_action, Action::Allow | Action::Log | Action::Trace(_));
        self.profile.newer_calls_are_unknown && !passes
    }
}

fn add_rule(
    table: &mut [u32],
    ways: &mut Vec<Way>,
    slot: usize,
    rule: &Rule<'_>,
    abi: Abi,
    first: Option<u64>,
) -> Result<(), Error> {
    let Some(value) = table.get_mut(slot).filter(|value| **value == NO_RULE) else { return Ok(()) };
    let result = rule.action.value();
    for tests in condition::ways(rule, abi, first) {
        if tests.is_empty() {
            *value = result;
            return Ok(());
        }
        // Each way is at least one instruction.
        if ways.len() == MAX_INSTRUCTIONS {
            return Err(Error::TooLong);
        }
        ways.push(Way { slot, tests, result });
    }
    Ok(())
}

impl Ranges {
    fn push(&mut self, start: u32, outcome: Outcome) {
        if self.list.last().is_none_or(|last| last.outcome != outcome) {
            self.list.push(Range { start, outcome });
        }
    }
}
