//! The job that a process in a container is sent.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| coracle_oci::fuzzing::job(bytes));
