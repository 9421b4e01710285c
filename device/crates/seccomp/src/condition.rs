//! Conditions on arguments: what a rule asks of a call, in which order rules are asked, and the instructions for it.
//!
//! Filters load 32 bits at a time. The halves of a 64-bit argument are compared one after the other: the lower half
//! first for equality, since there values differ, the upper half first for size. A comparison that fails leaves its
//! word loaded, and where the next one begins with the same word, it is not loaded again.

use crate::abi::Abi;
use crate::assemble::{Assembler, Label, op};
use crate::{Comparison, Op, Rule};
use alloc::vec::Vec;
use core::cmp::Ordering;

/// A comparison as a kernel can make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Test {
    pub(crate) index: u8,
    pub(crate) op: Op,
    /// Bits that are compared.
    pub(crate) mask: u64,
    /// With what: none but those bits.
    pub(crate) value: u64,
}

impl Test {
    /// Nothing, if it always holds.
    fn of(comparison: &Comparison, narrow: bool) -> Option<Self> {
        let all = if narrow { u64::from(u32::MAX) } else { u64::MAX };
        let Comparison { index, op, value, value_two } = *comparison;
        let (mask, value) = if op == Op::MaskedEqual { (value & all, value_two) } else { (all, value) };
        (mask != 0).then_some(Self { index, op, mask, value: value & mask })
    }

    /// libseccomp's order of tests: later arguments first, equality before size, the narrower test first.
    fn order(&self, other: &Self) -> Ordering {
        let rank = |op| match op {
            Op::Equal | Op::NotEqual | Op::MaskedEqual => 0,
            Op::Less | Op::LessOrEqual => 1,
            Op::Greater | Op::GreaterOrEqual => 2,
        };
        let by_value = match self.op {
            Op::Less | Op::LessOrEqual => self.value.cmp(&other.value),
            _ => other.value.cmp(&self.value),
        };
        other.index.cmp(&self.index).then(rank(self.op).cmp(&rank(other.op))).then(by_value)
    }
}

/// One way for a call to match a rule: all of these hold, in the order of their arguments.
pub(crate) type Tests = Vec<Test>;

/// The ways to match a rule; one without tests is matched by every call. `first` is a value that the first argument
/// must have whatever the rule says of it.
pub(crate) fn ways(rule: &Rule<'_>, abi: Abi, first: Option<u64>) -> impl Iterator<Item = Tests> {
    let mut seen = 0u32;
    let twice = rule.args.iter().any(|arg| {
        let bit = 1u32.checked_shl(u32::from(arg.index)).unwrap_or(0);
        let known = seen & bit != 0;
        seen |= bit;
        known
    });
    let size = if twice { 1 } else { rule.args.len().max(1) };
    let none: &[Comparison] = &[];
    rule.args.chunks(size).chain(rule.args.is_empty().then_some(none)).map(move |args| {
        let number = first.map(|value| Test { index: 0, op: Op::Equal, mask: u64::from(u32::MAX), value });
        let free = (u8::from(number.is_some())..6).filter_map(|index| args.iter().find(|arg| arg.index == index));
        number.into_iter().chain(free.filter_map(|arg| Test::of(arg, abi.narrow))).collect()
    })
}

/// Which of two ways is asked first, when both are about one call. It matters only where the actions differ: libseccomp
/// has no promise for that, but profiles were tried with it. Equal ones stay in the order of the file.
pub(crate) fn order(left: &[Test], right: &[Test]) -> Ordering {
    let differs = left.iter().zip(right).map(|(left, right)| left.order(right)).find(|order| order.is_ne());
    differs.unwrap_or_else(|| left.len().cmp(&right.len()))
}

/// A place to go on, and a shorter way to it for those that have its first word loaded.
#[derive(Clone, Copy)]
struct Entry {
    label: Label,
    loaded: Option<(u32, Label)>,
}

impl Entry {
    const fn plain(label: Label) -> Self {
        Self { label, loaded: None }
    }

    fn with(self, word: u32) -> Label {
        self.loaded.filter(|(first, _)| *first == word).map_or(self.label, |(_, label)| label)
    }
}

/// Writes the tests of a call's ways, in order: the first that holds gives its result, or else `otherwise` is returned.
pub(crate) fn write<'w>(
    program: &mut Assembler,
    ways: impl DoubleEndedIterator<Item = (&'w [Test], u32)>,
    narrow: bool,
    otherwise: u32,
) -> Label {
    let mut next = Entry::plain(program.result(otherwise));
    for (tests, result) in ways.rev() {
        let mut holds = Entry::plain(program.result(result));
        for test in tests.iter().rev() {
            holds = write_test(program, test, narrow, holds, next);
        }
        next = holds;
    }
    next.label
}

fn write_test(program: &mut Assembler, test: &Test, narrow: bool, yes: Entry, no: Entry) -> Entry {
    match test.op {
        Op::Equal | Op::MaskedEqual => equal(program, test, narrow, yes, no),
        Op::NotEqual => equal(program, test, narrow, no, yes),
        Op::Greater => greater(program, test, narrow, op::GREATER, yes, no),
        Op::GreaterOrEqual => greater(program, test, narrow, op::NOT_LESS, yes, no),
        Op::LessOrEqual => greater(program, test, narrow, op::GREATER, no, yes),
        Op::Less => greater(program, test, narrow, op::NOT_LESS, no, yes),
    }
}

/// Offsets of an argument's halves in `struct seccomp_data`, where both machines have the lower one first.
fn words(test: &Test) -> (u32, u32) {
    let low = 16 + 8 * u32::from(test.index);
    (low, low + 4)
}

fn equal(program: &mut Assembler, test: &Test, narrow: bool, yes: Entry, no: Entry) -> Entry {
    let (low, high) = words(test);
    let above = if narrow || test.mask >> 32 == 0 {
        yes
    } else {
        equal_word(program, high, (test.mask >> 32) as u32, (test.value >> 32) as u32, yes, no)
    };
    match test.mask as u32 {
        0 => above,
        mask => equal_word(program, low, mask, test.value as u32, above, no),
    }
}

fn equal_word(program: &mut Assembler, word: u32, mask: u32, value: u32, yes: Entry, no: Entry) -> Entry {
    let compared = if mask == u32::MAX {
        program.branch(op::EQUAL, value, yes.with(word), no.with(word))
    } else if value == 0 {
        program.branch(op::ANY_BIT, mask, no.with(word), yes.with(word))
    } else if value == mask && mask.is_power_of_two() {
        program.branch(op::ANY_BIT, mask, yes.with(word), no.with(word))
    } else {
        let compared = program.branch(op::EQUAL, value, yes.label, no.label);
        program.then(op::AND, mask, compared)
    };
    load(program, word, compared)
}

fn greater(program: &mut Assembler, test: &Test, narrow: bool, code: u16, yes: Entry, no: Entry) -> Entry {
    let (low, high) = words(test);
    let compared = program.branch(code, test.value as u32, yes.with(low), no.with(low));
    let below = load(program, low, compared);
    if narrow {
        return below;
    }
    let bound = (test.value >> 32) as u32;
    let same = program.branch(op::EQUAL, bound, below.with(high), no.with(high));
    let compared = program.branch(op::GREATER, bound, yes.with(high), same);
    load(program, high, compared)
}

fn load(program: &mut Assembler, word: u32, next: Label) -> Entry {
    Entry { label: program.then(op::LOAD, word, next), loaded: Some((word, next)) }
}
