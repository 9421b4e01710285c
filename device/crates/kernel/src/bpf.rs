//! Programs that the kernel asks about devices (`BPF_PROG_TYPE_CGROUP_DEVICE`): loading, and attaching to a cgroup.
//!
//! Layouts are those of `union bpf_attr` in `linux/bpf.h`; each call has the leading part that it uses.

use crate::sys::{In, InOut, sys};
use crate::{BorrowedFd, Fd, Result};
use alloc::vec::Vec;
use core::ffi::CStr;

const PROG_LOAD: u32 = 5;
const PROG_ATTACH: u32 = 8;
const PROG_DETACH: u32 = 9;
const PROG_GET_FD_BY_ID: u32 = 13;
const PROG_QUERY: u32 = 16;
const TYPE_CGROUP_DEVICE: u32 = 15;
const ATTACH_CGROUP_DEVICE: u32 = 6;
const ALLOW_MULTI: u32 = 2;
const REPLACE: u32 = 4;
/// As many programs as the kernel allows on one cgroup (`BPF_CGROUP_MAX_PROGS`).
const MOST: usize = 64;

/// An instruction, `struct bpf_insn`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub code: u8,
    /// Destination register in the lower four bits, source in the upper ones.
    pub registers: u8,
    /// Offset of a jump or of memory.
    pub offset: i16,
    /// Operand.
    pub immediate: i32,
}

#[repr(C)]
struct Load {
    kind: u32,
    count: u32,
    instructions: u64,
    licence: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
}

#[repr(C)]
struct Attach {
    target: i32,
    program: i32,
    kind: u32,
    flags: u32,
    replaced: i32,
}

#[repr(C)]
struct Query {
    target: i32,
    kind: u32,
    flags: u32,
    attached_flags: u32,
    numbers: u64,
    count: u32,
    padding: u32,
}

/// Loads a program that decides about devices.
pub fn load_device_program(instructions: &[Instruction], licence: &CStr) -> Result<Fd> {
    let load = Load {
        kind: TYPE_CGROUP_DEVICE,
        count: instructions.len() as u32,
        instructions: instructions.as_ptr() as u64,
        licence: licence.as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
    };
    sys!(bpf, PROG_LOAD, In(&load), size_of::<Load>()).map(|fd| Fd::from_raw(fd as i32))
}

/// Attaches a program to a cgroup beside those that are there, or in the place of one of them (Linux 5.6).
pub fn attach_device_program(
    cgroup: BorrowedFd<'_>,
    program: BorrowedFd<'_>,
    replaced: Option<BorrowedFd<'_>>,
) -> Result<()> {
    let attach = Attach {
        target: cgroup.raw(),
        program: program.raw(),
        kind: ATTACH_CGROUP_DEVICE,
        flags: ALLOW_MULTI | if replaced.is_some() { REPLACE } else { 0 },
        replaced: replaced.map_or(0, BorrowedFd::raw),
    };
    // Kernels before 5.6 take no bytes that they do not know, unless they are zero.
    sys!(bpf, PROG_ATTACH, In(&attach), size_of::<Attach>()).map(drop)
}

/// Takes a program off a cgroup.
pub fn detach_device_program(cgroup: BorrowedFd<'_>, program: BorrowedFd<'_>) -> Result<()> {
    let attach =
        Attach { target: cgroup.raw(), program: program.raw(), kind: ATTACH_CGROUP_DEVICE, flags: 0, replaced: 0 };
    sys!(bpf, PROG_DETACH, In(&attach), size_of::<Attach>()).map(drop)
}

/// The programs that are attached to a cgroup itself, not to those above it.
pub fn device_programs(cgroup: BorrowedFd<'_>) -> Result<Vec<Fd>> {
    let mut numbers = [0u32; MOST];
    let mut query = Query {
        target: cgroup.raw(),
        kind: ATTACH_CGROUP_DEVICE,
        flags: 0,
        attached_flags: 0,
        numbers: numbers.as_mut_ptr() as u64,
        count: MOST as u32,
        padding: 0,
    };
    sys!(bpf, PROG_QUERY, InOut(&mut query), size_of::<Query>())?;
    let numbers = numbers.get(..query.count as usize).unwrap_or_default();
    numbers.iter().map(|&number| program_by_number(number)).collect()
}

fn program_by_number(number: u32) -> Result<Fd> {
    let request = [number, 0, 0];
    sys!(bpf, PROG_GET_FD_BY_ID, In(&request), size_of_val(&request)).map(|fd| Fd::from_raw(fd as i32))
}
