//! The message of a runtime: what is taken has a name, and the place of a descriptor that the message lists.
#![no_main]
use agent_policy::Container;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    if let Ok((container, place)) = Container::parse(text) {
        assert!(!container.id.is_empty() && container.id.len() <= 1024);
        assert!(place < text.len());
    }
});
