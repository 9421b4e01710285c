//! `agent`: the seccomp-notify server, a program of its own beside this one.

use super::Context;
use crate::error::{About, Error};
use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;
use kernel::{CWD, fs, process};

const NAME: &CStr = c"coracle-oci-agent";

pub(super) fn run(context: &Context<'_>) -> Result<i32, Error> {
    let own = fs::read_link(CWD, c"/proc/self/exe").about(|| "read /proc/self/exe")?;
    let directory = own.iter().rposition(|&byte| byte == b'/').and_then(|end| own.get(..=end)).unwrap_or_default();
    let path = CString::new([directory, NAME.to_bytes()].concat()).unwrap_or_default();
    let arguments: Vec<&CStr> = core::iter::once(NAME).chain(context.arguments.iter().copied()).collect();
    let errno = process::execute(&path, &arguments, context.environment);
    Err(Error::system(format!("execute {}", path.to_string_lossy()), errno))
}
