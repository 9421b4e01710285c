//! The superblocks of dm-verity and ext4, from any bytes.
#![no_main]
use libfuzzer_sys::fuzz_target;
use verity::{Parameters, superblock};

fuzz_target!(|input: &[u8]| {
    let mut bytes = [0; ext4::SIZE];
    let length = input.len().min(bytes.len());
    bytes[..length].copy_from_slice(&input[..length]);
    if let Ok(superblock) = ext4::Superblock::parse(&bytes) {
        let size = superblock.blocks * superblock.block_size;
        assert_eq!(superblock.room_to_grow(size), None);
    }
    let parameters = Parameters {
        algorithm: "sha256",
        salt: "00ff",
        root_hash: "abcd",
        data_block_size: 4096,
        hash_block_size: 4096,
        data_blocks: 100,
        hash_offset: 409_600,
    };
    let mut half = [0; superblock::SIZE];
    half.copy_from_slice(&bytes[..superblock::SIZE]);
    // Nothing to assert but that it ends without a panic.
    let _ = superblock::check(&half, &parameters);
});
