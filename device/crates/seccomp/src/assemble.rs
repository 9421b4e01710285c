//! Writes a program from its end to its beginning, for classic BPF jumps forwards only: where a jump leads is always
//! written already. Targets come in as [`Label`]s, and a jump that is too far for its 8 bits gets a step in between.

use crate::MAX_INSTRUCTIONS;
use alloc::vec::Vec;
use kernel::security::Instruction;

/// Operations that filters here consist of.
pub(crate) mod op {
    /// Load a word of `struct seccomp_data`.
    pub(crate) const LOAD: u16 = 0x20;
    /// And.
    pub(crate) const AND: u16 = 0x54;
    /// Jump.
    pub(crate) const JUMP: u16 = 0x05;
    /// Branch if equal.
    pub(crate) const EQUAL: u16 = 0x15;
    /// Branch if greater, without a sign.
    pub(crate) const GREATER: u16 = 0x25;
    /// Branch if not less, without a sign.
    pub(crate) const NOT_LESS: u16 = 0x35;
    /// Branch if any of these bits is set.
    pub(crate) const ANY_BIT: u16 = 0x45;
    /// Return.
    pub(crate) const RETURN: u16 = 0x06;
}

/// An instruction that is written already, counted from the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Label(usize);

pub(crate) struct Assembler {
    /// The last instruction first.
    code: Vec<Instruction>,
    /// Where a value is returned, nearest to the beginning.
    returns: Vec<(u32, Label)>,
}

impl Assembler {
    pub(crate) fn new() -> Self {
        Self { code: Vec::with_capacity(512), returns: Vec::with_capacity(8) }
    }

    /// The program, unless it is too long or empty.
    pub(crate) fn finish(mut self) -> Option<Vec<Instruction>> {
        self.code.reverse();
        (1..=MAX_INSTRUCTIONS).contains(&self.code.len()).then_some(self.code)
    }

    fn push(&mut self, code: u16, jt: u8, jf: u8, k: u32) -> Label {
        self.code.push(Instruction { code, jt, jf, k });
        Label(self.code.len() - 1)
    }

    /// How many instructions lie between the next one to be written and a label.
    fn distance(&self, label: Label) -> usize {
        (self.code.len() - 1).saturating_sub(label.0)
    }

    /// Returns a value.
    pub(crate) fn result(&mut self, value: u32) -> Label {
        match self.returns.iter().find(|(other, _)| *other == value) {
            Some((_, label)) => *label,
            None => {
                let label = self.push(op::RETURN, 0, 0, value);
                self.returns.push((value, label));
                label
            }
        }
    }

    /// Does the same as what is at a label, from here: a return again, or a jump.
    fn nearer(&mut self, label: Label) -> Label {
        match self.code.get(label.0).copied() {
            Some(Instruction { code: op::RETURN, k, .. }) => {
                let copy = self.push(op::RETURN, 0, 0, k);
                if let Some(known) = self.returns.iter_mut().find(|(value, _)| *value == k) {
                    known.1 = copy;
                }
                copy
            }
            _ => self.push(op::JUMP, 0, 0, self.distance(label) as u32),
        }
    }

    /// Compares what is loaded with a constant. No instruction, if both ways lead to one place.
    pub(crate) fn branch(&mut self, code: u16, k: u32, mut yes: Label, mut no: Label) -> Label {
        if yes == no {
            return yes;
        }
        // Bringing one nearer takes the other one instruction away, so both are looked at again.
        loop {
            match (u8::try_from(self.distance(yes)), u8::try_from(self.distance(no))) {
                (Ok(jt), Ok(jf)) => return self.push(code, jt, jf, k),
                (_, Err(_)) => no = self.nearer(no),
                (Err(_), _) => yes = self.nearer(yes),
            }
        }
    }

    /// Loads a word, or changes it, and goes on at a label.
    pub(crate) fn then(&mut self, code: u16, k: u32, next: Label) -> Label {
        if self.distance(next) != 0 {
            self.nearer(next);
        }
        self.push(code, 0, 0, k)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_reaches_what_is_far() {
        let mut program = Assembler::new();
        let end = program.result(7);
        let far = program.then(op::LOAD, 4, end);
        let mut label = far;
        for _ in 0..300 {
            label = program.then(op::LOAD, 0, label);
        }
        program.branch(op::EQUAL, 1, far, end);
        let code = program.finish().unwrap();
        assert_eq!(code[0], Instruction { code: op::EQUAL, jt: 0, jf: 1, k: 1 });
        assert_eq!(code[1], Instruction { code: op::JUMP, jt: 0, jf: 0, k: 301 });
        assert_eq!(code[2], Instruction { code: op::RETURN, jt: 0, jf: 0, k: 7 });
    }
}
