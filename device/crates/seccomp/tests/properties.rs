//! The law of the compiler: a program does with every call what its profile says.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used)]

mod common;

use common::{Random, Rules, calls, random_profile};
use seccomp::reference::{Call, evaluate, is_valid, run};
use seccomp::{Action, Arch, Comparison, Error, MAX_INSTRUCTIONS, Machine, Op, Profile, Rule, compile, number};

#[test]
fn a_program_does_what_its_profile_says() {
    let mut random = Random(0x5ecc_0000_0001);
    for round in 0..60 {
        let rules = if round % 2 == 0 { Rules::Agree } else { Rules::Disagree };
        let mut profile = random_profile(&mut random, rules);
        profile.newer_calls_are_unknown = round % 3 == 0;
        for machine in [Machine::X86_64, Machine::Aarch64] {
            let program = compile(&profile, machine).unwrap();
            assert!(is_valid(program.instructions()), "{profile:?}");
            for call in calls(&mut random, &profile, machine, 3) {
                let (result, _) = run(program.instructions(), &call).expect("a result");
                let said = evaluate(&profile, machine, &call);
                assert_eq!(result, said, "round {round}, {machine:?}: {call:x?}\n{profile:x?}");
            }
        }
    }
}

fn rule<'a>(names: &[&'a str], action: Action, args: &[Comparison]) -> Rule<'a> {
    Rule { names: names.to_vec(), action, args: args.to_vec() }
}

fn equal(index: u8, value: u64) -> Comparison {
    Comparison { index, op: Op::Equal, value, value_two: 0 }
}

fn profile<'a>(architectures: &[Arch], rules: &[Rule<'a>]) -> Profile<'a> {
    Profile {
        default_action: Action::Errno(1),
        architectures: architectures.to_vec(),
        rules: rules.to_vec(),
        newer_calls_are_unknown: false,
    }
}

fn result(profile: &Profile<'_>, token: u32, number: u32, arguments: [u64; 6]) -> Action {
    let program = compile(profile, Machine::X86_64).unwrap();
    let (value, _) = run(program.instructions(), &Call { token, number, arguments }).unwrap();
    common::ACTIONS.into_iter().find(|action| action.value() == value).unwrap()
}

#[test]
fn two_conditions_on_one_argument_are_alternatives() {
    let rules = [rule(&["read"], Action::Allow, &[equal(0, 1), equal(0, 2), equal(1, 7)])];
    let profile = profile(&[], &rules);
    for (arguments, expected) in [
        ([1, 0, 0, 0, 0, 0], Action::Allow),
        ([2, 0, 0, 0, 0, 0], Action::Allow),
        ([9, 7, 0, 0, 0, 0], Action::Allow),
        ([9, 0, 0, 0, 0, 0], Action::Errno(1)),
        ([1 << 32 | 1, 0, 0, 0, 0, 0], Action::Errno(1)),
    ] {
        assert_eq!(result(&profile, common::X86_64, 0, arguments), expected, "{arguments:x?}");
    }
}

#[test]
fn conditions_on_different_arguments_must_all_hold() {
    let profile = profile(&[], &[rule(&["read"], Action::Allow, &[equal(0, 1), equal(1, 7)])]);
    assert_eq!(result(&profile, common::X86_64, 0, [1, 7, 0, 0, 0, 0]), Action::Allow);
    assert_eq!(result(&profile, common::X86_64, 0, [1, 8, 0, 0, 0, 0]), Action::Errno(1));
}

#[test]
fn an_architecture_that_is_not_listed_ends_the_thread() {
    let rules = [rule(&["read"], Action::Allow, &[])];
    let (alone, all) = (profile(&[], &rules), profile(&[Arch::X32, Arch::X86], &rules));
    let x32 = number("read", Arch::X32).unwrap();
    for (token, number) in [(common::X86, 3), (common::X86_64, x32), (common::X86_64, u32::MAX - 1)] {
        assert_eq!(result(&alone, token, number, [0; 6]), Action::KillThread, "{number:x}");
    }
    // A tracer's way to skip a call.
    assert_eq!(result(&alone, common::X86_64, u32::MAX, [0; 6]), Action::Errno(1));
    assert_eq!(result(&all, common::X86, 3, [0; 6]), Action::Allow);
    assert_eq!(result(&all, common::X86_64, x32, [0; 6]), Action::Allow);
    assert_eq!(result(&all, common::FOREIGN, 0, [0; 6]), Action::KillThread);
}

#[test]
fn calls_newer_than_the_profile_are_unknown_if_wanted() {
    let mut profile = profile(&[], &[rule(&["read", "openat2"], Action::Allow, &[])]);
    let (named, newer) = (437, 438);
    assert_eq!(result(&profile, common::X86_64, newer, [0; 6]), Action::Errno(1));
    profile.newer_calls_are_unknown = true;
    assert_eq!(result(&profile, common::X86_64, newer, [0; 6]), Action::Errno(38));
    assert_eq!(result(&profile, common::X86_64, named, [0; 6]), Action::Allow);
    assert_eq!(result(&profile, common::X86_64, named - 1, [0; 6]), Action::Errno(1));
    profile.default_action = Action::Log;
    assert_eq!(result(&profile, common::X86_64, newer, [0; 6]), Action::Log);
}

#[test]
fn what_the_kernel_cannot_take_is_an_error() {
    let wrong = profile(&[], &[rule(&["read"], Action::Allow, &[equal(6, 1)])]);
    assert_eq!(compile(&wrong, Machine::X86_64), Err(Error::Index(6)));
    let many: Vec<_> = (0..3000).map(|value| equal(0, value << 31)).collect();
    let long = profile(&[], &[rule(&["read"], Action::Allow, &many)]);
    assert_eq!(compile(&long, Machine::X86_64), Err(Error::TooLong));
    // 60 000 000 ways, none of which is written down.
    let names = vec!["read"; 20_000];
    let endless = profile(&[Arch::X86], &[rule(&names, Action::Allow, &many)]);
    assert_eq!(compile(&endless, Machine::X86_64), Err(Error::TooLong));
    let most: Vec<_> = (0..900).map(|value| equal(0, value << 33)).collect();
    let fits = compile(&profile(&[], &[rule(&["read"], Action::Allow, &most)]), Machine::X86_64).unwrap();
    assert!(fits.instructions().len() <= MAX_INSTRUCTIONS && is_valid(fits.instructions()));
}
