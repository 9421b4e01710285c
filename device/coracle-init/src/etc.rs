//! `/etc`: the image's, with what was changed on this device on top; and the host name, which is kept there.

use crate::console::say;
use crate::error::{Doing, Error};
use crate::persist::{Cause, MOUNT_POINT, State};
use crate::root::{CHANGES, IMAGE};
use crate::slot::read_bounded;
use linux::mount::mount;
use linux::system::set_host_name as set_kernel_host_name;
use std::fs;
use std::io;
use std::path::Path;

/// Overlays `/etc`. A failure is one more reason to be degraded; `/etc` is then the image's, writable in memory.
pub(crate) fn overlay(persist: State) -> State {
    match mount_overlay(&persist) {
        Ok(()) => persist,
        Err(error) => persist.degraded(Cause::Failed, error.to_string()),
    }
}

fn mount_overlay(persist: &State) -> Result<(), Error> {
    let saved = format!("{MOUNT_POINT}/skiff/etc");
    let image = format!("{IMAGE}/etc");
    // On a full persist nothing can be changed any more. What was saved still counts, and what services write to
    // /etc goes to memory.
    let (lower, upper, work) = if persist.is_full() {
        (format!("{saved}:{image}"), format!("{CHANGES}/etc"), format!("{CHANGES}/etc-work"))
    } else {
        (image, saved, format!("{MOUNT_POINT}/skiff/.work/etc"))
    };
    for directory in [&upper, &work] {
        fs::create_dir_all(directory).doing(|| format!("making {directory}"))?;
    }
    // The image below changes with every update while what is on top stays; overlayfs allows that only without these.
    let options =
        format!("lowerdir={lower},upperdir={upper},workdir={work},redirect_dir=off,index=off,metacopy=off,xino=off");
    mount(Path::new("overlay"), Path::new("/etc"), "overlay", 0, &options).doing(|| "mounting the overlay on /etc")
}

/// Sets the host name that persist holds, if it holds one, and keeps `/etc/hostname` in step: inits read that again.
pub(crate) fn set_host_name() {
    let path = format!("{MOUNT_POINT}/skiff/hostname");
    let Ok(bytes) = read_bounded(Path::new(&path), 256) else { return };
    let text = String::from_utf8_lossy(&bytes);
    let name = text.trim();
    if name.is_empty() {
        return;
    }
    if !is_host_name(name) {
        say!("{path} holds no host name");
        return;
    }
    if let Err(error) = set_kernel_host_name(name) {
        say!("setting the host name {name}: {error}");
    }
    if let Err(error) = keep_in_step(Path::new("/etc/hostname"), &format!("{name}\n")) {
        say!("writing /etc/hostname: {error}");
    }
}

/// Writes the line if the file says something else, whatever its size; something that is no file is left alone.
fn keep_in_step(path: &Path, line: &str) -> io::Result<()> {
    match read_bounded(path, line.len() + 1) {
        Ok(there) if there == line.as_bytes() => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::write(path, line),
    }
}

/// As Linux takes it: at most 64 bytes, letters, digits, dots and hyphens.
fn is_host_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    (1..=64).contains(&name.len()) && !name.starts_with(['-', '.']) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_plain() {
        assert!(is_host_name("boat-7.example"));
        for name in ["", "-a", ".a", "a b", "é", &"a".repeat(65)] {
            assert!(!is_host_name(name), "{name}");
        }
    }

    #[test]
    fn the_name_is_kept_in_step() {
        let path = std::env::temp_dir().join(format!("hostname-{}", std::process::id()));
        for before in ["", "boat\n", "boat\nand more", "ship\n"] {
            fs::write(&path, before).unwrap();
            keep_in_step(&path, "boat\n").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"boat\n");
        }
        fs::remove_file(&path).unwrap();
        keep_in_step(&path, "boat\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"boat\n");
        fs::remove_file(&path).unwrap();
        // Opening a FIFO would wait for its other end.
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(keep_in_step(&path, "boat\n").is_err());
        fs::remove_file(&path).unwrap();
    }
}
