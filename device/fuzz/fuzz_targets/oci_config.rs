//! config.json, process.json and the resources of `update`, of coracle-oci.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| coracle_oci::fuzzing::configuration(text));
