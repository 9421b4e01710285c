//! The message that a runtime sends with the seccomp descriptor: the container process state of the runtime specification
//! (config-linux.md, "The Container Process State"). What it says is the runtime's word, no more.

use json::Value;
use std::fmt;

/// Longer names are no names.
const MAX_ID: usize = 1024;

/// What is used of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// state.id
    pub id: String,
    /// metadata, empty if there is none.
    pub metadata: String,
    /// state.annotations
    pub annotations: Vec<(String, String)>,
}

/// Why a message is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateError {
    /// It is not JSON.
    Json(json::Error),
    /// A field is missing or of the wrong kind.
    Field(&'static str),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "the container process state is not JSON: {error}"),
            Self::Field(name) => write!(f, "the container process state lacks a usable {name}"),
        }
    }
}

impl std::error::Error for StateError {}

impl Container {
    /// Larger messages are refused; annotations can be long.
    pub const MAX_MESSAGE: usize = 1 << 18;

    /// Reads a whole message. The second value says which of the descriptors that came along is `seccompFd`.
    pub fn parse(text: &[u8]) -> Result<(Self, usize), StateError> {
        let message = json::parse(text).map_err(StateError::Json)?;
        let names = message.get("fds").and_then(Value::as_array).ok_or(StateError::Field("fds"))?;
        let place = names.iter().position(|name| name.as_str() == Some("seccompFd"));
        let state = message.get("state").ok_or(StateError::Field("state"))?;
        let id = state.get("id").and_then(Value::as_str).ok_or(StateError::Field("state.id"))?;
        if id.is_empty() || id.len() > MAX_ID {
            return Err(StateError::Field("state.id"));
        }
        let metadata = match message.get("metadata") {
            None | Some(Value::Null) => "",
            Some(value) => value.as_str().ok_or(StateError::Field("metadata"))?,
        };
        let annotations = match state.get("annotations") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(members)) => members
                .iter()
                .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect::<Option<_>>()
                .ok_or(StateError::Field("state.annotations"))?,
            Some(_) => return Err(StateError::Field("state.annotations")),
        };
        let container = Self { id: id.to_owned(), metadata: metadata.to_owned(), annotations };
        Ok((container, place.ok_or(StateError::Field("fds with seccompFd"))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_specifications_example() {
        let text = br#"{"ociVersion": "1.0.2", "fds": ["other", "seccompFd"], "pid": 4422, "metadata": "M",
            "state": {"ociVersion": "1.0.2", "id": "c1", "status": "creating", "pid": 4422, "bundle": "/b",
            "annotations": {"k": "v"}}}"#;
        let annotations = vec![("k".to_owned(), "v".to_owned())];
        let expected = Container { id: "c1".into(), metadata: "M".into(), annotations };
        assert_eq!(Container::parse(text).unwrap(), (expected, 1));
    }

    #[test]
    fn refuses_what_lacks_a_field() {
        let fails = |text: &str| Container::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(fails("{").contains("not JSON"));
        assert!(fails(r#"{"fds": []}"#).ends_with("usable state"));
        assert!(fails(r#"{"fds": [], "state": {"id": "a"}}"#).contains("seccompFd"));
        assert!(fails(r#"{"fds": ["seccompFd"], "state": {"id": ""}}"#).contains("state.id"));
        assert!(
            fails(r#"{"fds": ["seccompFd"], "state": {"id": "a", "annotations": {"a": 1}}}"#).contains("annotations")
        );
    }
}
