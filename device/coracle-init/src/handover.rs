//! Leaving the initramfs: into the new root, and into its init.

use crate::console::say;
use crate::error::{Doing, Error};
use crate::root::TARGET;
use linux::mount::move_mount;
use linux::system::{is_memory, room};
use std::convert::Infallible;
use std::env;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, chroot};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

const INIT: &str = "/sbin/init";

/// Moves the kernel's file systems into the new root, frees the initramfs's memory and makes the new root `/`.
pub(crate) fn enter() -> Result<(), Error> {
    let target = Path::new(TARGET);
    for name in ["dev", "proc", "sys", "run"] {
        let (from, to) = (Path::new("/").join(name), target.join(name));
        fs::create_dir_all(&to).doing(|| format!("making {}", to.display()))?;
        move_mount(&from, &to).doing(|| format!("moving {} to {}", from.display(), to.display()))?;
    }
    free_initramfs();
    env::set_current_dir(target).doing(|| format!("changing to {TARGET}"))?;
    move_mount(Path::new("."), Path::new("/")).doing(|| format!("moving {TARGET} to /"))?;
    chroot(".").doing(|| format!("changing the root to {TARGET}"))?;
    env::set_current_dir("/").doing(|| "changing to /")
}

/// Deletes everything of the initramfs: nobody can reach it any more, but it would hold its memory for good.
fn free_initramfs() {
    let Ok(root) = File::open("/") else { return };
    // Twice sure: deleting what is below / is right for an initramfs, and for nothing else.
    let in_memory = room(&root).is_ok_and(|room| is_memory(room.kind));
    if let (true, Ok(status)) = (in_memory, root.metadata()) {
        empty(Path::new("/"), status.dev());
    }
}

/// Empties a directory, but for what other file systems are mounted on.
fn empty(directory: &Path, device: u64) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(status) = entry.metadata() else { continue };
        if status.dev() != device {
            continue;
        }
        // What cannot be deleted stays, which costs memory and nothing else.
        if status.is_dir() {
            empty(&path, device);
            let _ = fs::remove_dir(&path);
        } else {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Becomes the root's init, with the arguments that the kernel gave.
pub(crate) fn execute() -> Result<Infallible, Error> {
    let error = Command::new(INIT).args(env::args_os().skip(1)).exec();
    say!("executing {INIT} failed");
    Err(error).doing(|| format!("executing {INIT}"))
}
