//! The readers of this program, for who feeds them anything (device/fuzz): bytes go in, and what is taken keeps its promises
//! or the reader panics. No part of the program.

use crate::arguments::{self, Known, flag, value};
use crate::bundle;
use crate::filter;
use crate::job::Job;
use crate::rootfs::options::Options;
use crate::state::{self, State};
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use runtime_spec::{Config, Node, Process, Resources};

/// config.json, process.json, or the document of resources that `update` takes; and what is worked out of it.
pub fn configuration(text: &[u8]) {
    let Ok(value) = json::parse(text) else { return };
    let document = Node::document(&value);
    let _ = (Process::read(&document), Resources::read(&document));
    let Ok(config) = Config::read(&document) else { return };
    let _ = bundle::check(&config);
    let _ = config.linux.seccomp.as_ref().map(filter::compile);
    for mount in &config.mounts {
        assert!(!mount.destination.as_bytes().contains(&0));
        let _ = Options::read(&mount.options);
    }
    if let Some(process) = config.process {
        let job = Job { process: Process { oom_score_adj: None, ..process }, ..Job::default() };
        let decoded = Job::decode(&job.encode());
        assert_eq!(decoded.map(|job| job.process.args), Some(job.process.args));
    }
}

/// Options of a mount, separated by commas: none sets what it clears, and of two that say the same, one does.
pub fn mount_options(text: &str) {
    let list: Vec<String> = text.split(',').map(Into::into).collect();
    let read = Options::read(&list);
    assert!(read.data.len() + read.flags.len() + read.propagation.len() <= list.len());
    let twice: Vec<String> = list.iter().chain(&list).cloned().collect();
    let twice = Options::read(&twice);
    assert_eq!((read.set, read.recursive_set, read.bind), (twice.set, twice.recursive_set, twice.bind));
}

/// state.json: what is read is read again as it was written.
pub fn state(text: &[u8]) {
    let Ok(value) = json::parse(text) else { return };
    let Ok(state) = State::read(&Node::document(&value)) else { return };
    let written = state.to_json();
    let again = State::read(&Node::document(&written));
    assert_eq!(again.as_ref().map(|state| (&state.id, state.pid_start)), Ok((&state.id, state.pid_start)));
}

/// A job: there is only one way to write one.
pub fn job(bytes: &[u8]) {
    if let Some(job) = Job::decode(bytes) {
        assert_eq!(Job::decode(&job.encode()), Some(job));
    }
}

const OPTIONS: &[Known] = &[value("bundle", Some('b')), flag("detach", Some('d')), value("preserve-fds", None)];

/// A command line: every word is an option, an option's value, or one that is kept.
pub fn command_line(words: &[&'static CStr], stop_at: Option<usize>) {
    let Ok(given) = arguments::read(words, OPTIONS, stop_at) else { return };
    assert!(given.words.len() + given.all("detach").count() <= words.len());
    let _ = (given.id(), given.text("bundle"), given.number::<u32>("preserve-fds"), given.has("detach"));
}

/// What /proc/PID/stat says of a process's start.
pub fn process_stat(text: &[u8]) {
    let start = state::start_in(text);
    let later = [text, b" 1 2 3"].concat();
    assert!(start.is_none() || state::start_in(&later).is_some());
}
