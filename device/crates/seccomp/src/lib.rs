//! `linux.seccomp` of the OCI runtime specification (1.3), compiled to the classic BPF program that the kernel takes.
//!
//! A [`Profile`] comes in, as data with the names of system calls still as text; a [`Program`] goes out, or the reason why
//! there is none. What a profile means is what runc and crun make of it with libseccomp; [`reference`] says it plainly, and
//! the tests hold both this compiler and libseccomp to it.
//!
//! The kernel checks, translates and emulates a filter each time it is installed, so a short program counts as much as a
//! quick compiler: calls with the same outcome are ranges, ranges are searched by a balanced tree, arguments are looked
//! at for those calls only that have conditions, and the ends are shared.

#![cfg_attr(not(test), no_std)]

extern crate alloc;

mod abi;
mod assemble;
mod condition;
mod lookup;
mod names;
mod ranges;
pub mod reference;
mod search;
mod table;

use alloc::vec::Vec;
use core::fmt;

pub use kernel::security::Instruction;
pub use lookup::number;
pub use names::{ACTIONS, ARCHITECTURES, FLAGS, NameError, OPERATORS, flag};

/// A seccomp profile, as config.json has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile<'a> {
    /// For calls that no rule matches.
    pub default_action: Action,
    /// Ways into the kernel that are filtered besides the machine's own; all others end the thread. Those that the
    /// machine does not have are skipped.
    pub architectures: Vec<Arch>,
    /// In the order of the file.
    pub rules: Vec<Rule<'a>>,
    /// What runc does and the specification does not say: calls above the highest number that the profile names, by an
    /// architecture, fail with `ENOSYS`, for programs try a new call and fall back to an old one on that error only. It
    /// has no effect if the default action lets calls pass (allow, log, trace).
    pub newer_calls_are_unknown: bool,
}

/// Calls and what is to happen with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule<'a> {
    /// Names of system calls; unknown ones are skipped.
    pub names: Vec<&'a str>,
    /// What happens. A rule whose action is the default one says nothing, and is skipped.
    pub action: Action,
    /// Conditions, all of which must hold; but if two are about the same argument, any one of them is enough.
    pub args: Vec<Comparison>,
}

/// What the kernel does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Ends the process.
    KillProcess,
    /// Ends the thread.
    KillThread,
    /// Sends `SIGSYS`.
    Trap,
    /// The call fails with this number. The kernel takes those above 4095 for 4095.
    Errno(u16),
    /// A tracer hears of it, with this number.
    Trace(u16),
    /// The listener hears of it.
    Notify,
    /// Happens and is logged.
    Log,
    /// Happens.
    Allow,
}

/// A condition on an argument of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    /// Which argument, 0 to 5.
    pub index: u8,
    /// How it is compared.
    pub op: Op,
    /// With what; for [`Op::MaskedEqual`] the mask.
    pub value: u64,
    /// For [`Op::MaskedEqual`], what remains under the mask.
    pub value_two: u64,
}

/// How an argument is compared, without a sign. Of architectures with 32 bits, the lower half of both is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// `SCMP_CMP_NE`
    NotEqual,
    /// `SCMP_CMP_LT`
    Less,
    /// `SCMP_CMP_LE`
    LessOrEqual,
    /// `SCMP_CMP_EQ`
    Equal,
    /// `SCMP_CMP_GE`
    GreaterOrEqual,
    /// `SCMP_CMP_GT`
    Greater,
    /// `SCMP_CMP_MASKED_EQ`
    MaskedEqual,
}

/// A way into the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arch {
    /// x86 with 64 bits.
    X86_64,
    /// x86 with 32 bits.
    X86,
    /// x86 with 64 bits and short pointers.
    X32,
    /// ARM with 64 bits.
    Aarch64,
    /// ARM with 32 bits.
    Arm,
    /// One that no machine here has.
    Other,
}

/// What the kernel runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Machine {
    /// With the calls of [`Arch::X86_64`], [`Arch::X86`] and [`Arch::X32`].
    X86_64,
    /// With the calls of [`Arch::Aarch64`] and [`Arch::Arm`].
    Aarch64,
}

impl Machine {
    /// The machine that this was compiled for, if it is one of those.
    pub const HERE: Option<Self> = if cfg!(target_arch = "x86_64") {
        Some(Self::X86_64)
    } else if cfg!(target_arch = "aarch64") {
        Some(Self::Aarch64)
    } else {
        None
    };
}

/// The instructions of a filter, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program(Vec<Instruction>);

impl Program {
    /// As the kernel wants them (`struct sock_filter`); at most [`MAX_INSTRUCTIONS`].
    #[must_use]
    pub fn instructions(&self) -> &[Instruction] {
        &self.0
    }

    /// As above, to be kept.
    #[must_use]
    pub fn into_instructions(self) -> Vec<Instruction> {
        self.0
    }
}

/// The longest filter that the kernel takes (`BPF_MAXINSNS`).
pub const MAX_INSTRUCTIONS: usize = 4096;

/// Why a profile has no program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// A condition is about an argument that calls do not have.
    Index(u8),
    /// More instructions than the kernel takes, or conditions that could not be fewer.
    TooLong,
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(out, "seccomp: a condition has the index {index}, which is not from 0 to 5"),
            Self::TooLong => {
                write!(out, "seccomp: the filter of this profile has more than {MAX_INSTRUCTIONS} instructions")
            }
        }
    }
}

impl core::error::Error for Error {}

/// Compiles a profile for a kernel.
pub fn compile(profile: &Profile<'_>, machine: Machine) -> Result<Program, Error> {
    let named = ranges::Named::of(profile)?;
    let abis = abi::filtered(profile, machine);
    // The assembler works from the end, and the native architecture is to be found first.
    let mut program = assemble::Assembler::new();
    let mut tokens = Vec::with_capacity(2);
    let (native, others) = abi::by_token(&abis);
    for group in others.chain([native]) {
        let ranges = named.ranges(group)?;
        tokens.push((group.first().map_or(0, |abi| abi.token), ranges));
    }
    search::architectures(&mut program, &tokens);
    program.finish().map(Program).ok_or(Error::TooLong)
}
