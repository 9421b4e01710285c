//! The names that config.json has for actions, architectures, operators and flags: text in, values of this crate out.

use crate::{Action, Arch, Op};
use core::fmt;

/// Why a name is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameError {
    /// There is no such name.
    Unknown,
    /// The action returns no number, yet one is given.
    NoErrno,
    /// The number does not fit into the 16 bits that the kernel has for it.
    Errno(u32),
}

impl fmt::Display for NameError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => out.write_str("is not known"),
            Self::NoErrno => out.write_str("returns no errno, yet one is given"),
            Self::Errno(number) => write!(out, "cannot return the errno {number}, which is above 65535"),
        }
    }
}

impl core::error::Error for NameError {}

/// `EPERM`, what the specification has for a missing number.
const PERMISSION_DENIED: u32 = 1;
/// `ENOSYS`.
const NO_SUCH_CALL: u16 = 38;

impl Action {
    /// What calls get that a profile is too old to know.
    pub(crate) const UNKNOWN_CALL: Self = Self::Errno(NO_SUCH_CALL);

    /// Reads `SCMP_ACT_…` with the `errnoRet` that stands beside it.
    pub fn parse(name: &str, errno: Option<u32>) -> Result<Self, NameError> {
        let number = || {
            let number = errno.unwrap_or(PERMISSION_DENIED);
            u16::try_from(number).map_err(|_| NameError::Errno(number))
        };
        let action = match name {
            "SCMP_ACT_ERRNO" => return number().map(Self::Errno),
            "SCMP_ACT_TRACE" => return number().map(Self::Trace),
            "SCMP_ACT_KILL_PROCESS" => Self::KillProcess,
            "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => Self::KillThread,
            "SCMP_ACT_TRAP" => Self::Trap,
            "SCMP_ACT_NOTIFY" => Self::Notify,
            "SCMP_ACT_LOG" => Self::Log,
            "SCMP_ACT_ALLOW" => Self::Allow,
            _ => return Err(NameError::Unknown),
        };
        if errno.is_some() { Err(NameError::NoErrno) } else { Ok(action) }
    }

    /// What a filter returns for it: `SECCOMP_RET_…` of `linux/seccomp.h`.
    #[must_use]
    pub const fn value(self) -> u32 {
        match self {
            Self::KillProcess => 0x8000_0000,
            Self::KillThread => 0,
            Self::Trap => 0x0003_0000,
            Self::Errno(number) => 0x0005_0000 | number as u32,
            Self::Trace(number) => 0x7ff0_0000 | number as u32,
            Self::Notify => 0x7fc0_0000,
            Self::Log => 0x7ffc_0000,
            Self::Allow => 0x7fff_0000,
        }
    }
}

impl Op {
    /// Reads `SCMP_CMP_…`.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        Ok(match name {
            "SCMP_CMP_NE" => Self::NotEqual,
            "SCMP_CMP_LT" => Self::Less,
            "SCMP_CMP_LE" => Self::LessOrEqual,
            "SCMP_CMP_EQ" => Self::Equal,
            "SCMP_CMP_GE" => Self::GreaterOrEqual,
            "SCMP_CMP_GT" => Self::Greater,
            "SCMP_CMP_MASKED_EQ" => Self::MaskedEqual,
            _ => return Err(NameError::Unknown),
        })
    }
}

/// Every action that [`Action::parse`] takes.
pub const ACTIONS: &[&str] = &[
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_TRAP",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_TRACE",
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_LOG",
    "SCMP_ACT_NOTIFY",
];

/// Every operator that [`Op::parse`] takes.
pub const OPERATORS: &[&str] =
    &["SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"];

/// The architectures that filters are made for.
pub const ARCHITECTURES: &[&str] =
    &["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"];

/// Every flag that [`flag`] takes.
pub const FLAGS: &[&str] = &[
    "SECCOMP_FILTER_FLAG_TSYNC",
    "SECCOMP_FILTER_FLAG_LOG",
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
];

/// Those of the specification that are of no machine here, after `SCMP_ARCH_`.
const OTHER_ARCHITECTURES: [&str; 18] = [
    "MIPS",
    "MIPS64",
    "MIPS64N32",
    "MIPSEL",
    "MIPSEL64",
    "MIPSEL64N32",
    "PPC",
    "PPC64",
    "PPC64LE",
    "S390",
    "S390X",
    "PARISC",
    "PARISC64",
    "RISCV64",
    "LOONGARCH64",
    "M68K",
    "SH",
    "SHEB",
];

impl Arch {
    /// Reads `SCMP_ARCH_…`.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        Ok(match name.strip_prefix("SCMP_ARCH_").ok_or(NameError::Unknown)? {
            "X86_64" => Self::X86_64,
            "X86" => Self::X86,
            "X32" => Self::X32,
            "AARCH64" => Self::Aarch64,
            "ARM" => Self::Arm,
            name if OTHER_ARCHITECTURES.contains(&name) => Self::Other,
            _ => return Err(NameError::Unknown),
        })
    }
}

/// Reads `SECCOMP_FILTER_FLAG_…` to the bit that seccomp(2) has for it, of those that the specification lists. runc and
/// crun set `SPEC_ALLOW` if config.json has no `flags` at all.
pub fn flag(name: &str) -> Result<u32, NameError> {
    Ok(match name.strip_prefix("SECCOMP_FILTER_FLAG_").ok_or(NameError::Unknown)? {
        "TSYNC" => 1,
        "LOG" => 1 << 1,
        "SPEC_ALLOW" => 1 << 2,
        "WAIT_KILLABLE_RECV" => 1 << 5,
        _ => return Err(NameError::Unknown),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_belongs_to_actions_that_return_one() {
        assert_eq!(Action::parse("SCMP_ACT_ERRNO", None), Ok(Action::Errno(1)));
        assert_eq!(Action::parse("SCMP_ACT_TRACE", Some(7)), Ok(Action::Trace(7)));
        assert_eq!(Action::parse("SCMP_ACT_ALLOW", Some(0)), Err(NameError::NoErrno));
        assert_eq!(Action::parse("SCMP_ACT_ERRNO", Some(65536)), Err(NameError::Errno(65536)));
        assert_eq!(Action::parse("ALLOW", None), Err(NameError::Unknown));
    }

    #[test]
    fn every_architecture_of_the_specification_is_known() {
        assert_eq!(Arch::parse("SCMP_ARCH_X32"), Ok(Arch::X32));
        assert_eq!(Arch::parse("SCMP_ARCH_SHEB"), Ok(Arch::Other));
        assert_eq!(Arch::parse("SCMP_ARCH_VAX"), Err(NameError::Unknown));
        assert_eq!(flag("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"), Ok(32));
        assert_eq!(flag("SECCOMP_FILTER_FLAG_NEW_LISTENER"), Err(NameError::Unknown));
    }
}
