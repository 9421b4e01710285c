//! What a profile means, said as plainly as possible and without regard to speed; and a machine for filters. For tests
//! and fuzzing, which compare the two.

use crate::abi::{self, X32_BIT};
use crate::assemble::op;
use crate::condition::{self, Test, Tests};
use crate::lookup::{PRIVATE, Row};
use crate::{Action, Arch, Instruction, MAX_INSTRUCTIONS, Machine, Op, Profile};
use alloc::vec::Vec;

/// A system call as filters see it, `struct seccomp_data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// `AUDIT_ARCH_…`
    pub token: u32,
    /// Number.
    pub number: u32,
    /// Arguments, of 32 bits too with all their 64.
    pub arguments: [u64; 6],
}

/// The `SECCOMP_RET_` value for a call: an unconditional rule, the first one, goes before all conditions; of these, the
/// first that holds in [libseccomp's order](condition::order) decides.
#[must_use]
pub fn evaluate(profile: &Profile<'_>, machine: Machine, call: &Call) -> u32 {
    let default = profile.default_action;
    let abis = abi::filtered(profile, machine);
    let has_x32 = abis.iter().any(|abi| abi.arch == Arch::X32);
    let is_x32 = call.number & X32_BIT != 0;
    let here = abis.iter().find(|abi| {
        abi.token == call.token
            && match abi.arch {
                Arch::X32 => is_x32,
                Arch::X86_64 => !is_x32 || (call.number == u32::MAX && !has_x32),
                _ => true,
            }
    });
    let Some(abi) = here else { return Action::KillThread.value() };

    let mut newest = None;
    let mut unconditional = None;
    let mut holding: Vec<(Tests, Action)> = Vec::new();
    for rule in &profile.rules {
        for row in rule.names.iter().filter_map(|name| Row::of(name)) {
            let number = row.number(abi.arch);
            newest = newest.max(number.filter(|number| *number < PRIVATE).map(|number| abi.base + number));
            if rule.action == default {
                continue;
            }
            let multiplexed = row.multiplexed().and_then(|value| abi.multiplexer(value));
            let direct = number.map(|number| (abi.base + number, None));
            for (_, first) in multiplexed
                .map(|(number, first)| (number, Some(first)))
                .into_iter()
                .chain(direct)
                .filter(|(number, _)| *number == call.number)
            {
                for tests in condition::ways(rule, *abi, first) {
                    if tests.is_empty() {
                        unconditional = unconditional.or(Some(rule.action));
                    } else if tests.iter().all(|test| holds(test, call, abi.narrow)) {
                        holding.push((tests, rule.action));
                    }
                }
            }
        }
    }
    if let Some(action) = unconditional {
        return action.value();
    }
    // The first of equals, as min_by has it.
    if let Some((_, action)) = holding.iter().min_by(|left, right| condition::order(&left.0, &right.0)) {
        return action.value();
    }
    let has_conditions = profile.rules.iter().any(|rule| {
        rule.action != default
            && rule.names.iter().filter_map(|name| Row::of(name)).any(|row| {
                let multiplexer = row.multiplexed().and_then(|value| abi.multiplexer(value));
                row.number(abi.arch).map(|number| abi.base + number) == Some(call.number)
                    || multiplexer.is_some_and(|(number, _)| number == call.number)
            })
    });
    let passes = matches!(default, Action::Allow | Action::Log | Action::Trace(_));
    let skipped = abi.arch == Arch::X86_64 && call.number == u32::MAX;
    match newest {
        Some(newest) if call.number > newest => {
            if profile.newer_calls_are_unknown && !passes && !has_conditions && !skipped {
                Action::UNKNOWN_CALL.value()
            } else {
                default.value()
            }
        }
        _ => default.value(),
    }
}

fn holds(test: &Test, call: &Call, narrow: bool) -> bool {
    let argument = call.arguments.get(usize::from(test.index)).copied().unwrap_or(0);
    let argument = if narrow { argument & u64::from(u32::MAX) } else { argument };
    match test.op {
        Op::NotEqual => argument != test.value,
        Op::Less => argument < test.value,
        Op::LessOrEqual => argument <= test.value,
        Op::Equal => argument == test.value,
        Op::GreaterOrEqual => argument >= test.value,
        Op::Greater => argument > test.value,
        Op::MaskedEqual => argument & test.mask == test.value,
    }
}

/// Runs a filter on a call: what it returns, and how many instructions that took. Nothing, if it is not a filter that
/// the kernel takes.
#[must_use]
pub fn run(program: &[Instruction], call: &Call) -> Option<(u32, usize)> {
    let mut loaded = 0u32;
    let mut at = 0usize;
    for steps in 1..=MAX_INSTRUCTIONS {
        let Instruction { code, jt, jf, k } = *program.get(at)?;
        at += 1;
        let mut branch = |yes: bool| at += usize::from(if yes { jt } else { jf });
        match code {
            op::LOAD => loaded = word(call, k)?,
            op::AND => loaded &= k,
            op::JUMP => at = at.checked_add(k as usize)?,
            op::EQUAL => branch(loaded == k),
            op::GREATER => branch(loaded > k),
            op::NOT_LESS => branch(loaded >= k),
            op::ANY_BIT => branch(loaded & k != 0),
            op::RETURN => return Some((k, steps)),
            _ => return None,
        }
    }
    None
}

fn word(call: &Call, offset: u32) -> Option<u32> {
    match offset {
        0 => Some(call.number),
        4 => Some(call.token),
        16.. if offset.is_multiple_of(4) => {
            let argument = *call.arguments.get((offset as usize - 16) / 8)?;
            Some((if offset.is_multiple_of(8) { argument } else { argument >> 32 }) as u32)
        }
        // The address of the instruction, which no filter here looks at.
        8 | 12 => Some(0),
        _ => None,
    }
}

/// What the kernel checks before it takes a filter (`bpf_check_classic`, `seccomp_check_filter`): known instructions,
/// words that are there, jumps that stay inside, a return at the end.
#[must_use]
pub fn is_valid(program: &[Instruction]) -> bool {
    let inside = |at: usize, skip: u32| at + 1 + (skip as usize) < program.len();
    (1..=MAX_INSTRUCTIONS).contains(&program.len())
        && program.last().is_some_and(|last| last.code == op::RETURN)
        && program.iter().enumerate().all(|(at, Instruction { code, jt, jf, k })| match *code {
            op::LOAD => k.is_multiple_of(4) && *k < 64,
            op::AND | op::RETURN => true,
            op::JUMP => inside(at, *k),
            op::EQUAL | op::GREATER | op::NOT_LESS | op::ANY_BIT => {
                inside(at, u32::from(*jt)) && inside(at, u32::from(*jf))
            }
            _ => false,
        })
}
