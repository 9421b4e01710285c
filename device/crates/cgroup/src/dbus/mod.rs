//! Talking to systemd over D-Bus (D-Bus specification 0.42): a connection, calls, and the one signal that matters.
//!
//! systemd's private socket is tried first: it needs no bus daemon, no greeting and no subscription. What comes in is read
//! with limits, by [`message`].

pub(crate) mod message;
#[cfg(test)]
pub(crate) mod tests;

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use kernel::{Errno, Fd, clock, poll, socket};
pub(crate) use message::Message;
use message::{Body, Writer, read_message};

/// How long systemd may take for one thing, in nanoseconds.
const PATIENCE: u64 = 30_000_000_000;
/// Signals that may wait to be looked at; the oldest are forgotten.
const WAITING: usize = 256;

/// What can go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// No socket can be connected to; the last one tried, and why.
    Connect(String, Errno),
    /// Sending or receiving failed.
    Transfer(Errno),
    /// The other side does not believe who the caller is.
    Refused,
    /// The other side closed the connection.
    Closed,
    /// What came is no message.
    Malformed(&'static str),
    /// Nothing came in time.
    Timeout,
    /// A call was answered by an error: its name and text.
    Failed {
        /// `org.freedesktop.systemd1.UnitExists`
        name: String,
        /// For people.
        text: String,
    },
}

impl Error {
    /// Whether there is nobody to ask, or nobody who would do it for this caller.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Connect(..) | Self::Refused => true,
            Self::Failed { name, .. } => {
                name.ends_with(".AccessDenied") || name.ends_with(".InteractiveAuthorizationRequired")
            }
            _ => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::error::Reason;
        match self {
            Self::Connect(path, errno) => write!(f, "connect to {path}: {}", Reason(*errno)),
            Self::Transfer(errno) => write!(f, "D-Bus: {}", Reason(*errno)),
            Self::Refused => f.write_str("D-Bus: the other side refuses this user"),
            Self::Closed => f.write_str("D-Bus: the other side closed the connection"),
            Self::Malformed(what) => write!(f, "D-Bus: a message with {what}"),
            Self::Timeout => f.write_str("D-Bus: no answer in time"),
            Self::Failed { name, text } => write!(f, "{name}: {text}"),
        }
    }
}

impl core::error::Error for Error {}

type Result<T> = core::result::Result<T, Error>;

/// A socket to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) path: String,
    /// A bus daemon is in between.
    pub(crate) bus: bool,
}

/// The sockets of the machine's systemd, or of a user's.
pub(crate) fn addresses(user: Option<u32>) -> Vec<Address> {
    let place = |path: String, bus| Address { path, bus };
    match user {
        None => {
            Vec::from([place("/run/systemd/private".into(), false), place("/run/dbus/system_bus_socket".into(), true)])
        }
        Some(user) => Vec::from([
            place(format!("/run/user/{user}/systemd/private"), false),
            place(format!("/run/user/{user}/bus"), true),
        ]),
    }
}

/// A connection with systemd.
pub(crate) struct Connection {
    socket: Fd,
    received: Vec<u8>,
    signals: VecDeque<Message>,
    serial: u32,
    deadline: u64,
}

impl Connection {
    /// Connects to the first socket that lets it, as `user` (0 for the machine's root).
    pub(crate) fn open(addresses: &[Address], user: u32) -> Result<Self> {
        let mut last = Error::Closed;
        for address in addresses {
            let attempt = crate::path::c_path(&address.path).and_then(|path| socket::connect(socket::STREAM, &path));
            match attempt {
                Ok(socket) => return Self::greet(socket, address.bus, user),
                Err(errno) => last = Error::Connect(address.path.clone(), errno),
            }
        }
        Err(last)
    }

    /// SASL EXTERNAL: the user's number in decimal, its digits in hexadecimal.
    fn greet(socket: Fd, bus: bool, user: u32) -> Result<Self> {
        let deadline = clock::steady() + PATIENCE;
        let mut connection = Self { socket, received: Vec::new(), signals: VecDeque::new(), serial: 0, deadline };
        let digits: String = user.to_string().bytes().map(|digit| format!("{digit:02x}")).collect();
        // BEGIN goes with it, as sd-bus does: systemd does not look at a message that comes together with BEGIN until more
        // comes. If the user is refused, nothing has begun.
        connection.send(format!("\0AUTH EXTERNAL {digits}\r\nBEGIN\r\n").as_bytes())?;
        let end = loop {
            match connection.received.windows(2).position(|pair| pair == b"\r\n") {
                Some(end) => break end + 2,
                None if connection.received.len() > 1024 => return Err(Error::Malformed("a long greeting")),
                None => connection.receive()?,
            }
        };
        if !connection.received.starts_with(b"OK ") {
            return Err(Error::Refused);
        }
        connection.received.drain(..end);
        if bus {
            let bus = Target {
                path: "/org/freedesktop/DBus",
                name: "org.freedesktop.DBus",
                interface: "org.freedesktop.DBus",
            };
            connection.call_at(&bus, "Hello", "", Writer::default())?;
            let mut rule = Writer::default();
            rule.string("type='signal',sender='org.freedesktop.systemd1',interface='org.freedesktop.systemd1.Manager',member='JobRemoved'");
            connection.call_at(&bus, "AddMatch", "s", rule)?;
            connection.call("Subscribe", "", Writer::default())?;
        }
        Ok(connection)
    }

    /// Calls a method of systemd's manager; the answer's body.
    pub(crate) fn call(&mut self, method: &str, signature: &str, body: Writer) -> Result<Message> {
        let manager = Target {
            path: "/org/freedesktop/systemd1",
            name: "org.freedesktop.systemd1",
            interface: "org.freedesktop.systemd1.Manager",
        };
        self.call_at(&manager, method, signature, body)
    }

    fn call_at(&mut self, target: &Target<'_>, method: &str, signature: &str, body: Writer) -> Result<Message> {
        self.deadline = clock::steady() + PATIENCE;
        self.serial += 1;
        let serial = self.serial;
        self.send(&message::method_call(serial, target, method, signature, body))?;
        loop {
            let message = self.next()?;
            match message.kind {
                message::SIGNAL => self.keep(message),
                message::RETURN if message.reply_to == serial => return Ok(message),
                message::ERROR if message.reply_to == serial => {
                    let text = if message.signature.starts_with('s') {
                        message.body().string()?.into()
                    } else {
                        String::new()
                    };
                    return Err(Error::Failed { name: message.error_name, text });
                }
                _ => {}
            }
        }
    }

    fn keep(&mut self, signal: Message) {
        if self.signals.len() >= WAITING {
            self.signals.pop_front();
        }
        self.signals.push_back(signal);
    }

    /// Waits until a job is over; its result, `done` if all is well.
    pub(crate) fn wait_for_job(&mut self, job: &str) -> Result<String> {
        self.deadline = clock::steady() + PATIENCE;
        loop {
            let message = match self.signals.pop_front() {
                Some(signal) => signal,
                None => self.next()?,
            };
            if message.kind != message::SIGNAL || message.member != "JobRemoved" || message.signature != "uoss" {
                continue;
            }
            let mut body: Body<'_> = message.body();
            let (_, path, _, result) = (body.u32()?, body.string()?, body.string()?, body.string()?);
            if path == job {
                return Ok(result.into());
            }
        }
    }

    fn next(&mut self) -> Result<Message> {
        loop {
            if let Some((message, length)) = read_message(&self.received)? {
                self.received.drain(..length);
                return Ok(message);
            }
            self.receive()?;
        }
    }

    fn send(&self, bytes: &[u8]) -> Result<()> {
        socket::send_all(self.socket.borrow(), bytes, &[]).map_err(Error::Transfer)
    }

    fn receive(&mut self) -> Result<()> {
        let now = clock::steady();
        let left = self.deadline.checked_sub(now).ok_or(Error::Timeout)?;
        let ready = poll::poll(&[(self.socket.borrow(), poll::READABLE)], Some(left / 1_000_000 + 1));
        if ready.map_err(Error::Transfer)? != [true] {
            return Ok(());
        }
        let mut block = [0; 4096];
        let (length, _descriptors) = socket::receive(self.socket.borrow(), &mut block).map_err(Error::Transfer)?;
        if length == 0 {
            return Err(Error::Closed);
        }
        self.received.extend_from_slice(block.get(..length).unwrap_or_default());
        Ok(())
    }
}

/// Where a method is.
pub(crate) struct Target<'a> {
    pub(crate) path: &'a str,
    pub(crate) name: &'a str,
    pub(crate) interface: &'a str,
}

/// Reads what may have come, to the end of its first message's body, for the fuzzer.
#[doc(hidden)]
pub fn read_any(received: &[u8]) {
    if let Ok(Some((message, length))) = read_message(received) {
        assert!(length <= received.len());
        let mut body = message.body();
        while body.u32().is_ok() && body.string().is_ok() && body.signature().is_ok() {}
    }
}
