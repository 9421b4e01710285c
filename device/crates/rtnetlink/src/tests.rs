use crate::*;

/// A message as the kernel sends it.
fn message(kind: u16, flags: u16, sequence: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(16 + content.len()).unwrap().to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = u16::try_from(4 + value.len()).unwrap().to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// `192.0.2.1/24` on link 5, with flags.
fn address(scope: u8, flags: u32) -> Vec<u8> {
    let fixed = [2, 24, flags as u8, scope, 5, 0, 0, 0];
    let cache = [0xff; 16];
    let parts: [(u16, &[u8]); 5] =
        [(1, &[192, 0, 2, 1]), (2, &[192, 0, 2, 1]), (3, b"eth0:1\0"), (8, &flags.to_ne_bytes()), (6, &cache)];
    let attributes = parts.iter().flat_map(|(kind, value)| attribute(*kind, value));
    fixed.into_iter().chain(attributes).collect()
}

fn read_address(content: &[u8]) -> Address {
    match messages(&message(20, 2, 1, content)).next().unwrap().unwrap().reply {
        Reply::Address(address) => address,
        other => panic!("{other:?}"),
    }
}

#[test]
fn links_are_read() {
    let mut content = [0u32, 7, 0x1003, 0].iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<_>>();
    content.extend(attribute(1, &[1, 2, 3, 4, 5, 6]));
    content.extend(attribute(3, b"veth0\0"));
    let bytes = [message(16, 0, 9, &content), message(2, 0, 9, &[0; 20])].concat();
    let all: Vec<Message> = messages(&bytes).map(Result::unwrap).collect();
    let link = Link { index: 7, name: "veth0".into(), up: true };
    let end = Reply::End { errno: 0, message: String::new(), interrupted: false };
    assert_eq!(all, [Message { sequence: 9, reply: Reply::Link(link) }, Message { sequence: 9, reply: end }]);
}

#[test]
fn errors_come_with_the_kernels_words() {
    let text = attribute(1, b"The interface netns is immutable\0");
    let request = message(16, 5, 3, &[0; 20]);
    let end = |content: &[u8], flags| match messages(&message(2, flags, 3, content)).next() {
        Some(Ok(Message { reply: Reply::End { errno, message, .. }, .. })) => (errno, message),
        other => panic!("{other:?}"),
    };
    let words = || "The interface netns is immutable".to_string();
    let refused = (-22i32).to_ne_bytes();
    assert_eq!(end(&[&refused[..], &request[..16], &text].concat(), 0x300), (22, words()));
    assert_eq!(end(&[&refused[..], &request, &text].concat(), 0x200), (22, words()));
    assert_eq!(end(&[&refused[..], &request].concat(), 0), (22, String::new()));
}

#[test]
fn permanent_global_addresses_are_told_from_others() {
    assert!(read_address(&address(0, 0x80)).is_permanent_and_global());
    assert!(read_address(&address(0, 0x280)).is_permanent_and_global());
    assert!(!read_address(&address(0, 0)).is_permanent_and_global());
    assert!(!read_address(&address(253, 0x80)).is_permanent_and_global());
}

#[test]
fn an_address_that_is_given_again_is_the_same() {
    // Permanent and secondary are for the kernel to say; not adding a route is a setting.
    let first = read_address(&address(0, 0x281));
    let request = add_address(4, 5, &first);
    let again = read_address(&request[16..]);
    let settings = read_address(&address(0, 0x200));
    assert_eq!(add_address(4, 5, &again), add_address(4, 5, &settings));
    assert_eq!(u32::from_ne_bytes(*request.first_chunk().unwrap()) as usize, request.len());
}

#[test]
fn a_label_follows_the_name() {
    let holds = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    let renamed = |new: &str| add_address(1, 5, &read_address(&address(0, 0x80)).for_renamed("eth0", new));
    assert!(holds(&renamed("lan"), b"lan:1\0"));
    assert!(holds(&renamed("fifteen_letters"), b"fifteen_letters\0"));
    let other = read_address(&address(0, 0x80)).for_renamed("eth", "lan");
    assert!(holds(&add_address(1, 5, &other), b"eth0:1\0"));
}

#[test]
fn whatever_is_cut_off_is_malformed_or_absent() {
    let whole = [message(20, 2, 1, &address(0, 0x80)), message(3, 2, 1, &[0; 4])].concat();
    for length in 0..whole.len() {
        let read: Vec<_> = messages(&whole[..length]).collect();
        assert!(read.len() <= 2 && read.iter().filter(|one| one.is_ok()).count() < 2, "{length}");
    }
    assert_eq!(messages(&whole).filter(Result::is_ok).count(), 2);
    // A length of 0 would never come to an end.
    assert_eq!(messages(&[0; 64]).collect::<Vec<_>>(), [Err(Malformed)]);
}
