//! What parses is written, and that reads back as the same value.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    if let Ok(value) = json::parse(text) {
        let again = json::parse(value.to_string().as_bytes()).expect("what was written parses");
        // A float that is whole is written as a whole number: the second round is what must be stable.
        assert_eq!(json::parse(again.to_string().as_bytes()), Ok(again));
    }
});
