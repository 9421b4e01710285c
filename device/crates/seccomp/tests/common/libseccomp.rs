//! libseccomp, as a child process of the test (`libseccomp.c`), compiled when the test runs.

use seccomp::{Arch, Instruction, Op, Profile};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub struct Libseccomp {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// What libseccomp makes of a profile.
pub struct Exported {
    /// Rules that it does not take, for they contradict another.
    pub refused: usize,
    pub code: Vec<Instruction>,
    pub nanoseconds: u64,
}

impl Libseccomp {
    /// Nothing, with a word on it, if the machine has no C compiler, no libseccomp, or is of another kind.
    pub fn start(name: &str) -> Option<Self> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/libseccomp.c");
        let program = option_env!("CARGO_TARGET_TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from).join(name);
        let compiled = Command::new("cc").arg("-O1").arg("-o").arg(&program).arg(source).arg("-lseccomp").output();
        if !compiled.is_ok_and(|output| output.status.success()) || cfg!(not(target_arch = "x86_64")) {
            eprintln!("SKIPPED: no cc with libseccomp (Debian: libseccomp-dev), or not an x86_64");
            return None;
        }
        let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let (input, output) = (child.stdin.take(), child.stdout.take().expect("a pipe"));
        Some(Self { child, input, output: BufReader::new(output) })
    }

    fn ask(&mut self, command: &[u8]) -> Vec<i64> {
        let input = self.input.as_mut().expect("a pipe");
        input.write_all(command).and_then(|()| input.flush()).expect("it listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it answers");
        line.split_whitespace().map(|word| word.parse().expect("a number")).collect()
    }

    /// The number of a call, negative for one that the architecture does not have itself; nothing for unknown names.
    pub fn resolve(&mut self, arch: Arch, name: &str) -> Option<i64> {
        let answer = self.ask(format!("resolve {} {name}\n", token(arch)).as_bytes());
        answer.first().copied().filter(|number| *number != -1)
    }

    pub fn export(&mut self, profile: &Profile<'_>, tree: bool) -> Exported {
        let mut text = format!("profile {} {}\n", profile.default_action.value(), u8::from(tree));
        for arch in profile.architectures.iter().filter(|arch| **arch != Arch::Other) {
            let _ = writeln!(text, "arch {}", token(*arch));
        }
        for rule in &profile.rules {
            for name in &rule.names {
                let _ = write!(text, "rule {} {name} {}", rule.action.value(), rule.args.len());
                for arg in &rule.args {
                    let _ = write!(text, " {} {} {} {}", arg.index, operator(arg.op), arg.value, arg.value_two);
                }
                text.push('\n');
            }
        }
        text.push_str("export\n");
        let answer = self.ask(text.as_bytes());
        let [refused, length, nanoseconds] = answer[..] else { panic!("it answered {answer:?}") };
        let mut bytes = vec![0; length as usize * 8];
        self.output.read_exact(&mut bytes).expect("instructions");
        let code = bytes.chunks_exact(8).map(|bytes| Instruction {
            code: u16::from_le_bytes([bytes[0], bytes[1]]),
            jt: bytes[2],
            jf: bytes[3],
            k: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
        });
        Exported { refused: refused as usize, code: code.collect(), nanoseconds: nanoseconds as u64 }
    }

    /// Nanoseconds that the kernel takes to install a filter, the fastest of some rounds; or its refusal.
    pub fn load(&mut self, code: &[Instruction], rounds: usize) -> Result<u64, i64> {
        let mut command = format!("load {} {rounds}\n", code.len()).into_bytes();
        for instruction in code {
            command.extend(instruction.code.to_le_bytes());
            command.extend([instruction.jt, instruction.jf]);
            command.extend(instruction.k.to_le_bytes());
        }
        let answer = self.ask(&command)[0];
        u64::try_from(answer).map_err(|_| answer)
    }
}

impl Drop for Libseccomp {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// `SCMP_ARCH_…` of seccomp.h, which is the token but for x32.
fn token(arch: Arch) -> u32 {
    match arch {
        Arch::X86_64 => super::X86_64,
        Arch::X32 => 0x4000_003e,
        Arch::X86 => super::X86,
        Arch::Aarch64 => super::AARCH64,
        Arch::Arm => super::ARM,
        Arch::Other => super::FOREIGN,
    }
}

/// `enum scmp_compare` of seccomp.h.
fn operator(op: Op) -> u32 {
    match op {
        Op::NotEqual => 1,
        Op::Less => 2,
        Op::LessOrEqual => 3,
        Op::Equal => 4,
        Op::GreaterOrEqual => 5,
        Op::Greater => 6,
        Op::MaskedEqual => 7,
    }
}
