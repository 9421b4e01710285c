//! The reader: recursive descent over bytes, with a limit on nesting.

use crate::Value;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: usize = 32;

/// Where a text stops being JSON, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    /// Byte offset.
    pub offset: usize,
    /// What is wrong there.
    pub what: &'static str,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.offset)
    }
}

impl core::error::Error for Error {}

/// Reads one value and nothing after it but white space.
pub fn parse(text: &[u8]) -> Result<Value, Error> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(MAX_DEPTH)?;
    reader.skip_space();
    if reader.peek().is_some() { Err(reader.error("more after the value")) } else { Ok(value) }
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    fn error(&self, what: &'static str) -> Error {
        Error { offset: self.at, what }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn eat(&mut self, wanted: u8) -> bool {
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => Err(self.error("not a value")),
            None => Err(self.error("the text ends where a value should be")),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Error> {
        let rest = self.text.get(self.at..).unwrap_or(&[]);
        if !rest.starts_with(word.as_bytes()) {
            return Err(self.error("not a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Result<Value, Error> {
        let depth = depth.checked_sub(1).ok_or_else(|| self.error("nested too deeply"))?;
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.eat(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.skip_space();
            match self.next() {
                Some(b',') => {}
                Some(b']') => return Ok(Value::Array(items)),
                _ => return Err(self.error("expected , or ] before here")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Error> {
        let depth = depth.checked_sub(1).ok_or_else(|| self.error("nested too deeply"))?;
        self.at += 1;
        let mut members: Vec<(String, Value)> = Vec::new();
        self.skip_space();
        if self.eat(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a key in quotes"));
            }
            let key = self.string()?;
            self.skip_space();
            if !self.eat(b':') {
                return Err(self.error("expected :"));
            }
            members.push((key, self.value(depth)?));
            self.skip_space();
            match self.next() {
                Some(b',') => {}
                Some(b'}') if has_twins(&members) => return Err(self.error("the same key twice before here")),
                Some(b'}') => return Ok(Value::Object(members)),
                _ => return Err(self.error("expected , or } before here")),
            }
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Value, Error> {
        let start = self.at;
        let mut whole = !self.eat(b'-');
        if !self.eat(b'0') && self.digits() == 0 {
            return Err(self.error("expected a digit"));
        }
        if self.eat(b'.') {
            whole = false;
            if self.digits() == 0 {
                return Err(self.error("expected a digit"));
            }
        }
        if self.eat(b'e') || self.eat(b'E') {
            whole = false;
            let _sign = self.eat(b'-') || self.eat(b'+');
            if self.digits() == 0 {
                return Err(self.error("expected a digit"));
            }
        }
        let bytes = self.text.get(start..self.at).unwrap_or(&[]);
        let text = str::from_utf8(bytes).map_err(|_| self.error("not a number"))?;
        if let (true, Ok(number)) = (whole, text.parse()) {
            return Ok(Value::Whole(number));
        }
        text.parse().map(Value::Number).map_err(|_| self.error("not a number"))
    }

    fn string(&mut self) -> Result<String, Error> {
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            match self.next() {
                Some(b'"') => {
                    return String::from_utf8(bytes).map_err(|_| self.error("not UTF-8 before here"));
                }
                Some(b'\\') => {
                    let escaped = self.escape()?;
                    bytes.extend_from_slice(escaped.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some(0..=0x1f) => return Err(self.error("a control character in a string")),
                Some(byte) => bytes.push(byte),
                None => return Err(self.error("the text ends in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        Ok(match self.next() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.error("not an escape")),
        })
    }

    /// `\uXXXX`, or two of them for what is beyond the first 65,536 characters.
    fn unicode_escape(&mut self) -> Result<char, Error> {
        let first = self.four_hex_digits()?;
        let code = if (0xd800..0xdc00).contains(&first) {
            let second = if self.eat(b'\\') && self.eat(b'u') { self.four_hex_digits()? } else { 0 };
            if !(0xdc00..0xe000).contains(&second) {
                return Err(self.error("half of a surrogate pair"));
            }
            0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| self.error("half of a surrogate pair"))
    }

    fn four_hex_digits(&mut self) -> Result<u32, Error> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.next().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.error("expected four hexadecimal digits"))?;
        }
        Ok(code)
    }
}

/// Whether two members have the same key; sorted, since comparing all with all takes seconds for a large object.
fn has_twins(members: &[(String, Value)]) -> bool {
    let mut keys: Vec<&str> = members.iter().map(|(key, _)| key.as_str()).collect();
    keys.sort_unstable();
    !keys.is_sorted_by(|a, b| a < b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object;

    fn fails(text: &str) -> &'static str {
        parse(text.as_bytes()).unwrap_err().what
    }

    #[test]
    fn reads_every_kind_of_value() {
        let text = br#" {"a": [null, true, false, 0, 18446744073709551615, -1, 1.5e3, "x"], "b": {}} "#;
        let expected = object([
            (
                "a",
                Value::Array(vec![
                    Value::Null,
                    true.into(),
                    false.into(),
                    0.into(),
                    u64::MAX.into(),
                    Value::Number(-1.0),
                    Value::Number(1500.0),
                    "x".into(),
                ]),
            ),
            ("b", object([])),
        ]);
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn reads_escapes() {
        assert_eq!(
            parse(br#""\"\\\/\b\f\n\r\t\u00e9\ud83d\udea3 \u0000""#).unwrap(),
            "\"\\/\u{8}\u{c}\n\r\té🚣 \0".into()
        );
        assert_eq!(fails(r#""\ud83d""#), "half of a surrogate pair");
        assert_eq!(fails(r#""\udea3""#), "half of a surrogate pair");
        assert_eq!(fails(r#""\u12""#), "expected four hexadecimal digits");
        assert_eq!(fails(r#""\x""#), "not an escape");
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in ["", "{", "[1,]", "{\"a\" 1}", "01", "1.", "-", "nul", "\"a", "\"\n\"", "[1] 2", "{a:1}", "+1"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(b"\"\xff\"").is_err());
        for text in [r#"{"a":1,"a":2}"#, r#"{"b":1,"a":{},"b":1}"#, r#"[{"\u0061":1,"b":2,"a":3}]"#] {
            assert_eq!(fails(text), "the same key twice before here");
        }
    }

    #[test]
    fn an_object_of_many_keys_is_read_in_time() {
        let members: Vec<String> = (0..150_000).map(|key| format!("\"{key}\":0")).collect();
        let begin = std::time::Instant::now();
        assert!(parse(format!("{{{}}}", members.join(",")).as_bytes()).is_ok());
        // Comparing each key with each would take a minute here.
        assert!(begin.elapsed() < std::time::Duration::from_secs(5));
    }

    #[test]
    fn nesting_is_limited() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(fails(&nested(MAX_DEPTH + 1)), "nested too deeply");
        assert_eq!(fails(&"[".repeat(100_000)), "nested too deeply");
    }

    #[test]
    fn every_cut_of_a_text_is_refused() {
        let text = br#"{"a": [1, 2.5, "\u00e9"], "b": null}"#;
        for length in 0..text.len() {
            assert!(parse(&text[..length]).is_err());
        }
        assert!(parse(text).is_ok());
    }
}
