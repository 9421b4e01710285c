//! From ranges of numbers to instructions: a balanced tree of comparisons, its leaves, and the choice among architectures.

use crate::Action;
use crate::assemble::{Assembler, Label, op};
use crate::condition;
use crate::ranges::{Outcome, Range, Ranges};
use alloc::vec::Vec;

/// Single numbers that a leaf may look for before it is what its range is.
const EXCEPTIONS: usize = 2;

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const TOKEN: u32 = 4;

/// Writes the whole filter; the last architecture is the one that is found first.
pub(crate) fn architectures(program: &mut Assembler, all: &[(u32, Ranges)]) {
    let Some(((native, ranges), others)) = all.split_last() else { return };
    let entries: Vec<(u32, Label)> = others.iter().map(|(token, ranges)| (*token, numbers(program, ranges))).collect();
    let mut other = program.result(Action::KillThread.value());
    for (token, entry) in entries {
        other = program.branch(op::EQUAL, token, entry, other);
    }
    let entry = numbers(program, ranges);
    let start = program.branch(op::EQUAL, *native, entry, other);
    program.then(op::LOAD, TOKEN, start);
}

fn numbers(program: &mut Assembler, ranges: &Ranges) -> Label {
    match ranges.list.as_slice() {
        [Range { outcome: Outcome::Return(value), .. }] => program.result(*value),
        list => {
            let tree = tree(program, ranges, &leaves(list));
            program.then(op::LOAD, NUMBER, tree)
        }
    }
}

/// Ranges that are one leaf: a range, or one with single numbers in it that differ, each range of it in turn.
fn leaves(mut list: &[Range]) -> Vec<&[Range]> {
    let mut leaves = Vec::with_capacity(list.len());
    while !list.is_empty() {
        let mut length = 1;
        while length < 1 + 2 * EXCEPTIONS
            && let Some([base, single, after]) = list.get(length - 1..length + 2)
            && base.outcome == after.outcome
            && single.start + 1 == after.start
        {
            length += 2;
        }
        let (leaf, rest) = list.split_at(length);
        leaves.push(leaf);
        list = rest;
    }
    leaves
}

fn tree(program: &mut Assembler, ranges: &Ranges, leaves: &[&[Range]]) -> Label {
    let (left, right) = leaves.split_at(leaves.len() / 2);
    if left.is_empty() {
        return leaf(program, ranges, right.first().copied().unwrap_or_default());
    }
    let start = right.first().and_then(|list| list.first()).map_or(0, |range| range.start);
    // A leaf that only returns comes last, so that the return which it finds is near.
    if let [[Range { outcome: Outcome::Return(value), .. }]] = right {
        let left = tree(program, ranges, left);
        let right = program.result(*value);
        program.branch(op::NOT_LESS, start, right, left)
    } else {
        let right = tree(program, ranges, right);
        let left = tree(program, ranges, left);
        program.branch(op::NOT_LESS, start, right, left)
    }
}

fn leaf(program: &mut Assembler, ranges: &Ranges, list: &[Range]) -> Label {
    // Tests of arguments are long, returns are looked up last.
    let exceptions = list.iter().skip(1).step_by(2);
    let written: Vec<Label> = exceptions.clone().map(|range| outcome(program, ranges, range.outcome)).collect();
    let base = list.first().map_or(Outcome::Return(ranges.otherwise), |range| range.outcome);
    let mut label = outcome(program, ranges, base);
    for (range, exception) in exceptions.zip(written).rev() {
        label = program.branch(op::EQUAL, range.start, exception, label);
    }
    label
}

fn outcome(program: &mut Assembler, ranges: &Ranges, outcome: Outcome) -> Label {
    match outcome {
        Outcome::Return(value) => program.result(value),
        Outcome::Depends { from, to, narrow } => {
            let ways = ranges.ways.get(from..to).unwrap_or_default().iter();
            let ways = ways.map(|way| (way.tests.as_slice(), way.result));
            condition::write(program, ways, narrow, ranges.otherwise)
        }
    }
}
