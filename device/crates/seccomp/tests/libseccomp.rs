//! The same profiles, compiled here and by libseccomp: both programs do the same with every call.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used)]

mod common;

use common::libseccomp::Libseccomp;
use common::{Random, Rules, calls, random_profile, stock, stock_text};
use seccomp::reference::{Call, run};
use seccomp::{Arch, Instruction, Machine, Op, Profile, compile, number};

/// Calls that end otherwise.
fn differences(
    profile: &Profile<'_>,
    machine: Machine,
    calls: &[Call],
    theirs: &[Instruction],
) -> Vec<(Call, u32, u32)> {
    let ours = compile(profile, machine).unwrap();
    let result = |code: &[Instruction], call| run(code, call).expect("a result").0;
    let compared = calls.iter().map(|call| (*call, result(ours.instructions(), call), result(theirs, call)));
    compared.filter(|(_, ours, theirs)| ours != theirs).collect()
}

/// Whether libseccomp 2.5 may get a call wrong: of several conditions, one is by size. With `arg2 != 2` or
/// `arg2 > 0x100000001`, it has no match for 0xfffffffe, and with `arg3 < 0x100000000` or `arg3 <= 0x7fffffff` none for
/// 0xffffffff. Multiplexed calls are one call.
fn is_miscompiled(profile: &Profile<'_>, token: u32, call: u32) -> bool {
    let arches: &[Arch] = match token {
        common::X86 => &[Arch::X86],
        common::AARCH64 => &[Arch::Aarch64],
        common::ARM => &[Arch::Arm],
        _ => &[Arch::X86_64, Arch::X32],
    };
    let is_multiplexer = token == common::X86 && [102, 117].contains(&call);
    let of_call = |name: &&str| arches.iter().any(|arch| number(name, *arch) == Some(call));
    let conditional = profile.rules.iter().filter(|rule| !rule.args.is_empty());
    let of_call = conditional.filter(|rule| is_multiplexer || rule.names.iter().any(of_call));
    let (mut count, mut by_size) = (0, false);
    for arg in of_call.flat_map(|rule| &rule.args) {
        count += 1;
        by_size |= !matches!(arg.op, Op::Equal | Op::NotEqual | Op::MaskedEqual);
    }
    count > 1 && by_size
}

/// Compares random profiles that libseccomp takes, and says how many calls those were.
fn compare(name: &str, seed: u64, rules: Rules) -> Option<usize> {
    let mut libseccomp = Libseccomp::start(name)?;
    let mut random = Random(seed);
    let mut compared = 0;
    for round in 0..120 {
        let profile = random_profile(&mut random, rules);
        let theirs = libseccomp.export(&profile, round % 2 == 0 && !profile.rules.is_empty());
        if theirs.refused > 0 {
            continue;
        }
        // libseccomp filters other machines' calls too, those of ARM as if that were the machine.
        let arm = profile.architectures.contains(&Arch::Aarch64).then_some(Machine::Aarch64);
        for machine in [Machine::X86_64].into_iter().chain(arm) {
            let mut calls = calls(&mut random, &profile, machine, 3);
            let (mut last, mut wrong) = (None, false);
            calls.retain(|call| {
                if last.replace((call.token, call.number)) != Some((call.token, call.number)) {
                    wrong = is_miscompiled(&profile, call.token, call.number);
                }
                !wrong
            });
            let differences = differences(&profile, machine, &calls, &theirs.code);
            assert!(differences.is_empty(), "round {round}: {:x?}\n{profile:x?}", differences[0]);
            compared += calls.len();
        }
    }
    Some(compared)
}

#[test]
fn rules_that_agree() {
    let Some(compared) = compare("agree", 0x5ecc_0000_0002, Rules::Agree) else { return };
    assert!(compared > 50_000, "{compared}");
}

#[test]
fn rules_that_disagree() {
    let Some(compared) = compare("disagree", 0x5ecc_0000_0003, Rules::Disagree) else { return };
    assert!(compared > 50_000, "{compared}");
}

#[test]
fn the_stock_profile() {
    let (Some(text), Some(mut libseccomp)) = (stock_text(), Libseccomp::start("stock")) else { return };
    let profile = stock(&text);
    let theirs = libseccomp.export(&profile, false);
    assert_eq!(theirs.refused, 0);
    let mut random = Random(0x5ecc_0000_0004);
    let mut calls = calls(&mut random, &profile, Machine::X86_64, 4);
    for number in (0..2000).chain(1 << 30..(1 << 30) + 2000) {
        calls.extend([common::X86_64, common::X86, common::FOREIGN].map(|token| Call {
            token,
            number,
            arguments: [0; 6],
        }));
    }
    let differences = differences(&profile, Machine::X86_64, &calls, &theirs.code);
    assert!(differences.is_empty(), "{:x?} of {}", differences[0], differences.len());
    // The kernel takes it too.
    let ours = compile(&profile, Machine::X86_64).unwrap();
    assert!(ours.instructions().len() * 2 < theirs.code.len(), "{}", ours.instructions().len());
    assert!(libseccomp.load(ours.instructions(), 1).is_ok_and(|nanoseconds| nanoseconds > 0));
}
