//! The table of numbers, against the kernel's headers and libseccomp's own table.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used)]

mod common;

use common::libseccomp::Libseccomp;
use seccomp::{Arch, number};
use std::collections::BTreeMap;
use std::path::Path;

/// Where Debian keeps headers, its own and those for cross compilers: of these, one with the file is enough.
const HEADERS: [(Arch, &[&str], &str); 5] = [
    (Arch::X86_64, &["/usr/include/x86_64-linux-gnu", "/usr/x86_64-linux-gnu/include"], "unistd_64.h"),
    (Arch::X86, &["/usr/include/x86_64-linux-gnu", "/usr/x86_64-linux-gnu/include"], "unistd_32.h"),
    (Arch::X32, &["/usr/include/x86_64-linux-gnu", "/usr/x86_64-linux-gnu/include"], "unistd_x32.h"),
    (Arch::Aarch64, &["/usr/include/aarch64-linux-gnu", "/usr/aarch64-linux-gnu/include"], "unistd.h"),
    (Arch::Arm, &["/usr/include/arm-linux-gnueabihf", "/usr/arm-linux-gnueabihf/include"], "unistd.h"),
];

/// `#define __NR_NAME NUMBER` as the C preprocessor makes it of a header.
fn header(directory: &Path, file: &str) -> BTreeMap<String, u32> {
    let output = std::process::Command::new("cc")
        .args(["-E", "-dM", "-nostdinc", "-D__BITS_PER_LONG=64", "-D__ARM_EABI__", "-I"])
        .arg(directory)
        .arg(directory.join("asm").join(file))
        .output()
        .expect("cc runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let define = |line: &str| {
        let (name, value) = line.strip_prefix("#define __NR_")?.split_once(' ')?;
        let value = value.trim_matches(['(', ')']).replace("__X32_SYSCALL_BIT", "0x40000000");
        let value = value.split('+').map(str::trim).map(|part| match part.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => part.parse().ok(),
        });
        Some((name.to_owned(), value.sum::<Option<u32>>()?))
    };
    text.lines().filter_map(define).collect()
}

#[test]
fn numbers_are_those_of_the_kernels_headers() {
    for (arch, directories, file) in HEADERS {
        let here = directories.iter().map(Path::new).find(|directory| directory.join("asm").join(file).exists());
        let Some(directory) = here else {
            eprintln!("SKIPPED: no asm/{file} for {arch:?} (Debian: linux-libc-dev, linux-libc-dev-arm64-cross, …)");
            continue;
        };
        let defined = header(directory, file);
        assert!(defined.len() > 250, "{arch:?} has {} calls", defined.len());
        for (name, value) in defined {
            // Names of the headers that are no calls: how many there are, and where ranges start.
            if !name.ends_with("_BASE")
                && !["syscalls", "arch_specific_syscall", "SYSCALL_MASK"].contains(&name.as_str())
            {
                assert_eq!(number(&name, arch), Some(value), "{name} of {arch:?}");
            }
        }
    }
}

#[test]
fn numbers_are_those_of_libseccomp() {
    let Some(mut libseccomp) = Libseccomp::start("tables") else { return };
    let text = include_str!("../src/table.rs");
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("(\"")?.split('"').next());
    let (mut known, mut unknown) = (0, Vec::new());
    for name in names {
        for arch in [Arch::X86_64, Arch::X86, Arch::X32, Arch::Aarch64, Arch::Arm] {
            match libseccomp.resolve(arch, name) {
                // Calls that x86 multiplexes have pseudo numbers there, besides those of their own.
                Some(theirs) if arch == Arch::X86 && (-224..=-100).contains(&theirs) => known += 1,
                // x32 has it since Linux 6.10, libseccomp since 2.6.
                Some(..0) if arch == Arch::X32 && name == "map_shadow_stack" => {}
                Some(theirs) => {
                    assert_eq!(number(name, arch), u32::try_from(theirs).ok(), "{name} of {arch:?}");
                    known += 1;
                }
                None => unknown.push(name),
            }
        }
    }
    unknown.dedup();
    eprintln!("{known} numbers are equal; libseccomp does not know {unknown:?}");
    assert!(known > 2000);
}
