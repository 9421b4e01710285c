//! Work in a thread of its own, for what changes the thread for good: namespaces, identity, working directory.

use std::io;
use std::thread::{Builder, scope};

/// Runs `work` in a new thread, and waits.
pub(crate) fn apart<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    scope(|scope| {
        let thread = Builder::new().name("apart".into()).stack_size(128 << 10).spawn_scoped(scope, work)?;
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread ended early")))
    })
}
