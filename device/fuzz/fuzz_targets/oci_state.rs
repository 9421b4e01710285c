//! state.json of coracle-oci.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| coracle_oci::fuzzing::state(text));
