//! A profile, any, has a program that the kernel would take and that does what the profile says, or a reason for none.
#![no_main]
use libfuzzer_sys::fuzz_target;
use seccomp::reference::{Call, evaluate, is_valid, run};
use seccomp::{Action, Arch, Comparison, Error, Machine, Op, Profile, Rule, compile, number};

const NAMES: [&str; 24] = [
    "read",
    "write",
    "open",
    "close",
    "stat",
    "socket",
    "accept",
    "recv",
    "socketcall",
    "ipc",
    "semop",
    "shmat",
    "chown32",
    "personality",
    "clone",
    "arch_prctl",
    "set_tls",
    "breakpoint",
    "ioctl",
    "execve",
    "bpf",
    "openat2",
    "file_setattr",
    "unknown",
];
const ARCHES: [Arch; 6] = [Arch::X86_64, Arch::X86, Arch::X32, Arch::Aarch64, Arch::Arm, Arch::Other];
const OPS: [Op; 7] =
    [Op::NotEqual, Op::Less, Op::LessOrEqual, Op::Equal, Op::GreaterOrEqual, Op::Greater, Op::MaskedEqual];

/// Bytes, then zeros.
struct Source<'d>(&'d [u8]);

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn word(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.byte()) % of.len()]
    }

    /// Small, large or any.
    fn value(&mut self) -> u64 {
        match self.byte() % 4 {
            0 => u64::from(self.byte()),
            1 => u64::from(self.byte()) << 32 | u64::from(self.byte()),
            2 => !u64::from(self.byte()),
            _ => u64::from(self.word()) << 48 | u64::from(self.word()) << 24 | u64::from(self.word()),
        }
    }

    fn action(&mut self) -> Action {
        match self.byte() % 8 {
            0 => Action::KillProcess,
            1 => Action::KillThread,
            2 => Action::Trap,
            3 => Action::Errno(self.word()),
            4 => Action::Trace(self.word()),
            5 => Action::Notify,
            6 => Action::Log,
            _ => Action::Allow,
        }
    }

    fn rule(&mut self) -> Rule<'static> {
        let names = (0..self.byte() % 8).map(|_| self.one(&NAMES)).collect();
        let action = self.action();
        let args = (0..self.byte().saturating_sub(128) % 8).map(|_| Comparison {
            index: self.byte() % 7,
            op: self.one(&OPS),
            value: self.value(),
            value_two: self.value(),
        });
        Rule { names, action, args: args.collect() }
    }
}

fuzz_target!(|data: &[u8]| {
    let mut source = Source(data);
    let machine = source.one(&[Machine::X86_64, Machine::Aarch64]);
    let arches = source.byte();
    let mut profile = Profile {
        default_action: source.action(),
        architectures: (0..6).filter(|bit| arches >> bit & 1 != 0).map(|bit| ARCHES[bit]).collect(),
        rules: Vec::new(),
        newer_calls_are_unknown: arches >> 6 & 1 != 0,
    };
    // What is left when the rules are read are the calls.
    for _ in 0..source.byte() {
        profile.rules.push(source.rule());
    }
    let wrong_index = profile.rules.iter().flat_map(|rule| &rule.args).any(|arg| arg.index > 5);
    let program = match compile(&profile, machine) {
        Ok(program) => program,
        Err(Error::Index(6)) if wrong_index => return,
        Err(Error::TooLong) if profile.rules.len() > 20 => return,
        Err(error) => panic!("{error} for {profile:?}"),
    };
    assert!(!wrong_index && is_valid(program.instructions()));
    let tokens = [0xc000_003e, 0x4000_0003, 0xc000_00b7, 0x4000_0028, 0];
    let values: Vec<u64> =
        profile.rules.iter().flat_map(|rule| &rule.args).flat_map(|arg| [arg.value, arg.value_two]).collect();
    for at in 0..64 {
        let token = source.one(&tokens);
        let named = number(source.one(&NAMES), source.one(&ARCHES));
        let number = named.unwrap_or_default().wrapping_add(u32::from(source.one(&[0u8, 0, 0, 1, 255])) << (at % 25));
        let arguments = [0; 6].map(|_: u64| match source.byte() {
            byte @ 0..64 => u64::from(byte % 26),
            64..192 if !values.is_empty() => {
                source.one(&values).wrapping_add(u64::from(source.byte() % 3)).wrapping_sub(1)
            }
            _ => source.value(),
        });
        let call = Call { token, number, arguments };
        let (result, _) = run(program.instructions(), &call).expect("it returns");
        assert_eq!(result, evaluate(&profile, machine, &call), "{call:x?}\n{profile:x?}");
    }
});
