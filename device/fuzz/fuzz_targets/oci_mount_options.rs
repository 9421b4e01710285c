//! Options of a mount in config.json.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| coracle_oci::fuzzing::mount_options(text));
