//! Pools: containers of one bundle that are made in advance and wait. A pool is the directory `pool@NAME` below the
//! runtime's root (no container can have such an ID), with `@pool.json`, and a directory for each container that is
//! ready, made as any other container's. Taking one is a rename of its directory to the wanted ID: whoever renames it
//! has it, also when the program that fills the pool does not run.
//!
//! Each container has a keeper, the process that made it. It is the parent, so it alone hears how the container ends, and
//! tells those that are connected to it: the `run` that took the container, or a stand-in.

mod claim;
mod fit;
pub(crate) mod keeper;
mod stand_in;

pub(crate) use claim::{Refused, take};
pub(crate) use fit::{check as check_poolable, without_hooks};
pub(crate) use stand_in::start as start_stand_in;

use crate::error::{About, Error};
use crate::state::Root;
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use core::ffi::CStr;
use kernel::{CWD, Errno, fs};

/// The pool that a bundle's container is to be taken from.
pub(crate) const ANNOTATION: &str = "org.coracle.pool";
/// Of a pool: its bundle.
pub(crate) const DESCRIPTION: &CStr = c"@pool.json";
/// Of a ready container: the config.json that it was made from, as it was.
pub(crate) const CONFIG: &CStr = c"config.json";
/// How the name of a container's directory ends while it is being made.
pub(crate) const UNFINISHED: &str = ".new";

/// The bundle of a pool, an absolute path; `None` if there is no such pool.
pub(crate) fn bundle(root: &Root, name: &str) -> Result<Option<CString>, Error> {
    let pool = root.pool(name)?;
    let path = CString::new(format!("{}/@pool.json", pool.path().to_string_lossy())).unwrap_or_default();
    let wrong = |what: String| Error::Document { file: path.to_string_lossy().into_owned(), what };
    let text = match fs::read_file(CWD, &path, 1 << 16) {
        Err(Errno::ENOENT) => return Ok(None),
        other => other.about(|| format!("read {}", path.to_string_lossy()))?,
    };
    let value = json::parse(&text).map_err(|error| wrong(format!("{error}")))?;
    let bundle = value.get("bundle").and_then(json::Value::as_str).and_then(|path| CString::new(path).ok());
    bundle.map(Some).ok_or_else(|| wrong("lacks bundle".into()))
}
