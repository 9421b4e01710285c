//! `/etc`: the image's, with what was changed on this device on top; and the host name, which is kept there.

use crate::console::say;
use crate::error::{Doing, Error};
use crate::persist::{Cause, MOUNT_POINT, State};
use crate::root::{CHANGES, IMAGE};
use crate::slot::read_bounded;
use linux::mount::mount;
use linux::system::set_host_name as set_kernel_host_name;
use std::fs;
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
    let line = format!("{name}\n");
    if fs::read("/etc/hostname").is_ok_and(|there| there == line.as_bytes()) {
        return;
    }
    if let Err(error) = fs::write("/etc/hostname", line) {
        say!("writing /etc/hostname: {error}");
    }
}

/// As Linux takes it: at most 64 bytes, letters, digits, dots and hyphens.
fn is_host_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    (1..=64).contains(&name.len()) && !name.starts_with(['-', '.']) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::is_host_name;

    #[test]
    fn host_names_are_plain() {
        assert!(is_host_name("boat-7.example"));
        for name in ["", "-a", ".a", "a b", "é", &"a".repeat(65)] {
            assert!(!is_host_name(name), "{name}");
        }
    }
}
