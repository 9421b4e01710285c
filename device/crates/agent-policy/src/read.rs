//! Values of a policy out of YAML: the right kind, within bounds, from a known list; and maps whose every key is known.

use crate::error::{Error, Place, nearest};
use crate::glob::Glob;
use crate::yaml::{Content, Node};

/// A map whose keys are taken one by one; what is left then is unknown.
pub(crate) struct Fields<'n> {
    pub(crate) place: Place,
    members: &'n [(String, Place, Node)],
}

impl<'n> Fields<'n> {
    /// `what` is the map's name for messages; `known` all keys that it may have.
    pub(crate) fn of(node: &'n Node, what: &str, known: &[&str]) -> Result<Self, Error> {
        let Content::Map(members) = &node.content else {
            return Err(Error::new(node.place, format!("{what} has to be a map"), keys_hint(known)));
        };
        for (name, place, _) in members {
            if !known.contains(&name.as_str()) {
                let hint =
                    nearest(name, known).map_or_else(|| keys_hint(known), |near| format!("did you mean {near}?"));
                return Err(Error::new(*place, format!("{what} has no key \"{name}\""), hint));
            }
        }
        Ok(Self { place: node.place, members })
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        self.members.iter().find(|(name, ..)| name == key).map(|(.., node)| node)
    }

    pub(crate) fn need(&self, key: &str, what: &str) -> Result<&'n Node, Error> {
        self.get(key).ok_or_else(|| {
            Error::new(
                self.place,
                format!("{what} lacks \"{key}\""),
                format!("add `{key}:`; see docs/rootless-agent.md"),
            )
        })
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&'n str, &'n Node)> {
        self.members.iter().map(|(name, _, node)| (name.as_str(), node))
    }
}

fn keys_hint(known: &[&str]) -> String {
    if known.is_empty() { "see docs/rootless-agent.md".into() } else { format!("its keys are {}", known.join(", ")) }
}

pub(crate) fn text<'n>(node: &'n Node, what: &str) -> Result<&'n str, Error> {
    match &node.content {
        Content::Scalar(text, plain) if !(text.is_empty() || *plain && matches!(text.as_str(), "~" | "null")) => {
            Ok(text)
        }
        _ => Err(Error::new(
            node.place,
            format!("{what} has to be a text"),
            "put one there, in quotes if it looks like more",
        )),
    }
}

/// One item, or a list of them with at least one.
pub(crate) fn items(node: &Node) -> Result<&[Node], Error> {
    match &node.content {
        Content::List(items) if items.is_empty() => Err(Error::new(
            node.place,
            "the list is empty, so nothing matches it",
            "leave the key out, or list something",
        )),
        Content::List(items) => Ok(items),
        _ => Ok(std::slice::from_ref(node)),
    }
}

/// A list, which may be empty.
pub(crate) fn list<'n>(node: Option<&'n Node>, what: &str) -> Result<&'n [Node], Error> {
    match node.map(|node| (&node.content, node.place)) {
        None => Ok(&[]),
        Some((Content::List(items), _)) => Ok(items),
        Some((_, place)) => Err(Error::new(place, format!("{what} has to be a list"), "begin each item with `- `")),
    }
}

pub(crate) fn globs(node: &Node, what: &str) -> Result<Vec<Glob>, Error> {
    items(node)?.iter().map(|item| text(item, what).map(Glob::new)).collect()
}

/// Patterns for absolute paths. What could never match, or would surprise, is an error.
pub(crate) fn paths(node: &Node, what: &str) -> Result<Vec<Glob>, Error> {
    items(node)?
        .iter()
        .map(|item| {
            let path = text(item, what)?;
            let hint = "paths begin with / and have no . or .. in them";
            if !path.starts_with('/') && path != "**" {
                return Err(Error::new(item.place, format!("{what} \"{path}\" is no absolute path"), hint));
            }
            let odd = |part: &str| matches!(part, "." | "..");
            if path.split('/').any(odd) || path.contains("//") || (path.len() > 1 && path.ends_with('/')) {
                return Err(Error::new(item.place, format!("{what} \"{path}\" never matches a resolved path"), hint));
            }
            Ok(Glob::new(path))
        })
        .collect()
}

pub(crate) fn whole(node: &Node, what: &str, most: u32) -> Result<u32, Error> {
    let hint = format!("a whole number from 0 to {most}; 0o666 is octal");
    let bad = || Error::new(node.place, format!("{what} has to be a number"), hint.clone());
    let Content::Scalar(text, true) = &node.content else { return Err(bad()) };
    // 0666 is octal in YAML 1.1 and 666 in YAML 1.2: nobody should have to know.
    let number = match text.strip_prefix("0o") {
        Some(digits) => u32::from_str_radix(digits, 8),
        None if text.len() > 1 && text.starts_with('0') => {
            let hint = format!("write 0o{} for octal", text.trim_start_matches('0'));
            return Err(Error::new(node.place, format!("{what} {text} begins with 0"), hint));
        }
        None => text.parse(),
    };
    number.ok().filter(|number| *number <= most).ok_or_else(bad)
}

/// One of a list of words.
pub(crate) fn choice<T: Copy>(node: &Node, what: &str, known: &[(&str, T)]) -> Result<T, Error> {
    let word = text(node, what)?;
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == word) {
        return Ok(*value);
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let hint = nearest(word, &names)
        .map_or_else(|| format!("known are {}", names.join(", ")), |near| format!("did you mean {near}?"));
    Err(Error::new(node.place, format!("{what} \"{word}\" is not known"), hint))
}
