//! Replies of rtnetlink, any: reading ends, and an address that is read makes a request whose length is its own.
#![no_main]
use libfuzzer_sys::fuzz_target;
use rtnetlink::{Reply, add_address, messages};

fuzz_target!(|datagram: &[u8]| {
    let mut malformed = false;
    for (count, message) in messages(datagram).enumerate() {
        assert!(!malformed && count <= datagram.len() / 16);
        let Ok(message) = message else {
            malformed = true;
            continue;
        };
        match message.reply {
            Reply::Address(address) => {
                let request = add_address(1, 1, &address.for_renamed("eth0", "lan"));
                assert_eq!(request[..4], u32::try_from(request.len()).expect("it is short").to_ne_bytes());
                // The kernel's own reader would take an address that was given again for what it is.
                assert!(request.len() <= datagram.len() + 64);
            }
            Reply::End { errno, .. } => assert!(errno >= 0),
            Reply::Link(_) | Reply::Other => {}
        }
    }
});
