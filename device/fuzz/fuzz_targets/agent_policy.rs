//! A policy that is taken keeps its promises: no raw paths, modes and numbers within the kernel's; a mistake has a place.
#![no_main]
use agent_policy::{MountRequest, Policy, read_flags};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(error) => {
            assert!(error.place.line >= 1 && error.place.column >= 1 && !error.hint.is_empty());
            return;
        }
    };
    assert!(policy.socket_mode <= 0o777);
    for block in &policy.containers {
        for rule in &block.mount {
            assert!(rule.destinations.iter().all(|glob| glob.as_str().starts_with('/') || glob.as_str() == "**"));
            assert!(!rule.types.iter().any(|name| name == "proc"));
        }
        for rule in &block.nodes {
            assert!(rule.major < 1 << 12 && rule.minors.0 <= rule.minors.1 && rule.minors.1 < 1 << 20);
        }
        let asked = read_flags(0).expect("no flags are flags");
        let request = MountRequest {
            kind: "tmpfs",
            source: "none",
            resolved: None,
            destination: "/a/b",
            asked,
            options: &["x=1"],
        };
        let _ = block.mount(&request);
    }
});
