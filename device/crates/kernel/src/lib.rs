//! Linux system calls for programs without std and without a C library, behind safe functions.
//!
//! A container runtime is started for every container, so what a C library and std do before `main`, and the pages that
//! they touch, are a good part of its time. This crate has what such a program needs instead: the calls themselves, a
//! descriptor that closes itself, an allocator and an entry point ([`program!`]).
//!
//! All `unsafe` code is in `sys`. Numbers, `errno` names and the instruction come from the crate `syscalls`; constants and
//! structures of the kernel's interface from `linux-raw-sys`.

#![cfg_attr(not(test), no_std)]

extern crate alloc;

pub mod bpf;
pub mod clock;
pub mod fd;
pub mod fs;
pub mod mount;
pub mod netlink;
pub mod poll;
pub mod process;
pub mod schedule;
pub mod security;
pub mod signal;
pub mod socket;
#[allow(unsafe_code)]
mod sys;
pub mod terminal;
pub mod user;

pub use fd::{BorrowedFd, CWD, Fd};
#[doc(hidden)]
pub use sys::program;
pub use syscalls::Errno;

/// What a call gives, or the kernel's reason.
pub type Result<T> = core::result::Result<T, Errno>;
