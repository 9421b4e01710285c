//! The document itself: `config.md` of the specification.

use crate::linux::{IdMapping, Linux};
use crate::node::{Error, Node};
use crate::process::Process;
use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;

/// A container's configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// `1.0.2`.
    pub oci_version: String,
    /// The file system to run on; needed on Linux.
    pub root: Root,
    /// In this order.
    pub mounts: Vec<Mount>,
    /// What to run; without it the container can be created, and be given a process when it starts.
    pub process: Option<Process>,
    /// Host name in the UTS namespace.
    pub hostname: Option<String>,
    /// Domain name in the UTS namespace.
    pub domainname: Option<String>,
    /// Programs to run at points of the life cycle.
    pub hooks: Hooks,
    /// Anything; `org.coracle.…` mean something to this runtime.
    pub annotations: Vec<(String, String)>,
    /// What is of Linux alone.
    pub linux: Linux,
}

/// `root`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Root {
    /// Absolute, or relative to the bundle.
    pub path: CString,
    /// Mounted read-only at the end.
    pub readonly: bool,
}

/// An item of `mounts`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mount {
    /// In the container; a relative one is taken from its root.
    pub destination: CString,
    /// `proc`, `tmpfs`, `bind` …
    pub kind: Option<CString>,
    /// A device, or a path on the host for a bind mount (relative: to the bundle).
    pub source: Option<CString>,
    /// As of fstab.
    pub options: Vec<String>,
    /// Users of the source as seen in the mount.
    pub uid_mappings: Vec<IdMapping>,
    /// As above.
    pub gid_mappings: Vec<IdMapping>,
}

/// `hooks`, each list in the order of running.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hooks {
    /// Deprecated, in the runtime's namespaces, after the container's are made and before its root changes.
    pub prestart: Vec<Hook>,
    /// As `prestart`, after those.
    pub create_runtime: Vec<Hook>,
    /// In the container's namespaces, before its root changes.
    pub create_container: Vec<Hook>,
    /// In the container, before its process starts.
    pub start_container: Vec<Hook>,
    /// In the runtime's namespaces, after the process has started.
    pub poststart: Vec<Hook>,
    /// In the runtime's namespaces, after the container is deleted.
    pub poststop: Vec<Hook>,
}

/// A program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hook {
    /// Absolute.
    pub path: CString,
    /// `argv`, its name included; empty: the path.
    pub args: Vec<CString>,
    /// The whole environment.
    pub env: Vec<CString>,
    /// Seconds until it is killed and has failed.
    pub timeout: Option<u32>,
}

impl Config {
    /// Reads the document. What belongs to other systems than Linux is not looked at.
    pub fn read(document: &Node<'_>) -> Result<Self, Error> {
        document.object()?;
        Ok(Self {
            oci_version: document.required("ociVersion", version)?,
            root: document.required("root", Root::read)?,
            mounts: document.or_default("mounts", |list| list.each(Mount::read))?,
            process: document.optional("process", Process::read)?,
            hostname: document.optional("hostname", Node::string)?,
            domainname: document.optional("domainname", Node::string)?,
            hooks: document.or_default("hooks", Hooks::read)?,
            annotations: document.or_default("annotations", annotations)?,
            linux: document.or_default("linux", Linux::read)?,
        })
    }
}

/// A version of semver 2.0 whose first number is 1.
fn annotations(node: &Node<'_>) -> Result<Vec<(String, String)>, Error> {
    let all = node.text_map()?;
    if all.iter().any(|(key, _)| key.is_empty()) { Err(node.error("has an empty key")) } else { Ok(all) }
}

fn version(node: &Node<'_>) -> Result<String, Error> {
    let text = node.text()?;
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<Option<u32>> = core.split('.').map(|part| part.parse().ok()).collect();
    match *numbers {
        [Some(1), Some(_), Some(_)] => Ok(text.into()),
        [Some(_), Some(_), Some(_)] => {
            Err(node.error(alloc::format!("{text} is not supported, only versions 1.x.y are")))
        }
        _ => Err(node.error(alloc::format!("{text:?} is no version such as 1.2.0"))),
    }
}

impl Root {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let path = node.required("path", Node::c_string)?;
        if path.is_empty() {
            return Err(node.error("path is empty"));
        }
        Ok(Self { path, readonly: node.or_default("readonly", Node::bool)? })
    }
}

impl Mount {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let mount = Self {
            destination: node.required("destination", Node::c_string)?,
            kind: node.optional("type", Node::c_string)?,
            source: node.optional("source", Node::c_string)?,
            options: node.or_default("options", |list| list.each(Node::string))?,
            uid_mappings: node.or_default("uidMappings", |list| list.each(IdMapping::read))?,
            gid_mappings: node.or_default("gidMappings", |list| list.each(IdMapping::read))?,
        };
        if mount.uid_mappings.is_empty() != mount.gid_mappings.is_empty() {
            return Err(node.error("has only one of uidMappings and gidMappings"));
        }
        Ok(mount)
    }
}

impl Hooks {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let list = |key| node.or_default(key, |list| list.each(Hook::read));
        Ok(Self {
            prestart: list("prestart")?,
            create_runtime: list("createRuntime")?,
            create_container: list("createContainer")?,
            start_container: list("startContainer")?,
            poststart: list("poststart")?,
            poststop: list("poststop")?,
        })
    }
}

impl Hook {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let timeout = node.optional("timeout", Node::number::<u32>)?;
        if timeout == Some(0) {
            return Err(node.error("timeout has to be more than 0 seconds"));
        }
        Ok(Self {
            path: node.required("path", Node::absolute_path)?,
            args: node.or_default("args", |list| list.each(Node::c_string))?,
            env: node.or_default("env", |list| list.each(Node::c_string))?,
            timeout,
        })
    }

    /// The hook as a document, as [`Config::read`] reads it.
    #[must_use]
    pub fn to_json(&self) -> json::Value {
        let strings = |list: &[CString]| {
            json::Value::Array(list.iter().map(|text| text.to_string_lossy().into_owned().into()).collect())
        };
        let mut members = alloc::vec![
            ("path", self.path.to_string_lossy().into_owned().into()),
            ("args", strings(&self.args)),
            ("env", strings(&self.env)),
        ];
        members.extend(self.timeout.map(|seconds| ("timeout", u64::from(seconds).into())));
        json::object(members)
    }

    /// Reads a list of hooks.
    pub fn read_list(list: &Node<'_>) -> Result<Vec<Self>, Error> {
        list.each(Self::read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, Error> {
        Config::read(&Node::document(&json::parse(text.as_bytes()).unwrap()))
    }

    fn fails(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn the_smallest_configuration_is_read() {
        let config = read(r#"{"ociVersion": "1.0.0", "root": {"path": "rootfs"}}"#).unwrap();
        assert_eq!(config.root.path.as_c_str(), c"rootfs");
        assert_eq!(config.process, None);
    }

    #[test]
    fn errors_name_the_field() {
        assert_eq!(fails("[]"), "is no object");
        assert_eq!(fails("{}"), "lacks ociVersion");
        assert_eq!(fails(r#"{"ociVersion": "2.0.0"}"#), "ociVersion: 2.0.0 is not supported, only versions 1.x.y are");
        let mounts = r#"{"ociVersion": "1.2.0", "root": {"path": "r"}, "mounts": [{"destination": "/a"}, {"destination": "/\u0000"}]}"#;
        assert_eq!(fails(mounts), "mounts[1].destination: holds a zero byte");
        let hooks = r#"{"ociVersion": "1.2.0", "root": {"path": "r"}, "hooks": {"poststop": [{"path": "relative"}]}}"#;
        assert_eq!(fails(hooks), "hooks.poststop[0].path: is no absolute path");
        let null = r#"{"ociVersion": "1.2.0", "root": null}"#;
        assert_eq!(fails(null), "lacks root");
    }

    #[test]
    fn hooks_come_back_from_json_as_they_were() {
        let hook = Hook { path: c"/a".into(), args: alloc::vec![c"b".into()], env: alloc::vec![], timeout: Some(3) };
        let list = json::Value::Array(alloc::vec![hook.to_json()]);
        assert_eq!(Hook::read_list(&Node::document(&list)).unwrap(), [hook]);
    }
}
