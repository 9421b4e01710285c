//! The program: the library's [`coracle_oci::main`] with an entry point and an allocator, without std and a C library.

#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "the names that the linker and the compiler look for")]

kernel::program!(coracle_oci::main);
