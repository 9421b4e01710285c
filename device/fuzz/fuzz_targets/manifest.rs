//! A manifest that is taken keeps its promises: no name leads out of the slot, no sum overflows.
#![no_main]
use libfuzzer_sys::fuzz_target;
use manifest::Manifest;

fuzz_target!(|text: &[u8]| {
    let Ok(manifest) = Manifest::parse(text) else { return };
    assert!(manifest::is_version(&manifest.version));
    for file in &manifest.files {
        assert!(!file.path.starts_with('/') && file.path.split('/').all(|part| part != ".." && !part.is_empty()));
    }
    let verity = &manifest.verity;
    assert!(verity.data_blocks * u64::from(verity.data_block_size) <= verity.hash_offset);
    assert!(manifest.file(&verity.file).is_some());
});
