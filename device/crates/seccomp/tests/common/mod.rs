//! What the tests share: random profiles, the calls that are worth a look, the stock profile.
#![allow(dead_code, unreachable_pub, clippy::expect_used)]

pub mod libseccomp;

use json::Value;
use seccomp::reference::Call;
use seccomp::{Action, Arch, Comparison, Machine, Op, Profile, Rule, number};

/// Tokens of a machine's calls, and one of neither machine (s390x).
pub const X86_64: u32 = 0xc000_003e;
pub const X86: u32 = 0x4000_0003;
pub const AARCH64: u32 = 0xc000_00b7;
pub const ARM: u32 = 0x4000_0028;
pub const FOREIGN: u32 = 0x8000_0016;

/// Random numbers (xorshift64*), the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit
    }

    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Calls of all kinds: neighbours, multiplexed, of one architecture only, private, old and new, and no call at all.
pub const NAMES: [&str; 48] = [
    "read",
    "write",
    "open",
    "close",
    "stat",
    "fstat",
    "lstat",
    "poll",
    "lseek",
    "mmap",
    "socket",
    "connect",
    "accept",
    "accept4",
    "send",
    "recv",
    "sendto",
    "recvmmsg",
    "socketcall",
    "ipc",
    "semop",
    "semtimedop",
    "msgget",
    "shmat",
    "shmctl",
    "chown32",
    "fcntl64",
    "_llseek",
    "personality",
    "clone",
    "clone3",
    "arch_prctl",
    "modify_ldt",
    "set_tls",
    "breakpoint",
    "arm_fadvise64_64",
    "rt_sigaction",
    "ioctl",
    "readv",
    "execve",
    "execveat",
    "bpf",
    "ptrace",
    "mount",
    "umount2",
    "close_range",
    "openat2",
    "no_such_call",
];

pub const ACTIONS: [Action; 10] = [
    Action::Allow,
    Action::Errno(1),
    Action::Errno(38),
    Action::Errno(0),
    Action::KillThread,
    Action::KillProcess,
    Action::Trap,
    Action::Trace(1),
    Action::Log,
    Action::Notify,
];

const OPS: [Op; 7] =
    [Op::NotEqual, Op::Less, Op::LessOrEqual, Op::Equal, Op::GreaterOrEqual, Op::Greater, Op::MaskedEqual];

/// Values with edges in both halves.
pub const VALUES: [u64; 14] = [
    0,
    1,
    2,
    9,
    16,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x1_0000_0001,
    0x2_0000_0009,
    0x7e02_0000,
    u64::MAX - 1,
    u64::MAX,
];

/// How the rules of a random profile go together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rules {
    /// Those with conditions have one action a call.
    Agree,
    /// Any action, so that conditions of different actions overlap.
    Disagree,
}

pub fn random_profile(random: &mut Random, rules: Rules) -> Profile<'static> {
    let default_action = random.one(&ACTIONS[..9]);
    let listed = [Arch::X86_64, Arch::X86, Arch::X32, Arch::Aarch64, Arch::Arm, Arch::Other];
    let architectures = listed.into_iter().filter(|_| random.below(3) > 0).collect();
    let mut actions = NAMES.map(|_| random.one(&ACTIONS));
    let count = random.below(30);
    let rules = (0..count)
        .map(|_| {
            let conditional = random.below(2) == 0;
            let size = if conditional { 1 } else { 1 + random.below(6) };
            let chosen: Vec<usize> = (0..size).map(|_| random.below(NAMES.len())).collect();
            if rules == Rules::Disagree || !conditional {
                actions[chosen[0]] = random.one(&ACTIONS);
            }
            // Multiplexed calls are one call on x86, so they agree with each other.
            let first = if rules == Rules::Agree && conditional { chosen[0] } else { usize::MAX };
            let action = match first {
                10..=24 => actions[10],
                usize::MAX => actions[chosen[0]],
                first => actions[first],
            };
            let args =
                if conditional { (0..1 + random.below(3)).map(|_| comparison(random)).collect() } else { vec![] };
            Rule { names: chosen.into_iter().map(|name| NAMES[name]).collect(), action, args }
        })
        .collect();
    Profile { default_action, architectures, rules, newer_calls_are_unknown: false }
}

fn comparison(random: &mut Random) -> Comparison {
    Comparison {
        index: random.below(4) as u8,
        op: random.one(&OPS),
        value: random.one(&VALUES),
        value_two: random.one(&VALUES),
    }
}

/// Calls of a machine that a profile may treat in a way of their own: all numbers that it names and their neighbours,
/// edges of the ranges, each with random arguments at the edges of its values.
pub fn calls(random: &mut Random, profile: &Profile<'_>, machine: Machine, rounds: usize) -> Vec<Call> {
    let arches = [Arch::X86_64, Arch::X86, Arch::X32, Arch::Aarch64, Arch::Arm];
    let names = profile.rules.iter().flat_map(|rule| &rule.names);
    let mut numbers: Vec<u32> = names
        .flat_map(|name| arches.into_iter().filter_map(|arch| number(name, arch)))
        .flat_map(|number| [number.saturating_sub(1), number, number + 1, number ^ 1 << 30])
        .chain([0, 102, 117, 600, 1023, 1024, 1 << 30, (1 << 30) - 1, u32::MAX - 1, u32::MAX, 0xf0000, 0xf0010])
        .chain((0..20).map(|_| random.below(600) as u32))
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut values: Vec<u64> = VALUES.to_vec();
    for arg in profile.rules.iter().flat_map(|rule| &rule.args) {
        values.extend([arg.value, arg.value.wrapping_add(1), arg.value.wrapping_sub(1), arg.value_two]);
        values.extend([arg.value & arg.value_two, arg.value ^ 1 << 32, arg.value_two | !arg.value]);
    }
    let tokens = match machine {
        Machine::X86_64 => [X86_64, X86, FOREIGN],
        Machine::Aarch64 => [AARCH64, ARM, FOREIGN],
    };
    let mut calls = Vec::new();
    for number in numbers {
        for token in tokens {
            for _ in 0..rounds {
                // Small first arguments are what the multiplexing calls look at.
                let first = if random.below(2) == 0 { random.below(25) as u64 } else { random.one(&values) };
                let mut arguments = [0; 6].map(|_: u64| random.one(&values));
                arguments[0] = first;
                calls.push(Call { token, number, arguments });
            }
        }
    }
    calls
}

/// The profile that podman gives to a container with its default capabilities, from the file that its package installs.
/// Nothing, with a word on it, if that is not there.
pub fn stock(text: &str) -> Profile<'_> {
    let document = Box::leak(Box::new(json::parse(text.as_bytes()).expect("JSON")));
    let capabilities =
        "CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT";
    let has = |name: &str| capabilities.split(' ').any(|capability| name.strip_prefix("CAP_") == Some(capability));
    let list = |value: Option<&'static Value>| value.and_then(Value::as_array).unwrap_or_default().iter();
    let texts = move |value| list(value).filter_map(Value::as_str);
    let errno = |object: &Value, key| object.get(key).and_then(Value::as_whole).map(|number| number as u32);
    let document: &'static Value = document;
    let default = document.get("defaultAction").and_then(Value::as_str).expect("a default action");
    let rules = list(document.get("syscalls")).filter_map(|rule| {
        let of = |side: &str, what| rule.get(side).and_then(|side| side.get(what));
        let mut arches = texts(of("includes", "arches")).peekable();
        if arches.peek().is_some() && !arches.any(|arch| arch == "amd64")
            || !texts(of("includes", "caps")).all(has)
            || texts(of("excludes", "caps")).any(has)
            || texts(of("excludes", "arches")).any(|arch| arch == "amd64")
        {
            return None;
        }
        let action = rule.get("action").and_then(Value::as_str)?;
        let args = list(rule.get("args")).map(|arg| Comparison {
            index: arg.get("index").and_then(Value::as_whole).expect("an index") as u8,
            op: Op::parse(arg.get("op").and_then(Value::as_str).expect("an operator")).expect("a known operator"),
            value: arg.get("value").and_then(Value::as_whole).expect("a value"),
            value_two: arg.get("valueTwo").and_then(Value::as_whole).unwrap_or(0),
        });
        Some(Rule {
            names: texts(rule.get("names")).collect(),
            action: Action::parse(action, errno(rule, "errnoRet")).expect("a known action"),
            args: args.collect(),
        })
    });
    Profile {
        default_action: Action::parse(default, errno(document, "defaultErrnoRet")).expect("a known action"),
        architectures: vec![Arch::X86_64, Arch::X86, Arch::X32],
        rules: rules.collect(),
        newer_calls_are_unknown: false,
    }
}

/// The text of the stock profile, if the machine has it.
pub fn stock_text() -> Option<String> {
    let path = "/usr/share/containers/seccomp.json";
    let text = std::fs::read_to_string(path).ok();
    if text.is_none() {
        eprintln!("SKIPPED: there is no {path} (Debian: golang-github-containers-common)");
    }
    text
}
