//! The modules that the initramfs brings along, in the order that its maker worked out.
//!
//! A module that does not load is told and passed over: whether it was needed shows soon enough, and a device that
//! comes up without one is worth more than one that does not.

use crate::console::say;
use linux::system::{is_loaded_already, load_module};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

const DIRECTORY: &str = "/modules";

pub(crate) fn load() {
    let order = Path::new(DIRECTORY).join("order");
    match fs::read_to_string(&order) {
        Ok(text) => text.lines().for_each(load_line),
        // A kernel with everything built in.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => say!("reading {}: {error}", order.display()),
    }
}

fn load_line(line: &str) {
    let (name, parameters) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
    if name.is_empty() {
        return;
    }
    let path = Path::new(DIRECTORY).join(name);
    match File::open(&path).and_then(|file| load_module(&file, parameters.trim())) {
        Err(error) if !is_loaded_already(&error) => say!("loading module {}: {error}", path.display()),
        _ => {}
    }
}
