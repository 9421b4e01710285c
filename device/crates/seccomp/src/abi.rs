//! Which ways into a kernel a program filters, and what is special about each.

use crate::{Arch, Machine, Profile};
use alloc::vec::Vec;

/// Set in the numbers of x32's calls, whose architecture is that of x86_64.
pub(crate) const X32_BIT: u32 = 1 << 30;

/// A way into the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Abi {
    pub(crate) arch: Arch,
    /// What filters see: `AUDIT_ARCH_…` of `linux/audit.h`.
    pub(crate) token: u32,
    /// Added to the numbers of the table.
    pub(crate) base: u32,
    /// Arguments have 32 bits.
    pub(crate) narrow: bool,
}

impl Abi {
    const fn of(arch: Arch) -> Self {
        let (token, base, narrow) = match arch {
            Arch::X86_64 => (0xc000_003e, 0, false),
            Arch::X32 => (0xc000_003e, X32_BIT, true),
            Arch::X86 => (0x4000_0003, 0, true),
            Arch::Arm => (0x4000_0028, 0, true),
            Arch::Aarch64 | Arch::Other => (0xc000_00b7, 0, false),
        };
        Self { arch, token, base, narrow }
    }

    /// The multiplexing call that does the same as the call with this [`MULTIPLEXED`] value, and its first argument.
    pub(crate) fn multiplexer(&self, value: u8) -> Option<(u32, u64)> {
        (self.arch == Arch::X86).then(|| match value.checked_sub(IPC) {
            Some(which) => (117, u64::from(which)),
            None => (102, u64::from(value)),
        })
    }
}

/// Set in values of [`MULTIPLEXED`] for `ipc`; the others are for `socketcall`.
const IPC: u8 = 0x80;

/// Calls that x86 also has as one call with a number in its first argument, `socketcall` (`linux/net.h`) and `ipc`
/// (`linux/ipc.h`). A rule for one of them is a rule for that as well, as with libseccomp: the conditions on the first
/// argument give way to the number, those on the others stay.
pub(crate) const MULTIPLEXED: [(&str, u8); 32] = [
    ("socket", 1),
    ("bind", 2),
    ("connect", 3),
    ("listen", 4),
    ("accept", 5),
    ("getsockname", 6),
    ("getpeername", 7),
    ("socketpair", 8),
    ("send", 9),
    ("recv", 10),
    ("sendto", 11),
    ("recvfrom", 12),
    ("shutdown", 13),
    ("setsockopt", 14),
    ("getsockopt", 15),
    ("sendmsg", 16),
    ("recvmsg", 17),
    ("accept4", 18),
    ("recvmmsg", 19),
    ("sendmmsg", 20),
    ("semop", IPC | 1),
    ("semget", IPC | 2),
    ("semctl", IPC | 3),
    ("semtimedop", IPC | 4),
    ("msgsnd", IPC | 11),
    ("msgrcv", IPC | 12),
    ("msgget", IPC | 13),
    ("msgctl", IPC | 14),
    ("shmat", IPC | 21),
    ("shmdt", IPC | 22),
    ("shmget", IPC | 23),
    ("shmctl", IPC | 24),
];

/// The machine's own and, of those that the profile lists, what else its kernel has. Those of one token stand together.
pub(crate) fn filtered(profile: &Profile<'_>, machine: Machine) -> Vec<Abi> {
    let (native, others): (Arch, &[Arch]) = match machine {
        Machine::X86_64 => (Arch::X86_64, &[Arch::X32, Arch::X86]),
        Machine::Aarch64 => (Arch::Aarch64, &[Arch::Arm]),
    };
    let mut all = Vec::with_capacity(3);
    all.push(Abi::of(native));
    all.extend(others.iter().filter(|arch| profile.architectures.contains(arch)).map(|arch| Abi::of(*arch)));
    all
}

/// Those of the native token, and groups of the other tokens.
pub(crate) fn by_token(abis: &[Abi]) -> (&[Abi], impl Iterator<Item = &[Abi]>) {
    let mut groups = abis.chunk_by(|left, right| left.token == right.token);
    (groups.next().unwrap_or_default(), groups)
}
