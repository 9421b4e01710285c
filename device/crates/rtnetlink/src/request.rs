//! A request: `struct nlmsghdr`, the fixed part of its kind, attributes.

use crate::aligned;
use alloc::vec::Vec;

/// Every request is one; the kernel answers with an error or with 0.
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
/// All that there is, in many messages.
pub(crate) const NLM_F_DUMP: u16 = 0x300;
pub(crate) const NLM_F_EXCL: u16 = 0x200;
pub(crate) const NLM_F_CREATE: u16 = 0x400;

pub(crate) struct Request(Vec<u8>);

impl Request {
    /// `fixed` has a length that is a multiple of four.
    pub(crate) fn new(kind: u16, flags: u16, sequence: u32, fixed: &[u8]) -> Self {
        // A dump ends with a message of its own.
        let flags = NLM_F_REQUEST | flags | if flags & NLM_F_DUMP == NLM_F_DUMP { 0 } else { NLM_F_ACK };
        // The length comes last.
        let mut bytes = Vec::from([0; 4]);
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(sequence.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(fixed);
        Self(bytes)
    }

    /// Adds one. Values are at most a few dozen bytes; what would not fit a length is left out.
    pub(crate) fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        let Ok(length) = u16::try_from(value.len() + 4) else { return self };
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(aligned(self.0.len()), 0);
        self
    }

    /// Text with the zero byte that ends it.
    pub(crate) fn text(self, kind: u16, text: &str) -> Self {
        let value: Vec<u8> = text.bytes().chain([0]).collect();
        self.attribute(kind, &value)
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let length = u32::try_from(self.0.len()).unwrap_or(0);
        for (place, byte) in self.0.iter_mut().zip(length.to_ne_bytes()) {
            *place = byte;
        }
        self.0
    }
}
