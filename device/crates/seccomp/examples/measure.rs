//! How long the stock profile's filter is, here and with libseccomp, and what compiling, installing and running it costs.
//! `cargo run --release -p seccomp --example measure`
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used)]

#[path = "../tests/common/mod.rs"]
mod common;

use common::libseccomp::Libseccomp;
use seccomp::reference::{Call, run};
use seccomp::{Arch, Instruction, Machine, compile, number};
use std::time::Instant;

/// Instructions a call, on average: over what the kernel emulates when it installs the filter, and over common calls.
fn depths(code: &[Instruction]) -> (f64, f64) {
    let steps = |token, number| run(code, &Call { token, number, arguments: [0; 6] }).map_or(0, |(_, steps)| steps);
    let average = |all: Vec<usize>| all.iter().sum::<usize>() as f64 / all.len() as f64;
    let emulated =
        (0..470).map(|call| steps(common::X86_64, call)).chain((0..470).map(|call| steps(common::X86, call))).collect();
    let common = ["read", "write", "openat", "close", "futex", "mmap", "epoll_wait", "socket", "clone", "personality"];
    let common = common.iter().filter_map(|name| number(name, Arch::X86_64));
    (average(emulated), average(common.map(|call| steps(common::X86_64, call)).collect()))
}

fn main() {
    let Some(text) = common::stock_text() else { return };
    let profile = common::stock(&text);
    let mut libseccomp = Libseccomp::start("measure");
    let time = || {
        let start = Instant::now();
        std::hint::black_box(compile(std::hint::black_box(&profile), Machine::X86_64)).expect("it compiles");
        start.elapsed().as_nanos() as u64
    };
    // A container runtime compiles once, with nothing in the caches.
    let first = time();
    let mut times: Vec<u64> = (0..2000).map(|_| time()).collect();
    times.sort_unstable();
    println!("ours: compiled in {first} ns the first time, then {} at the least", times[0]);
    let ours = compile(&profile, Machine::X86_64).expect("it compiles");
    let mut report = |name: &str, code: &[Instruction], nanoseconds: u64| {
        let (all, common) = depths(code);
        let load = libseccomp.as_mut().map(|libseccomp| libseccomp.load(code, 300));
        println!(
            "{name}: {} instructions, {all:.1} a call (all), {common:.1} (common), compiled in {nanoseconds} ns, load {load:?} ns",
            code.len()
        );
    };
    report("ours", ours.instructions(), times[times.len() / 2]);
    if let Some(mut libseccomp) = Libseccomp::start("measure-export") {
        for tree in [false, true] {
            let theirs = (0..10).map(|_| libseccomp.export(&profile, tree)).min_by_key(|one| one.nanoseconds).unwrap();
            report(if tree { "libseccomp, tree" } else { "libseccomp" }, &theirs.code, theirs.nanoseconds);
        }
    }
}
