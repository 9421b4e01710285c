//! Command lines of coracle-oci: words with zero bytes between them. The first byte says whether options may stand anywhere.
#![no_main]
use libfuzzer_sys::fuzz_target;
use std::ffi::{CStr, CString};

fuzz_target!(|line: &[u8]| {
    let Some((stop, line)) = line.split_first().filter(|(_, line)| line.len() <= 64) else { return };
    // Arguments of a program are there for as long as it runs; so are these, and short.
    let words: Vec<&'static CStr> = line
        .split(|&byte| byte == 0)
        .map(|word| &*Box::leak(CString::new(word).expect("no zero byte").into_boxed_c_str()))
        .collect();
    coracle_oci::fuzzing::command_line(&words, (stop & 1 == 1).then_some(usize::from(stop >> 1)));
});
