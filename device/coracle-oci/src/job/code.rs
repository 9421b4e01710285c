//! The bytes of a job: numbers of eight bytes, and lists and strings with their length in front.

use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;

#[derive(Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn number(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.number(items.len() as u64);
        for item in items {
            write(self, item);
        }
    }

    pub(super) fn optional<T: ?Sized>(&mut self, item: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.number(item.is_some().into());
        if let Some(item) = item {
            write(self, item);
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

pub(super) struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    pub(super) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    pub(super) fn truth(&mut self) -> Option<bool> {
        match self.number()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(super) fn truths<const N: usize>(&mut self) -> Option<[bool; N]> {
        let mut all = [false; N];
        for place in &mut all {
            *place = self.truth()?;
        }
        Some(all)
    }

    fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        str::from_utf8(self.bytes()?).ok().map(Into::into)
    }

    pub(super) fn c_string(&mut self) -> Option<CString> {
        CString::new(self.bytes()?).ok()
    }

    pub(super) fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = usize::try_from(self.number()?).ok()?;
        // Every item has at least the eight bytes of a number, so a length that lies cannot ask for much memory.
        if count > self.rest.len() / 8 {
            return None;
        }
        (0..count).map(|_| read(self)).collect()
    }

    pub(super) fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.truth()? { read(self).map(Some) } else { Some(None) }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }
}
