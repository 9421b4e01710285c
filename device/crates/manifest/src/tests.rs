use super::*;

fn text() -> String {
    let sha = "ab".repeat(32);
    format!(
        r#"{{"format": 1, "version": "0.1.0-3f9c2ab41d07", "workspace": "qemu", "arch": "x86_64", "engine": "debian",
        "files": [{{"path": "root.squashfs", "size": 63459328, "sha256": "{sha}"}}],
        "verity": {{"file": "root.squashfs", "algorithm": "sha256", "salt": "00ff", "dataBlockSize": 4096,
        "hashBlockSize": 4096, "dataBlocks": 15199, "hashOffset": 62259200, "rootHash": "{sha}"}},
        "layers": [{{"name": "base/systemd"}}], "packages": []}}"#
    )
}

fn with(from: &str, to: &str) -> Result<Manifest, Error> {
    let text = text();
    assert!(text.contains(from), "{from}");
    Manifest::parse(text.replace(from, to).as_bytes())
}

#[test]
fn reads_what_the_image_stage_writes() {
    let manifest = Manifest::parse(text().as_bytes()).unwrap();
    assert_eq!(manifest.version, "0.1.0-3f9c2ab41d07");
    assert_eq!(manifest.file("root.squashfs").unwrap().size, 63_459_328);
    assert_eq!(manifest.verity.salt, "00ff");
    assert_eq!(manifest.verity.hash_offset, 62_259_200);
}

#[test]
fn refuses_each_field_out_of_its_bounds() {
    for (from, to, field) in [
        ("\"version\": \"0", "\"version\": \"../0", "version"),
        ("\"version\": \"0", "\"version\": \".0", "version"),
        ("\"version\": \"0", "\"version\": \"0+3", "version"),
        ("\"arch\": \"x86_64\"", "\"arch\": 64", "arch"),
        ("\"path\": \"root.squashfs\"", "\"path\": \"../root.squashfs\"", "files[].path"),
        ("\"path\": \"root.squashfs\"", "\"path\": \"/root.squashfs\"", "files[].path"),
        ("\"size\": 63459328", "\"size\": -1", "files[].size"),
        ("\"size\": 63459328", "\"size\": 1.5", "files[].size"),
        ("\"sha256\": \"ab", "\"sha256\": \"AB", "files[].sha256"),
        ("\"file\": \"root.squashfs\"", "\"file\": \"other\"", "verity.file"),
        ("\"sha256\", \"salt\"", "\"sha256 1 2\", \"salt\"", "verity.algorithm"),
        ("\"00ff\"", "\"00f\"", "verity.salt"),
        ("\"dataBlockSize\": 4096", "\"dataBlockSize\": 4095", "verity.dataBlockSize"),
        ("\"hashBlockSize\": 4096", "\"hashBlockSize\": 0", "verity.hashBlockSize"),
        ("\"dataBlocks\": 15199", "\"dataBlocks\": 0", "verity.dataBlocks"),
        ("\"dataBlocks\": 15199", "\"dataBlocks\": 18446744073709551615", "verity.dataBlocks"),
        ("62259200", "62259201", "verity.hashOffset"),
        ("\"rootHash\": \"ab", "\"rootHash\": \"xy", "verity.rootHash"),
    ] {
        match with(from, to) {
            Err(Error::Field { field: found, .. }) => assert_eq!(found, field),
            other => panic!("{to}: {other:?}"),
        }
    }
}

#[test]
fn refuses_other_formats_and_every_cut() {
    assert_eq!(with("\"format\": 1", "\"format\": 2"), Err(Error::Format(Some(2))));
    assert_eq!(with("\"format\": 1", "\"format\": \"1\""), Err(Error::Format(None)));
    let text = text();
    for length in 0..text.len() {
        assert!(Manifest::parse(&text.as_bytes()[..length]).is_err());
    }
    assert_eq!(Manifest::parse(&vec![b' '; MAX_SIZE + 1]), Err(Error::TooLarge));
}
