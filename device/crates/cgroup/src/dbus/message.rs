//! Messages of D-Bus as bytes ("Message Protocol" of its specification): writing calls, reading what comes.
//!
//! Everything is aligned to its own size from the beginning of the message. Little-endian is what is written here; what
//! comes is read either way.

use super::{Error, Target};
use alloc::string::String;
use alloc::vec::Vec;

pub(crate) const CALL: u8 = 1;
pub(crate) const RETURN: u8 = 2;
pub(crate) const ERROR: u8 = 3;
pub(crate) const SIGNAL: u8 = 4;

/// The largest message that is taken, in bytes. Those of systemd are far smaller.
const LIMIT: usize = 1 << 20;

type Result<T> = core::result::Result<T, Error>;

/// Writes values one after another.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn align(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }

    pub(crate) fn u32(&mut self, number: u32) {
        self.align(4);
        self.bytes.extend(number.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, number: u64) {
        self.align(8);
        self.bytes.extend(number.to_le_bytes());
    }

    /// A string, or the path of an object.
    pub(crate) fn string(&mut self, text: &str) {
        self.u32(text.len() as u32);
        self.bytes.extend(text.as_bytes());
        self.bytes.push(0);
    }

    pub(crate) fn signature(&mut self, text: &str) {
        self.bytes.push(text.len() as u8);
        self.bytes.extend(text.as_bytes());
        self.bytes.push(0);
    }

    /// An array of items that are aligned to `alignment`. Its length does not count what aligns the first.
    pub(crate) fn array(&mut self, alignment: usize, items: impl FnOnce(&mut Self)) {
        self.u32(0);
        let place = self.bytes.len() - 4;
        self.align(alignment);
        let start = self.bytes.len();
        items(self);
        let length = (self.bytes.len() - start) as u32;
        if let Some(room) = self.bytes.get_mut(place..place + 4) {
            room.copy_from_slice(&length.to_le_bytes());
        }
    }
}

/// A call of a method, whole.
pub(crate) fn method_call(serial: u32, target: &Target<'_>, method: &str, signature: &str, body: Writer) -> Vec<u8> {
    let mut writer = Writer { bytes: Vec::from([b'l', CALL, 0, 1]) };
    writer.u32(body.bytes.len() as u32);
    writer.u32(serial);
    let fields = [(1, "o", target.path), (2, "s", target.interface), (3, "s", method), (6, "s", target.name)];
    writer.array(8, |fields_writer| {
        for (number, kind, value) in fields {
            fields_writer.align(8);
            fields_writer.bytes.push(number);
            fields_writer.signature(kind);
            fields_writer.string(value);
        }
        if !signature.is_empty() {
            fields_writer.align(8);
            fields_writer.bytes.push(8);
            fields_writer.signature("g");
            fields_writer.signature(signature);
        }
    });
    writer.align(8);
    writer.bytes.extend(body.bytes);
    writer.bytes
}

/// A message that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// A return, an error or a signal.
    pub(crate) kind: u8,
    /// The serial number of the call that it answers, or 0.
    pub(crate) reply_to: u32,
    /// Of a signal, its name.
    pub(crate) member: String,
    /// Of an error, its name.
    pub(crate) error_name: String,
    /// Types of the body's values.
    pub(crate) signature: String,
    pub(crate) bytes: Vec<u8>,
    big: bool,
}

impl Message {
    /// The body's values.
    pub(crate) fn body(&self) -> Body<'_> {
        Body { bytes: &self.bytes, at: 0, big: self.big }
    }
}

/// Reads values one after another.
#[derive(Debug, Clone)]
pub(crate) struct Body<'a> {
    bytes: &'a [u8],
    at: usize,
    big: bool,
}

const SHORT: Error = Error::Malformed("less in it than it says");

impl<'a> Body<'a> {
    fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(count).ok_or(SHORT)?;
        let taken = self.bytes.get(self.at..end).ok_or(SHORT)?;
        self.at = end;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8> {
        self.take(1)?.first().copied().ok_or(SHORT)
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        self.align(4);
        let bytes = <[u8; 4]>::try_from(self.take(4)?).map_err(|_| SHORT)?;
        Ok(if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// A string, or the path of an object.
    pub(crate) fn string(&mut self) -> Result<&'a str> {
        let length = self.u32()? as usize;
        self.text(length)
    }

    pub(crate) fn signature(&mut self) -> Result<&'a str> {
        let length = usize::from(self.u8()?);
        self.text(length)
    }

    fn text(&mut self, length: usize) -> Result<&'a str> {
        let text =
            core::str::from_utf8(self.take(length)?).map_err(|_| Error::Malformed("a string that is no UTF-8"))?;
        if self.u8()? == 0 { Ok(text) } else { Err(Error::Malformed("a string without end")) }
    }
}

/// Reads the first message of what was received, and says how long it is; `None` while it is not all there.
pub(crate) fn read_message(received: &[u8]) -> Result<Option<(Message, usize)>> {
    let Some(&[order, kind, _flags, version, ..]) = received.get(..16) else { return Ok(None) };
    let big = match order {
        b'l' => false,
        b'B' => true,
        _ => return Err(Error::Malformed("an unknown order of bytes")),
    };
    if version != 1 {
        return Err(Error::Malformed("an unknown version"));
    }
    let mut header = Body { bytes: received, at: 4, big };
    let (body_length, _serial, fields_length) = (header.u32()? as usize, header.u32()?, header.u32()? as usize);
    if body_length > LIMIT || fields_length > LIMIT {
        return Err(Error::Malformed("more in it than is allowed"));
    }
    let fields_end = 16 + fields_length;
    let body_start = fields_end.next_multiple_of(8);
    let end = body_start + body_length;
    let Some(body) = received.get(body_start..end) else { return Ok(None) };
    let mut message = Message {
        kind,
        reply_to: 0,
        member: String::new(),
        error_name: String::new(),
        signature: String::new(),
        bytes: body.into(),
        big,
    };
    let mut fields = Body { bytes: received.get(..fields_end).unwrap_or_default(), at: 16, big };
    while fields.at < fields_end {
        read_field(&mut fields, &mut message)?;
    }
    Ok(Some((message, end)))
}

/// A field of the header: its number and a value with its type. Those that are known have one of four types.
fn read_field(fields: &mut Body<'_>, message: &mut Message) -> Result<()> {
    fields.align(8);
    let number = fields.u8()?;
    match (number, fields.signature()?) {
        (3, "s") => message.member = fields.string()?.into(),
        (4, "s") => message.error_name = fields.string()?.into(),
        (5, "u") => message.reply_to = fields.u32()?,
        (8, "g") => message.signature = fields.signature()?.into(),
        (_, "s" | "o") => drop(fields.string()?),
        (_, "u") => drop(fields.u32()?),
        (_, "g") => drop(fields.signature()?),
        _ => return Err(Error::Malformed("a field of an unknown type")),
    }
    Ok(())
}
