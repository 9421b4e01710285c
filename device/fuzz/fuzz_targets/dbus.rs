//! What systemd, or whoever listens in its place, may answer.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|received: &[u8]| cgroup::read_any_message(received));
