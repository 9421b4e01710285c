//! From the name of a system call to its numbers: a hash table that is made at compile time.
//!
//! A profile has four hundred names, so this is half of the compiler's work. Text and numbers are in plain arrays: a
//! table of `&str` would be relocated, page by page, when a position-independent program starts.

use crate::Arch;
use crate::table::{ROWS, X};

/// Numbers from here on are private calls of ARM, `0xf0001` and so on.
pub(crate) const PRIVATE: u32 = 0xf_0000;
/// Ordinary numbers are below.
pub(crate) const ORDINARY: u32 = 1024;
/// In the short table, private calls have this in front; [`NONE`] is none of them.
const SHORT_PRIVATE: u16 = 0xf000;
const NONE: u16 = u16::MAX;

const SLOTS: usize = 1024;
#[allow(clippy::indexing_slicing)]
const TEXT_LENGTH: usize = {
    let mut length = 0;
    let mut row = 0;
    while row < ROWS.len() {
        length += ROWS[row].0.len();
        row += 1;
    }
    length
};

struct Table {
    /// All names, one after the other.
    text: [u8; TEXT_LENGTH],
    /// Where a row's name starts; the next row's start is its end.
    starts: [u16; ROWS.len() + 1],
    numbers: [[u16; 5]; ROWS.len()],
    /// What [`crate::abi::MULTIPLEXED`] has for a row, or 0.
    multiplexed: [u8; ROWS.len()],
    /// Rows by their hash; the next free slot if that is taken.
    slots: [u16; SLOTS],
}

static TABLE: Table = table();

// Evaluated by the compiler: a wrong index or a number that does not fit is an error of the build.
#[allow(clippy::indexing_slicing, clippy::panic)]
const fn table() -> Table {
    let mut table = Table {
        text: [0; TEXT_LENGTH],
        starts: [0; ROWS.len() + 1],
        numbers: [[NONE; 5]; ROWS.len()],
        multiplexed: [0; ROWS.len()],
        slots: [NONE; SLOTS],
    };
    let mut at = 0;
    let mut row = 0;
    while row < ROWS.len() {
        let name = ROWS[row].0.as_bytes();
        let mut byte = 0;
        while byte < name.len() {
            table.text[at] = name[byte];
            at += 1;
            byte += 1;
        }
        table.starts[row + 1] = at as u16;
        let mut column = 0;
        while column < 5 {
            table.numbers[row][column] = match ROWS[row].1[column] {
                X => NONE,
                number if number < ORDINARY => number as u16,
                number if number >= PRIVATE && number < PRIVATE + 16 => SHORT_PRIVATE | (number - PRIVATE) as u16,
                _ => panic!("a number has no place in the short table"),
            };
            column += 1;
        }
        let mut slot = hash(name);
        while table.slots[slot] != NONE {
            slot = (slot + 1) % SLOTS;
        }
        table.slots[slot] = row as u16;
        let mut entry = 0;
        while entry < crate::abi::MULTIPLEXED.len() {
            let (other, value) = crate::abi::MULTIPLEXED[entry];
            if equal(name, other.as_bytes()) {
                table.multiplexed[row] = value;
            }
            entry += 1;
        }
        row += 1;
    }
    table
}

#[allow(clippy::indexing_slicing)]
const fn equal(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// FNV-1a, folded.
#[allow(clippy::indexing_slicing)]
const fn hash(name: &[u8]) -> usize {
    let mut hash = 0x811c_9dc5_u32;
    let mut at = 0;
    while at < name.len() {
        hash = (hash ^ name[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    (hash ^ hash >> 15) as usize % SLOTS
}

/// A row of the table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row(u16);

impl Row {
    pub(crate) fn of(name: &str) -> Option<Self> {
        let name = name.as_bytes();
        // No call's name is longer; what is need not be hashed.
        if name.len() > 64 {
            return None;
        }
        let mut slot = hash(name);
        loop {
            let row = *TABLE.slots.get(slot)?;
            let at = usize::from(row);
            let (start, end) = (*TABLE.starts.get(at)?, *TABLE.starts.get(at + 1)?);
            if TABLE.text.get(usize::from(start)..usize::from(end)) == Some(name) {
                return Some(Self(row));
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    /// The number, without x32's bit 30.
    pub(crate) fn number(self, arch: Arch) -> Option<u32> {
        let column = match arch {
            Arch::X86_64 => 0,
            Arch::X86 => 1,
            Arch::X32 => 2,
            Arch::Aarch64 => 3,
            Arch::Arm => 4,
            Arch::Other => return None,
        };
        match *TABLE.numbers.get(usize::from(self.0))?.get(column)? {
            NONE => None,
            short if short >= SHORT_PRIVATE => Some(PRIVATE + u32::from(short - SHORT_PRIVATE)),
            short => Some(u32::from(short)),
        }
    }

    /// How a multiplexed call names it, if one does: see [`crate::abi::MULTIPLEXED`].
    pub(crate) fn multiplexed(self) -> Option<u8> {
        TABLE.multiplexed.get(usize::from(self.0)).copied().filter(|value| *value != 0)
    }
}

/// The number of a system call, as a filter sees it (x32's have bit 30), if the architecture has it. As of Linux 7.1.
#[must_use]
pub fn number(name: &str, arch: Arch) -> Option<u32> {
    let number = Row::of(name)?.number(arch)?;
    Some(if arch == Arch::X32 { number | crate::abi::X32_BIT } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found() {
        for (name, numbers) in ROWS {
            let row = Row::of(name).unwrap();
            let found = [Arch::X86_64, Arch::X86, Arch::X32, Arch::Aarch64, Arch::Arm].map(|arch| row.number(arch));
            assert_eq!(found, numbers.map(|number| (number != X).then_some(number)), "{name}");
        }
        assert!(ROWS.is_sorted_by(|left, right| left.0 < right.0));
    }

    #[test]
    fn other_names_are_not_found() {
        for name in ["", "opena", "Open", "o", &"x".repeat(1000), "open\0"] {
            assert!(Row::of(name).is_none(), "{name}");
        }
        assert_eq!(number("read", Arch::X32), Some(0x4000_0000));
        assert_eq!(number("file_getattr", Arch::Aarch64), Some(468));
        assert_eq!(number("set_tls", Arch::Arm), Some(0xf0005));
    }
}
