//! A bus that is a thread of the test, and one that is the real daemon where there is one.

use super::message::{CALL, ERROR, RETURN, SIGNAL, Writer, read_message};
use super::{Address, Connection, Error};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};

/// What becomes of the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Good,
    /// The job is over before the call is answered.
    SignalFirst,
    /// A byte at a time.
    Slow,
    BigEndian,
    /// A unit of that name is there until it is reset.
    NameTaken,
    JobFails,
    Denied,
    NoUnit,
    NotThisUser,
    Closes,
    Garbage,
}

pub(crate) struct Bus {
    directory: Directory,
    bus: bool,
    calls: Receiver<(String, Vec<u8>)>,
}

/// A directory that goes away with the test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("coracle-dbus-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

impl Bus {
    pub(crate) fn start(fate: Fate, bus: bool) -> Self {
        let directory = Directory::new();
        let listener = UnixListener::bind(directory.0.join("socket")).unwrap();
        let (told, calls) = channel();
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            // The client may be gone at any moment; the test looks at its side.
            let _ = serve(stream, fate, &mut |method, body| drop(told.send((method, body))));
        });
        Self { directory, bus, calls }
    }

    pub(crate) fn connect(&self) -> Result<Connection, Error> {
        let path = self.directory.0.join("socket").to_str().unwrap().into();
        Connection::open(&[Address { path: "/nowhere".into(), bus: true }, Address { path, bus: self.bus }], 0)
    }

    /// Methods and bodies of the calls that came.
    pub(crate) fn calls(&self) -> Vec<(String, Vec<u8>)> {
        self.calls.try_iter().collect()
    }
}

fn serve(mut stream: UnixStream, fate: Fate, tell: &mut dyn FnMut(String, Vec<u8>)) -> std::io::Result<()> {
    let mut greeting = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    greeting.read_line(&mut line)?;
    assert_eq!(line, "\0AUTH EXTERNAL 30\r\n");
    if fate == Fate::NotThisUser {
        return stream.write_all(b"REJECTED EXTERNAL\r\n");
    }
    stream.write_all(b"OK 0123456789abcdef\r\n")?;
    line.clear();
    greeting.read_line(&mut line)?;
    assert_eq!(line, "BEGIN\r\n");
    let (mut received, mut block) = (greeting.buffer().to_vec(), [0; 4096]);
    let mut taken = fate == Fate::NameTaken;
    loop {
        let Some((call, length)) = read_message(&received).unwrap() else {
            match stream.read(&mut block)? {
                0 => return Ok(()),
                count => received.extend(&block[..count]),
            }
            continue;
        };
        let serial = u32::from_le_bytes(received[8..12].try_into().unwrap());
        received.drain(..length);
        assert_eq!(call.kind, CALL);
        tell(call.member.clone(), call.bytes.clone());
        let send = |stream: &mut UnixStream, bytes: &[u8]| {
            if fate == Fate::Slow {
                bytes.chunks(1).try_for_each(|byte| stream.write_all(byte))
            } else {
                stream.write_all(bytes)
            }
        };
        let big = fate == Fate::BigEndian;
        let error =
            |name: &str| message(big, ERROR, serial, &[(4, "s", &format!("org.freedesktop.{name}"))], "s", &["no"]);
        match (call.member.as_str(), fate) {
            (_, Fate::Closes) => return Ok(()),
            (_, Fate::Garbage) => send(&mut stream, &[b'l', 2, 0, 9].repeat(8))?,
            ("StartTransientUnit", _) if taken => send(&mut stream, &error("systemd1.UnitExists"))?,
            ("StartTransientUnit", Fate::Denied) => send(&mut stream, &error("DBus.Error.AccessDenied"))?,
            ("StopUnit", Fate::NoUnit) => send(&mut stream, &error("systemd1.NoSuchUnit"))?,
            ("StartTransientUnit" | "StopUnit", _) => {
                let job = |job: &str, result: &str| {
                    let fields = [(1, "o", "/org/freedesktop/systemd1"), (3, "s", "JobRemoved")];
                    message(big, SIGNAL, 0, &fields, "uoss", &["5", job, "libpod-abc.scope", result])
                };
                let result = if fate == Fate::JobFails { "failed" } else { "done" };
                let answer = message(big, RETURN, serial, &[], "o", &["/job/7"]);
                send(&mut stream, &job("/job/6", "failed"))?;
                let mine = job("/job/7", result);
                let both = if fate == Fate::SignalFirst { [mine, answer] } else { [answer, mine] };
                both.iter().try_for_each(|message| send(&mut stream, message))?;
            }
            ("ResetFailedUnit", _) => {
                taken = false;
                send(&mut stream, &message(big, RETURN, serial, &[], "", &[]))?;
            }
            _ => send(&mut stream, &message(big, RETURN, serial, &[], "s", &[":1.7"]))?,
        }
    }
}

/// A message of the other side. A value of the type `u` is given in decimal.
fn message(
    big: bool,
    kind: u8,
    reply_to: u32,
    fields: &[(u8, &str, &str)],
    signature: &str,
    values: &[&str],
) -> Vec<u8> {
    let put = |writer: &mut Writer, number: u32| {
        writer.align(4);
        writer.bytes.extend(if big { number.to_be_bytes() } else { number.to_le_bytes() });
    };
    let string = |writer: &mut Writer, text: &str| {
        put(writer, text.len() as u32);
        writer.bytes.extend(text.as_bytes());
        writer.bytes.push(0);
    };
    let mut body = Writer::default();
    for (kind, value) in signature.chars().zip(values) {
        if kind == 'u' { put(&mut body, value.parse().unwrap()) } else { string(&mut body, value) }
    }
    let mut head = Writer::default();
    for &(number, kind, value) in fields {
        head.align(8);
        head.bytes.push(number);
        head.signature(kind);
        string(&mut head, value);
    }
    head.align(8);
    head.bytes.push(5);
    head.signature("u");
    put(&mut head, reply_to);
    head.align(8);
    head.bytes.push(8);
    head.signature("g");
    head.signature(signature);
    let mut writer = Writer { bytes: vec![if big { b'B' } else { b'l' }, kind, 0, 1] };
    for number in [body.bytes.len(), 1, head.bytes.len()] {
        put(&mut writer, number as u32);
    }
    writer.bytes.extend(head.bytes);
    writer.align(8);
    writer.bytes.extend(body.bytes);
    writer.bytes
}

#[test]
fn a_bus_is_greeted_and_subscribed_to() {
    let bus = Bus::start(Fate::Good, true);
    bus.connect().unwrap();
    let methods: Vec<_> = bus.calls().into_iter().map(|(method, _)| method).collect();
    assert_eq!(methods, ["Hello", "AddMatch", "Subscribe"]);
}

#[test]
fn nobody_to_connect_to_is_told() {
    match Connection::open(&[Address { path: "/nowhere/at/all".into(), bus: false }], 0) {
        Err(error @ Error::Connect(..)) => {
            assert_eq!(error.to_string(), "connect to /nowhere/at/all: No such file or directory")
        }
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn every_cut_and_every_changed_byte_of_a_message_is_survived() {
    let fields = [(1, "o", "/org/freedesktop/systemd1"), (3, "s", "JobRemoved")];
    for big in [false, true] {
        let whole = message(big, SIGNAL, 3, &fields, "uoss", &["5", "/job/7", "a.scope", "done"]);
        let (read, length) = read_message(&whole).unwrap().unwrap();
        assert_eq!((length, read.member.as_str(), read.reply_to), (whole.len(), "JobRemoved", 3));
        for cut in 0..whole.len() {
            assert_eq!(read_message(&whole[..cut]), Ok(None), "{cut}");
        }
        for place in 0..whole.len() {
            for value in [0, 1, 7, 8, 0x7f, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[place] = value;
                super::read_any(&changed);
            }
        }
    }
}

/// The real daemon, with a bus of its own.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn the_real_daemon_takes_the_messages() {
    let directory = Directory::new();
    let path = directory.0.join("bus");
    let daemon = Command::new("dbus-daemon")
        .args(["--session", "--nofork", "--nopidfile", "--nosyslog", "--print-address", "--address"])
        .arg(format!("unix:path={}", path.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut daemon) = daemon.map(Daemon) else {
        return eprintln!("SKIPPED the_real_daemon_takes_the_messages: no dbus-daemon");
    };
    let mut line = String::new();
    BufReader::new(daemon.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    if line.is_empty() {
        return eprintln!("SKIPPED the_real_daemon_takes_the_messages: dbus-daemon does not start");
    }
    let user = kernel::user::effective_user_id();
    let address = Address { path: path.to_str().unwrap().into(), bus: true };
    // It greets, takes the match, and knows of no systemd; a message that it cannot read would end the connection.
    match Connection::open(&[address], user) {
        Err(Error::Failed { name, text }) => {
            assert!(name.ends_with(".ServiceUnknown") || name.contains("Spawn"), "{name}: {text}");
        }
        other => panic!("{:?}", other.err()),
    }
}
