//! The program that the kernel asks about devices in version 2, and putting it on a group.
//!
//! It goes through the rules from the last to the first. Bits of access that a rule allows are taken off what is asked for,
//! and nothing left means yes; a bit that a rule refuses means no. So a request for reading and writing may be allowed by
//! two rules, and every rule is over those before it.

use crate::devices::{ALL, Rule, Rules};
use crate::directory::Directory;
use crate::{Action, Error, Result};
use alloc::vec::Vec;
use kernel::bpf::{self, Instruction};
use kernel::{BorrowedFd, Errno};
use runtime_spec::DeviceRule;

// `linux/bpf.h`: operations. A constant operand is sign-extended, which no device number here comes to.
const LOAD_WORD: u8 = 0x61;
const MOVE: u8 = 0xb7;
const COPY: u8 = 0xbf;
const AND: u8 = 0x57;
const SHIFT_RIGHT: u8 = 0x77;
const JUMP_IF_EQUAL: u8 = 0x15;
const JUMP_IF_NOT_EQUAL: u8 = 0x55;
const EXIT: u8 = 0x95;

// Registers.
const RESULT: u8 = 0;
/// At the beginning, the address of `struct bpf_cgroup_dev_ctx`: access and type, major, minor.
const SCRATCH: u8 = 1;
const TYPE: u8 = 2;
const ACCESS: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;

const BLOCK: i32 = 1;
const CHARACTER: i32 = 2;

const fn instruction(code: u8, to: u8, from: u8, offset: i16, immediate: i32) -> Instruction {
    Instruction { code, registers: to | (from << 4), offset, immediate }
}

const fn constant(code: u8, register: u8, immediate: i32) -> Instruction {
    instruction(code, register, 0, 0, immediate)
}

/// The program for these rules.
pub(crate) fn program(rules: &Rules) -> Vec<Instruction> {
    let mut program = Vec::from([
        instruction(LOAD_WORD, TYPE, SCRATCH, 0, 0),
        instruction(LOAD_WORD, MAJOR, SCRATCH, 4, 0),
        instruction(LOAD_WORD, MINOR, SCRATCH, 8, 0),
        instruction(COPY, ACCESS, TYPE, 0, 0),
        constant(AND, TYPE, 0xffff),
        constant(SHIFT_RIGHT, ACCESS, 16),
    ]);
    for rule in rules.list.iter().rev() {
        program.extend(block(rule).into_iter().flatten());
    }
    program.extend(answer(rules.allow));
    program
}

fn answer(allow: bool) -> [Instruction; 2] {
    [constant(MOVE, RESULT, i32::from(allow)), constant(EXIT, 0, 0)]
}

/// The instructions of a rule; `None` for one about numbers that no device has.
fn block(rule: &Rule) -> Option<Vec<Instruction>> {
    let number = |number: Option<u32>| number.map(i32::try_from).transpose().ok();
    let (major, minor) = (number(rule.major)?, number(rule.minor)?);
    let access = i32::from(rule.access);
    let mut block = Vec::from([constant(JUMP_IF_NOT_EQUAL, TYPE, if rule.block { BLOCK } else { CHARACTER })]);
    block.extend(major.map(|major| constant(JUMP_IF_NOT_EQUAL, MAJOR, major)));
    block.extend(minor.map(|minor| constant(JUMP_IF_NOT_EQUAL, MINOR, minor)));
    if rule.access != ALL {
        if rule.allow {
            block.extend([constant(AND, ACCESS, !access), constant(JUMP_IF_NOT_EQUAL, ACCESS, 0)]);
        } else {
            let copy = instruction(COPY, SCRATCH, ACCESS, 0, 0);
            block.extend([copy, constant(AND, SCRATCH, access), constant(JUMP_IF_EQUAL, SCRATCH, 0)]);
        }
    }
    block.extend(answer(rule.allow));
    // Every jump is to the end of the block.
    let length = block.len();
    for (index, step) in block.iter_mut().enumerate() {
        if matches!(step.code, JUMP_IF_EQUAL | JUMP_IF_NOT_EQUAL) {
            step.offset = i16::try_from(length - index - 1).ok()?;
        }
    }
    Some(block)
}

/// Puts the rules on a group, in the place of those that were on it. `fresh`: it is new, so there were none.
pub(crate) fn restrict(directory: &Directory<'_>, rules: &[DeviceRule], fresh: bool) -> Result<()> {
    let (Some(rules), Some(group)) = (Rules::new(rules), directory.fd()) else { return Ok(()) };
    if fresh && rules.allows_everything() {
        return Ok(());
    }
    let fails = |action| {
        move |errno| Error::File { group: directory.path.into(), file: "".into(), action, field: "devices", errno }
    };
    let new = bpf::load_device_program(&program(&rules), c"MIT").map_err(fails(Action::Load))?;
    let olds = if fresh { Vec::new() } else { bpf::device_programs(group.borrow()).map_err(fails(Action::Attach))? };
    replace(group.borrow(), new.borrow(), &olds).map_err(fails(Action::Attach))
}

/// At every moment one of the programs is attached; while there are two, both have to allow.
fn replace(group: BorrowedFd<'_>, new: BorrowedFd<'_>, olds: &[kernel::Fd]) -> core::result::Result<(), Errno> {
    if let [only] = olds {
        match bpf::attach_device_program(group, new, Some(only.borrow())) {
            // Kernels before 5.6 cannot replace.
            Err(Errno::EINVAL) => {}
            result => return result,
        }
    }
    bpf::attach_device_program(group, new, None)?;
    olds.iter().try_for_each(|old| bpf::detach_device_program(group, old.borrow()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::tests::{is_allowed, rule};
    use crate::devices::{MKNOD, READ, WRITE};

    /// Runs a program as the kernel would: a request goes in, the answer comes out.
    fn run(program: &[Instruction], block: bool, major: u32, minor: u32, access: u8) -> bool {
        let kind = if block { BLOCK } else { CHARACTER } as u32;
        let context = [u32::from(access) << 16 | kind, major, minor];
        let mut registers = [0u64; 10];
        let mut at = 0;
        loop {
            let step = program[at];
            let (to, from) = (usize::from(step.registers & 15), usize::from(step.registers >> 4));
            let constant = i64::from(step.immediate) as u64;
            at += 1;
            let mut jump = |wanted: bool| {
                if wanted {
                    at += step.offset as usize
                }
            };
            match step.code {
                LOAD_WORD => registers[to] = u64::from(context[step.offset as usize / 4]),
                MOVE => registers[to] = constant,
                COPY => registers[to] = registers[from],
                AND => registers[to] &= constant,
                SHIFT_RIGHT => registers[to] >>= constant,
                JUMP_IF_EQUAL => jump(registers[to] == constant),
                JUMP_IF_NOT_EQUAL => jump(registers[to] != constant),
                EXIT => return registers[0] != 0,
                odd => panic!("operation {odd:#x}"),
            }
        }
    }

    /// Numbers that look random and are the same each time (xorshift).
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, end: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % end
        }

        fn number(&mut self) -> Option<u32> {
            // Few numbers, so that rules meet; some of them those of the defaults.
            [None, Some(1), Some(3), Some(8), Some(136), Some(u32::MAX)][self.below(6) as usize]
        }

        fn rule(&mut self) -> DeviceRule {
            let kind = ['a', 'b', 'c'][self.below(3) as usize];
            let access = ["r", "w", "m", "rw", "rm", "wm", "rwm", "rwm", ""][self.below(9) as usize];
            rule(self.below(2) == 0, kind, self.number(), self.number(), access)
        }
    }

    #[test]
    fn a_program_means_what_its_rules_mean() {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        for _ in 0..2000 {
            let rules: Vec<_> = (0..1 + dice.below(6)).map(|_| dice.rule()).collect();
            let program = program(&Rules::new(&rules).unwrap());
            for _ in 0..60 {
                let (block, access) = (dice.below(2) == 0, 1 + dice.below(7) as u8);
                // Numbers that devices can have.
                let mut number = |other| dice.number().filter(|&number| number < 1 << 20).unwrap_or(other);
                let (major, minor) = (number(7), number(9));
                let wanted = is_allowed(&rules, block, major, minor, access);
                let found = run(&program, block, major, minor, access);
                assert_eq!(found, wanted, "{rules:?} {block} {major}:{minor} {access}");
            }
        }
    }

    #[test]
    fn usual_rules_are_a_short_program() {
        let rules = [rule(false, 'a', None, None, "rwm"), rule(true, 'b', Some(8), Some(0), "r")];
        let program = program(&Rules::new(&rules).unwrap());
        assert!(program.len() < 90, "{}", program.len());
        assert!(run(&program, false, 1, 3, READ | WRITE));
        assert!(run(&program, true, 8, 0, READ | MKNOD), "two rules together");
        assert!(!run(&program, true, 8, 0, READ | WRITE));
        assert!(!run(&program, false, 10, 229, READ));
    }

    #[test]
    fn the_kernel_takes_the_programs() {
        let mut dice = Dice(77);
        for _ in 0..40 {
            let rules: Vec<_> = (0..1 + dice.below(30)).map(|_| dice.rule()).collect();
            match bpf::load_device_program(&program(&Rules::new(&rules).unwrap()), c"MIT") {
                Err(Errno::EPERM) => return eprintln!("SKIPPED: no right to load BPF programs"),
                result => drop(result.unwrap()),
            }
        }
    }
}
