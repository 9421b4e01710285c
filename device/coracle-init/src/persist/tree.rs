//! The directories that base and layers expect on persist.

use crate::error::{Doing, Error};
use std::fs::{self, DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Names below `skiff/`, with the mode they get when they are made; later changes are the user's.
const DIRECTORIES: [(&str, u32); 10] = [
    ("", 0o755),
    // Passwords of networks.
    ("connections", 0o700),
    ("core", 0o755),
    ("docker", 0o710),
    ("etc", 0o755),
    ("journal", 0o755),
    ("keys", 0o755),
    // Private host keys.
    ("ssh", 0o700),
    (".work", 0o700),
    (".work/etc", 0o700),
];

/// Makes what is missing of the tree below `root`.
pub(crate) fn make(root: &Path) -> Result<(), Error> {
    let skiff = root.join("skiff");
    for (name, mode) in DIRECTORIES {
        let path = skiff.join(name);
        match DirBuilder::new().mode(mode).create(&path) {
            // Not just anything of that name: a file in its place is an error here, not in some service later.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
            result => result.doing(|| format!("making {}", path.display()))?,
        }
    }
    let host_name = skiff.join("hostname");
    if fs::exists(&host_name).doing(|| format!("looking at {}", host_name.display()))? {
        return Ok(());
    }
    File::create(&host_name).map(drop).doing(|| format!("making {}", host_name.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn makes_what_is_missing_and_keeps_what_is_there() {
        let root = std::env::temp_dir().join(format!("tree-{}", std::process::id()));
        fs::create_dir_all(root.join("skiff/keys")).unwrap();
        fs::write(root.join("skiff/hostname"), "boat\n").unwrap();
        make(&root).unwrap();
        make(&root).unwrap();
        assert_eq!(fs::read(root.join("skiff/hostname")).unwrap(), b"boat\n");
        assert_eq!(fs::metadata(root.join("skiff/ssh")).unwrap().permissions().mode() & 0o777, 0o700);
        fs::remove_dir(root.join("skiff/ssh")).unwrap();
        fs::write(root.join("skiff/ssh"), "").unwrap();
        assert!(make(&root).unwrap_err().to_string().contains("skiff/ssh"));
        fs::remove_dir_all(root).unwrap();
    }
}
