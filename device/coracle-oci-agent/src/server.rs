//! The socket: takes connections, reads the message and the listener of each, and gives the container a thread.

use crate::container::{Shared, serve_container};
use crate::log::Log;
use crate::options::Options;
use crate::ready::tell_ready;
use agent_policy::{Container, Policy, StateError};
use linux::seccomp::Listener;
use linux::socket::{peer_user, receive_with_descriptors};
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;
use std::time::{Duration, Instant};

/// Connections and containers at a time; each has a thread and some descriptors.
const MAX_CONTAINERS: usize = 256;
/// A runtime sends its message at once.
const MESSAGE_LIMIT: Duration = Duration::from_secs(5);

/// Returns only with what makes serving impossible.
pub(crate) fn serve(policy: Policy, options: &Options) -> Result<(), String> {
    let log = Log::open(options.log.as_deref()).map_err(|error| format!("opening the log: {error}"))?;
    let open = |name: &str| {
        let path = format!("/proc/self/ns/{name}");
        File::open(&path).map_err(|error| format!("opening {path}: {error}"))
    };
    let (user, mount, network) = (open("user")?, open("mnt")?, open("net")?);
    let socket = bind(&options.socket, policy.socket_mode)
        .map_err(|error| format!("listening on {}: {error}", options.socket.display()))?;
    let shared = Arc::new(Shared { policy, log, user, mount, network });
    let running = Arc::new(AtomicUsize::new(0));
    shared.log.event("ready", "", &options.socket.display().to_string());
    if let Err(error) = tell_ready() {
        shared.log.event("not-told", "", &format!("telling NOTIFY_SOCKET: {error}"));
    }
    loop {
        let stream = match socket.accept() {
            Ok((stream, _)) => stream,
            Err(error) => {
                shared.log.event("not-accepted", "", &error.to_string());
                // Out of descriptors or memory: what is connected waits until a container has gone.
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        if running.fetch_add(1, Ordering::AcqRel) >= MAX_CONTAINERS {
            running.fetch_sub(1, Ordering::AcqRel);
            shared.log.event("not-taken", "", &format!("{MAX_CONTAINERS} containers are served already"));
            continue;
        }
        let place = Place(Arc::clone(&running));
        let theirs = Arc::clone(&shared);
        let work = move || {
            let _place = place;
            serve_connection(&theirs, stream);
        };
        if let Err(error) = Builder::new().name("container".into()).stack_size(256 << 10).spawn(work) {
            shared.log.event("not-taken", "", &format!("starting a thread: {error}"));
        }
    }
}

/// One of [`MAX_CONTAINERS`], given back whatever happens.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Takes the place of a socket that nobody listens on.
fn bind(path: &Path, mode: u32) -> io::Result<UnixListener> {
    if let Some(directory) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(directory)?;
    }
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        if UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "an agent listens there already"));
        }
        fs::remove_file(path)?;
    }
    let socket = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    Ok(socket)
}

fn serve_connection(shared: &Shared, stream: UnixStream) {
    let taken = peer_user(&stream).map_err(|error| format!("asking who connected: {error}")).and_then(|user| {
        let (container, fd) = receive(&stream).map_err(|why| format!("of user {user}: {why}"))?;
        let listener = Listener::new(fd).map_err(|error| format!("of user {user}: {error}"))?;
        Ok((container, listener, user))
    });
    drop(stream);
    match taken {
        Ok((container, listener, user)) => serve_container(shared, &container, &listener, user),
        Err(why) => shared.log.event("message-refused", "", &why),
    }
}

/// The message and the listener. A runtime may keep its end open while the container's first call waits already, so a
/// message is taken as soon as it is whole.
fn receive(stream: &UnixStream) -> Result<(Container, OwnedFd), String> {
    let end = Instant::now() + MESSAGE_LIMIT;
    let mut text = Vec::new();
    let mut descriptors: Vec<OwnedFd> = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let (count, fds) = receive_with_descriptors(stream, &mut buffer, left)
            .map_err(|error| format!("receiving the container process state: {error}"))?
            .ok_or("the container process state did not come in time")?;
        descriptors.extend(fds);
        text.extend_from_slice(buffer.get(..count).unwrap_or(&[]));
        if text.len() > Container::MAX_MESSAGE || descriptors.len() > 16 {
            return Err("the container process state is too large".into());
        }
        let ended = count == 0;
        if !ended && text.iter().rev().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'}') {
            continue;
        }
        match Container::parse(&text) {
            Ok((container, place)) => {
                let fd = descriptors.into_iter().nth(place).ok_or("seccompFd did not come with the message")?;
                return Ok((container, fd));
            }
            Err(StateError::Json(_)) if !ended => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_message_may_come_in_pieces_and_must_come_whole() {
        let send = |pieces: &[&str]| {
            let (mut here, there) = UnixStream::pair().unwrap();
            let pieces: Vec<String> = pieces.iter().map(|piece| (*piece).to_owned()).collect();
            // More than a socket holds waits for the reader, who may have gone.
            let writer =
                std::thread::spawn(move || pieces.iter().all(|piece| here.write_all(piece.as_bytes()).is_ok()));
            let error = receive(&there).unwrap_err();
            drop(there);
            writer.join().unwrap();
            error
        };
        let whole = r#"{"fds":["seccompFd"],"state":{"id":"a"}}"#;
        assert_eq!(send(&[&whole[..9], &whole[9..39], &whole[39..]]), "seccompFd did not come with the message");
        assert!(send(&[&whole[..39]]).contains("not JSON"));
        assert!(send(&[""]).contains("not JSON"));
        assert!(send(&[&" ".repeat(Container::MAX_MESSAGE + 1)]).contains("too large"));
    }
}
