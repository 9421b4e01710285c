//! /proc/PID/stat, whose second field may hold anything.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| coracle_oci::fuzzing::process_stat(text));
