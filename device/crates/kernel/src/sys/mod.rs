//! The only module with `unsafe`: the call itself, processes, memory, and the first instructions of a program.

pub(crate) mod call;
pub(crate) mod clone;
mod memory;
#[doc(hidden)]
pub mod program;
pub(crate) mod structures;

pub(crate) use call::{In, InOut, Out, Words, sys};
pub(crate) use structures::zeroed;
