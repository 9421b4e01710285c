//! The same profiles, compiled here and by libseccomp: both programs do the same with every call.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used)]

mod common;

use common::libseccomp::Libseccomp;
use common::{Random, Rules, calls, random_profile, stock, stock_text};
use seccomp::reference::{Call, run};
use seccomp::{Instruction, Machine, Profile, compile};

/// Calls that end otherwise.
fn differences(profile: &Profile<'_>, calls: &[Call], theirs: &[Instruction]) -> Vec<(Call, u32, u32)> {
    let ours = compile(profile, Machine::X86_64).unwrap();
    let result = |code: &[Instruction], call| run(code, call).expect("a result").0;
    let compared = calls.iter().map(|call| (*call, result(ours.instructions(), call), result(theirs, call)));
    compared.filter(|(_, ours, theirs)| ours != theirs).collect()
}

#[test]
fn random_profiles() {
    let Some(mut libseccomp) = Libseccomp::start("random") else { return };
    let mut random = Random(0x5ecc_0000_0002);
    let mut compared = 0;
    for round in 0..400 {
        let profile = random_profile(&mut random, Rules::Agree);
        let theirs = libseccomp.export(&profile, false);
        let calls = calls(&mut random, &profile, Machine::X86_64, 3);
        let differences = differences(&profile, &calls, &theirs.code);
        if theirs.refused > 0 { eprintln!("refused {round} {}", differences.len()); continue }
        assert!(differences.is_empty(), "round {round}: {:x?} of {}\n{profile:x?}", differences[0], differences.len());
        compared += 1;
    }
    eprintln!("compared {compared}");
}

#[test]
fn contradictions() {
    let Some(mut libseccomp) = Libseccomp::start("contradictions") else { return };
    let mut random = Random(0x5ecc_0000_0003);
    let (mut equal, mut refused, mut different) = (0, 0, 0);
    for _ in 0..400 {
        let profile = random_profile(&mut random, Rules::Disagree);
        let theirs = libseccomp.export(&profile, false);
        if theirs.refused > 0 { refused += 1; continue }
        let calls = calls(&mut random, &profile, Machine::X86_64, 3);
        let differences = differences(&profile, &calls, &theirs.code);
        if differences.is_empty() { equal += 1 } else { different += 1; eprintln!("{} of {} {:x?}", differences.len(), calls.len(), differences[0]) }
    }
    eprintln!("equal {equal} refused {refused} different {different}");
}

#[test]
fn the_stock_profile() {
    let (Some(text), Some(mut libseccomp)) = (stock_text(), Libseccomp::start("stock")) else { return };
    let profile = stock(&text);
    let theirs = libseccomp.export(&profile, false);
    let mut random = Random(0x5ecc_0000_0004);
    let calls = calls(&mut random, &profile, Machine::X86_64, 20);
    let differences = differences(&profile, &calls, &theirs.code);
    eprintln!("refused {}, {} instructions", theirs.refused, theirs.code.len());
    assert!(differences.is_empty(), "{:x?} of {}", differences[0], differences.len());
}
