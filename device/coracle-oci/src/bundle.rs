//! A bundle: its config.json, read and checked as far as it can be before anything is made.

use crate::error::{About, Error};
use crate::namespaces;
use crate::rootfs;
use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;
use kernel::{CWD, fs};
use runtime_spec::{Config, LIMIT, Linux, NamespaceKind, Node, Process};

/// A bundle, which has become the working directory.
#[derive(Debug)]
pub(crate) struct Bundle {
    /// Absolute path.
    pub(crate) path: CString,
    /// Absolute path of the root file system.
    pub(crate) root: CString,
    /// Its configuration.
    pub(crate) config: Config,
    /// As it was read.
    pub(crate) text: Vec<u8>,
}

impl Bundle {
    /// Changes to a bundle and reads it. `config` is another file than its config.json.
    pub(crate) fn enter(path: &CStr, config: Option<&CStr>) -> Result<Self, Error> {
        fs::change_directory(path).about(|| format!("open bundle {}", path.to_string_lossy()))?;
        let path = fs::working_directory().about(|| "getcwd")?;
        let file = config.unwrap_or(c"config.json");
        let text = read_text(file)?;
        let value = json::parse(&text).map_err(|error| wrong(file, error))?;
        let config = Config::read(&Node::document(&value)).map_err(|error| wrong(file, error))?;
        check(&config)?;
        let root = match config.root.path.as_bytes() {
            [b'/', ..] => config.root.path.clone(),
            relative => {
                CString::new([path.as_bytes(), b"/", relative].concat()).map_err(|_| Error::config("root.path"))?
            }
        };
        let stat = fs::stat_at(CWD, &root, 0).about(|| format!("open root {}", root.to_string_lossy()))?;
        if stat.st_mode & fs::S_IFMT != fs::S_IFDIR {
            return Err(Error::config(format!("root.path: {} is no directory", root.to_string_lossy())));
        }
        Ok(Self { path, root, config, text })
    }
}

/// Reads a process.json.
pub(crate) fn read_process(file: &CStr) -> Result<Process, Error> {
    let value = read_json(file)?;
    Process::read(&Node::document(&value)).map_err(|error| wrong(file, error))
}

/// Reads a JSON document.
pub(crate) fn read_json(file: &CStr) -> Result<json::Value, Error> {
    json::parse(&read_text(file)?).map_err(|error| wrong(file, error))
}

fn read_text(file: &CStr) -> Result<Vec<u8>, Error> {
    fs::read_file(CWD, file, LIMIT).about(|| format!("open {}", file.to_string_lossy()))
}

fn wrong(file: &CStr, error: impl core::fmt::Display) -> Error {
    Error::Document { file: file.to_string_lossy().into_owned(), what: format!("{error}") }
}

/// Refuses what can only be a mistake, or would change the host.
pub(crate) fn check(config: &Config) -> Result<(), Error> {
    let linux = &config.linux;
    let needs = |field: &str, used: bool, kind: NamespaceKind| {
        if used && linux.namespace(kind).is_none() {
            return Err(Error::config(format!("{field} is set, but the container has no {kind:?} namespace")));
        }
        Ok(())
    };
    if (config.hostname.is_some() || config.domainname.is_some())
        && linux.namespace(NamespaceKind::Uts).is_some_and(namespaces::is_the_runtimes)
    {
        return Err(Error::config("hostname or domainname is set, but the container's Uts namespace is the host's"));
    }
    needs("hostname", config.hostname.is_some(), NamespaceKind::Uts)?;
    needs("domainname", config.domainname.is_some(), NamespaceKind::Uts)?;
    needs("linux.uidMappings", !linux.uid_mappings.is_empty(), NamespaceKind::User)?;
    needs("linux.gidMappings", !linux.gid_mappings.is_empty(), NamespaceKind::User)?;
    needs("linux.netDevices", !linux.net_devices.is_empty(), NamespaceKind::Network)?;
    needs("linux.maskedPaths", !linux.masked_paths.is_empty(), NamespaceKind::Mount)?;
    needs("linux.readonlyPaths", !linux.readonly_paths.is_empty(), NamespaceKind::Mount)?;
    let offsets = linux.time_offsets.iter().any(|offset| offset.seconds != 0 || offset.nanoseconds != 0);
    needs("linux.timeOffsets", offsets, NamespaceKind::Time)?;
    check_user_namespace(linux)?;
    rootfs::check_sysctl(linux)
}

fn check_user_namespace(linux: &Linux) -> Result<(), Error> {
    match linux.namespace(NamespaceKind::User) {
        Some(namespace)
            if namespace.path.is_none() && (linux.uid_mappings.is_empty() || linux.gid_mappings.is_empty()) =>
        {
            Err(Error::config("linux.namespaces has a new user namespace, but linux lacks uidMappings or gidMappings"))
        }
        _ => Ok(()),
    }
}
