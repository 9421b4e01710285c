//! A value of the document together with the path to it, which is only spelt out when something is wrong.

use alloc::ffi::CString;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use json::Value;

/// What is wrong, and with which field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// `linux.namespaces[2].type`; empty for the document itself.
    pub field: String,
    /// `is no whole number`.
    pub what: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() { f.write_str(&self.what) } else { write!(f, "{}: {}", self.field, self.what) }
    }
}

impl core::error::Error for Error {}

/// The step from a parent to a value.
#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Document,
    Key(&'a Node<'a>, &'a str),
    Index(&'a Node<'a>, usize),
}

/// A value and how it was reached.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    /// The value.
    pub value: &'a Value,
    step: Step<'a>,
}

type Result<T> = core::result::Result<T, Error>;

impl<'a> Node<'a> {
    /// The whole document.
    #[must_use]
    pub const fn document(value: &'a Value) -> Self {
        Self { value, step: Step::Document }
    }

    /// An error about this value.
    #[must_use]
    pub fn error(&self, what: impl fmt::Display) -> Error {
        Error { field: self.path(), what: what.to_string() }
    }

    fn path(&self) -> String {
        match self.step {
            Step::Document => String::new(),
            Step::Index(parent, index) => format!("{}[{index}]", parent.path()),
            Step::Key(parent, key) => {
                let before = parent.path();
                if before.is_empty() { key.into() } else { format!("{before}.{key}") }
            }
        }
    }

    /// A member that is there and not null.
    #[must_use]
    pub fn get<'s>(&'s self, key: &'s str) -> Option<Node<'s>> {
        let value = self.value.get(key).filter(|value| **value != Value::Null)?;
        Some(Node { value, step: Step::Key(self, key) })
    }

    /// Reads a member if it is there.
    pub fn optional<'s, T>(&'s self, key: &'s str, read: impl FnOnce(&Node<'s>) -> Result<T>) -> Result<Option<T>> {
        self.get(key).map(|node| read(&node)).transpose()
    }

    /// Reads a member that has to be there.
    pub fn required<'s, T>(&'s self, key: &'s str, read: impl FnOnce(&Node<'s>) -> Result<T>) -> Result<T> {
        match self.get(key) {
            Some(node) => read(&node),
            None => Err(self.error(format!("lacks {key}"))),
        }
    }

    /// Reads a member if it is there, otherwise takes the type's default.
    pub fn or_default<'s, T: Default>(&'s self, key: &'s str, read: impl FnOnce(&Node<'s>) -> Result<T>) -> Result<T> {
        Ok(self.optional(key, read)?.unwrap_or_default())
    }

    /// Each item of an array.
    pub fn each<'s, T>(&'s self, mut read: impl FnMut(&Node<'s>) -> Result<T>) -> Result<Vec<T>> {
        let items = self.value.as_array().ok_or_else(|| self.error("is no array"))?;
        let node = |(index, value)| Node { value, step: Step::Index(self, index) };
        items.iter().enumerate().map(|item| read(&node(item))).collect()
    }

    /// Each member of an object, with its key.
    pub fn members<'s, T>(&'s self, mut read: impl FnMut(&str, &Node<'s>) -> Result<T>) -> Result<Vec<T>> {
        let members = self.value.as_object().ok_or_else(|| self.error("is no object"))?;
        members.iter().map(|(key, value)| read(key, &Node { value, step: Step::Key(self, key) })).collect()
    }

    /// Refuses what is not an object.
    pub fn object(&self) -> Result<()> {
        self.value.as_object().map(|_| ()).ok_or_else(|| self.error("is no object"))
    }

    /// A string.
    pub fn text(&self) -> Result<&'a str> {
        self.value.as_str().ok_or_else(|| self.error("is no string"))
    }

    /// A string of one's own.
    pub fn string(&self) -> Result<String> {
        self.text().map(Into::into)
    }

    /// A string without a zero byte.
    pub fn c_string(&self) -> Result<CString> {
        CString::new(self.text()?).map_err(|_| self.error("holds a zero byte"))
    }

    /// An absolute path.
    pub fn absolute_path(&self) -> Result<CString> {
        let path = self.c_string()?;
        if path.as_bytes().first() == Some(&b'/') { Ok(path) } else { Err(self.error("is no absolute path")) }
    }

    /// `true` or `false`.
    pub fn bool(&self) -> Result<bool> {
        self.value.as_bool().ok_or_else(|| self.error("is neither true nor false"))
    }

    /// A whole number from 0 to 2⁶⁴−1.
    pub fn u64(&self) -> Result<u64> {
        self.value.as_whole().ok_or_else(|| self.error("is no whole number of 0 or more"))
    }

    /// A whole number of another range.
    pub fn number<T: TryFrom<i64>>(&self) -> Result<T> {
        let number = self.value.as_signed().ok_or_else(|| self.error("is no whole number"))?;
        T::try_from(number).map_err(|_| self.error(format!("{number} is out of range")))
    }

    /// A name from a table.
    pub fn named<T: Copy>(&self, what: &str, table: &[(&str, T)]) -> Result<T> {
        let name = self.text()?;
        let found = table.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value).ok_or_else(|| self.error(format!("{name:?} is no {what}")))
    }

    /// Strings as keys and values.
    pub fn text_map(&self) -> Result<Vec<(String, String)>> {
        self.members(|key, node| Ok((key.into(), node.string()?)))
    }
}
