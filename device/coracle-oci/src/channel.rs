//! Messages between the command and the container's process that it started, over a socket pair of whole messages. What
//! is too long for one message goes as a file in memory beside it.

use crate::error::{About, Error};
use alloc::string::ToString;
use alloc::vec::Vec;
use kernel::{BorrowedFd, Fd, fs, socket};

/// What one says to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To the process: go on.
    Go = 1,
    /// To the process: this is the job.
    Job = 2,
    /// To the process: descriptors of the next stage's program, and of the network namespace if there is a new one.
    Equipment = 10,
    /// To the command: give me users and groups of my own namespace.
    MapUsers = 3,
    /// To the command: the namespaces are there, run the hooks that want them.
    Hooks = 4,
    /// To the command: the process with this number, as the command sees it, goes on in my place.
    Successor = 5,
    /// To the command: all is done but the start.
    Ready = 6,
    /// To the command: this went wrong.
    Failed = 7,
    /// To the command: the program cannot be run.
    NoProgram = 8,
    /// To the command: this went wrong before anything was changed; the process waits on.
    Refused = 9,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        [
            Self::Go,
            Self::Job,
            Self::Equipment,
            Self::MapUsers,
            Self::Hooks,
            Self::Successor,
            Self::Ready,
            Self::Failed,
            Self::NoProgram,
            Self::Refused,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == byte)
    }
}

/// A message.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) kind: Kind,
    pub(crate) content: Vec<u8>,
    pub(crate) descriptors: Vec<Fd>,
}

/// What is more goes by a file in memory.
const INLINE: usize = 8 << 10;

/// Sends a message.
pub(crate) fn send(
    to: BorrowedFd<'_>,
    kind: Kind,
    content: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> kernel::Result<()> {
    let mut message = Vec::with_capacity(content.len().min(INLINE) + 2);
    if content.len() <= INLINE {
        message.extend_from_slice(&[kind as u8, 0]);
        message.extend_from_slice(content);
        return socket::send(to, &message, descriptors).map(drop);
    }
    if content.len() > crate::job::LIMIT {
        return Err(kernel::Errno::E2BIG);
    }
    let file = fs::memory_file(c"message", 1)?;
    fs::write_all(file.borrow(), content)?;
    message.extend_from_slice(&[kind as u8, 1]);
    let mut all = descriptors.to_vec();
    all.push(file.borrow());
    socket::send(to, &message, &all).map(drop)
}

/// Tells the command what went wrong; the process that tells it goes on, or not.
pub(crate) fn refuse(to: BorrowedFd<'_>, error: &Error) {
    tell(to, Kind::Refused, error);
}

/// Tells the command what ends this process.
pub(crate) fn report(to: BorrowedFd<'_>, error: &Error) {
    tell(to, if matches!(error, Error::Program { .. }) { Kind::NoProgram } else { Kind::Failed }, error);
}

fn tell(to: BorrowedFd<'_>, kind: Kind, error: &Error) {
    let code = if let Error::Program { code, .. } = error { *code as u8 } else { 0 };
    let mut content = alloc::vec![code];
    content.extend_from_slice(alloc::format!("{error}").as_bytes());
    // When the command is gone, there is nobody to tell.
    let _ = send(to, kind, &content, &[]);
}

/// Receives the next message; `None` when the other end is closed.
pub(crate) fn receive(from: BorrowedFd<'_>) -> Result<Option<Message>, Error> {
    let mut buffer = alloc::vec![0u8; INLINE + 2];
    let mut received = socket::receive(from, &mut buffer);
    if matches!(received, Err(kernel::Errno::ECONNRESET)) {
        // Told once, before what the other end has said, when it ended with something unread.
        received = socket::receive(from, &mut buffer);
    }
    let (length, mut descriptors) = received.about(|| "receive from the other process of the runtime")?;
    if length == 0 {
        return Ok(None);
    }
    buffer.truncate(length);
    let odd = || Error::Reported("the other process of the runtime said something odd".to_string());
    let (Some(kind), Some(&elsewhere)) = (buffer.first().and_then(|&byte| Kind::of(byte)), buffer.get(1)) else {
        return Err(odd());
    };
    let content = if elsewhere == 0 {
        buffer.split_off(2)
    } else {
        let file = descriptors.pop().ok_or_else(odd)?;
        read_from_start(file.borrow()).about(|| "read a message")?
    };
    Ok(Some(Message { kind, content, descriptors }))
}

/// Reads a file whose offset is at its end.
fn read_from_start(file: BorrowedFd<'_>) -> kernel::Result<Vec<u8>> {
    let size = usize::try_from(fs::stat_fd(file)?.st_size).unwrap_or(0).min(crate::job::LIMIT);
    let mut content = alloc::vec![0u8; size];
    let length = fs::read_at(file, &mut content, 0)?;
    content.truncate(length);
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_who_did_not_listen_is_heard() {
        let (one, other) = socket::pair(socket::MESSAGES).unwrap();
        send(one.borrow(), Kind::Job, b"never read", &[]).unwrap();
        send(other.borrow(), Kind::Failed, b"this", &[]).unwrap();
        drop(other);
        assert_eq!(receive(one.borrow()).unwrap().map(|message| message.kind), Some(Kind::Failed));
        assert!(receive(one.borrow()).unwrap().is_none());
    }

    #[test]
    fn messages_arrive_whole_however_long() {
        let (one, other) = socket::pair(socket::MESSAGES).unwrap();
        for length in [0, 1, INLINE, INLINE + 1, 300_000] {
            let content = vec![7u8; length];
            send(one.borrow(), Kind::Job, &content, &[one.borrow()]).unwrap();
            let message = receive(other.borrow()).unwrap().unwrap();
            assert_eq!((message.kind, message.content.len(), message.descriptors.len()), (Kind::Job, length, 1));
            assert!(message.content == content);
        }
        let long = vec![7u8; crate::job::LIMIT + 1];
        assert_eq!(send(one.borrow(), Kind::Job, &long, &[]).unwrap_err(), kernel::Errno::E2BIG);
        drop(one);
        assert!(receive(other.borrow()).unwrap().is_none());
    }
}
