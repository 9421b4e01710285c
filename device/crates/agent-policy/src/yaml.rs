//! YAML to a tree whose every node knows its place. Anchors, aliases and tags are refused: a policy has no use for them, and
//! a small text cannot become a large tree.

use crate::MAX_POLICY;
use crate::error::{Error, Place};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

/// How deep lists and maps may nest; a policy needs 6.
const MAX_DEPTH: usize = 16;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) content: Content,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// The text, and whether it stands without quotes.
    Scalar(String, bool),
    List(Vec<Node>),
    /// Keys in their order, each once.
    Map(Vec<(String, Place, Node)>),
}

/// What is being read: a list, or a map with the key that waits for its value.
enum Open {
    List(Place, Vec<Node>),
    Map(Place, Vec<(String, Place, Node)>, Option<(String, Place)>),
}

fn place(marker: &Marker) -> Place {
    Place { line: marker.line(), column: marker.col() + 1 }
}

fn syntax(error: &ScanError) -> Error {
    Error::new(
        place(error.marker()),
        format!("this is not YAML: {}", error.info()),
        "see the indentation and the quotes",
    )
}

/// Reads a text of one document.
pub(crate) fn parse(text: &[u8]) -> Result<Node, Error> {
    let start = Place { line: 1, column: 1 };
    if text.len() > MAX_POLICY {
        return Err(Error::new(start, "the policy is larger than 1 MiB", "policies have some lines a container"));
    }
    let text = str::from_utf8(text).map_err(|error| {
        let before = text.get(..error.valid_up_to()).unwrap_or(&[]);
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Error::new(Place { line, column: 1 }, "this line is not UTF-8", "save the file as UTF-8")
    })?;
    let mut stack: Vec<Open> = Vec::new();
    let mut root: Option<Node> = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        let place = place(&span.start);
        let finished = match event {
            Event::Scalar(_, _, anchor, ref tag) if anchor != 0 || tag.is_some() => return Err(fancy(place)),
            Event::SequenceStart(anchor, ref tag) | Event::MappingStart(anchor, ref tag)
                if anchor != 0 || tag.is_some() =>
            {
                return Err(fancy(place));
            }
            Event::Alias(_) => return Err(fancy(place)),
            Event::SequenceStart(..) | Event::MappingStart(..) if stack.len() >= MAX_DEPTH => {
                return Err(Error::new(place, "nested too deeply", "see docs/rootless-agent.md for the form"));
            }
            Event::SequenceStart(..) => {
                stack.push(Open::List(place, Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                stack.push(Open::Map(place, Vec::new(), None));
                continue;
            }
            Event::Scalar(text, style, ..) => {
                Node { place, content: Content::Scalar(text.into_owned(), style == ScalarStyle::Plain) }
            }
            Event::SequenceEnd | Event::MappingEnd => match stack.pop() {
                Some(Open::List(place, items)) => Node { place, content: Content::List(items) },
                Some(Open::Map(place, members, _)) => Node { place, content: Content::Map(members) },
                None => continue,
            },
            Event::DocumentStart(_) if root.is_some() => {
                return Err(Error::new(place, "a second document begins here", "a policy is one document"));
            }
            _ => continue,
        };
        match stack.last_mut() {
            None => root = Some(finished),
            Some(Open::List(_, items)) => items.push(finished),
            Some(Open::Map(_, members, key)) => match key.take() {
                Some((name, place)) => members.push((name, place, finished)),
                None => *key = Some(read_key(finished, members)?),
            },
        }
    }
    root.ok_or_else(|| Error::new(start, "the policy is empty", "it begins with `version: 1`"))
}

fn fancy(place: Place) -> Error {
    Error::new(place, "anchors, aliases and tags are not for policies", "write the value itself")
}

fn read_key(node: Node, members: &[(String, Place, Node)]) -> Result<(String, Place), Error> {
    let Content::Scalar(name, _) = node.content else {
        return Err(Error::new(node.place, "a key has to be a word", "see docs/rootless-agent.md for the form"));
    };
    if members.iter().any(|(there, ..)| *there == name) {
        return Err(Error::new(node.place, format!("\"{name}\" is here twice"), "join the two"));
    }
    Ok((name, node.place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(text: &str) -> (usize, usize, String) {
        let error = parse(text.as_bytes()).unwrap_err();
        (error.place.line, error.place.column, error.what)
    }

    #[test]
    fn every_node_has_its_place() {
        let node = parse(b"a: 1\nb:\n  - 'x'\n  - {c: d}\n").unwrap();
        let Content::Map(members) = node.content else { panic!() };
        let (name, key, value) = &members[1];
        assert_eq!((name.as_str(), key.line, key.column), ("b", 2, 1));
        let Content::List(items) = &value.content else { panic!() };
        assert_eq!(items[0].content, Content::Scalar("x".into(), false));
        assert_eq!((items[1].place.line, items[1].place.column), (4, 5));
    }

    #[test]
    fn what_a_policy_has_no_use_for_is_refused_with_its_place() {
        assert_eq!(fails("a: &x 1\nb: *x\n"), (1, 4, "anchors, aliases and tags are not for policies".into()));
        assert_eq!(fails("a: 1\na: 2\n"), (2, 1, "\"a\" is here twice".into()));
        assert_eq!(fails("a: 1\n---\nb: 1\n").2, "a second document begins here");
        assert_eq!(fails("").2, "the policy is empty");
        assert_eq!(fails(&"[".repeat(100)).2, "nested too deeply");
        assert!(fails("a: [1\n").2.starts_with("this is not YAML"));
        assert_eq!(parse(b"a: 1\nb: \xff\n").unwrap_err().place.line, 2);
    }
}
