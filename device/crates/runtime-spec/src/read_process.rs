//! The reader of [`Process`], and of a list of processors.

use crate::names::{IO_CLASSES, RLIMITS, SCHEDULER_FLAGS, SCHEDULER_POLICIES, capability};
use crate::node::{Error, Node};
use crate::process::{Affinity, Capabilities, IoPriority, Process, Rlimit, Scheduler, Size, User};
use alloc::format;
use alloc::vec::Vec;

impl Process {
    /// Reads `process`, or a document of its own.
    pub fn read(node: &Node<'_>) -> Result<Self, Error> {
        node.object()?;
        let process = Self {
            terminal: node.or_default("terminal", Node::bool)?,
            console_size: node.optional("consoleSize", Size::read)?,
            cwd: node.required("cwd", Node::absolute_path)?,
            env: node.or_default("env", |list| list.each(Node::c_string))?,
            args: node.or_default("args", |list| list.each(Node::c_string))?,
            user: node.or_default("user", User::read)?,
            capabilities: node.optional("capabilities", Capabilities::read)?,
            rlimits: node.or_default("rlimits", |list| list.each(Rlimit::read))?,
            no_new_privileges: node.or_default("noNewPrivileges", Node::bool)?,
            apparmor_profile: node.optional("apparmorProfile", Node::string)?.filter(|name| !name.is_empty()),
            selinux_label: node.optional("selinuxLabel", Node::string)?.filter(|name| !name.is_empty()),
            oom_score_adj: node.optional("oomScoreAdj", oom_score)?,
            scheduler: node.optional("scheduler", Scheduler::read)?,
            io_priority: node.optional("ioPriority", IoPriority::read)?,
            exec_cpu_affinity: node.optional("execCPUAffinity", Affinity::read)?,
        };
        if process.args.is_empty() {
            return Err(node.error("args is empty"));
        }
        let mut kinds: Vec<u32> = process.rlimits.iter().map(|limit| limit.resource).collect();
        kinds.sort_unstable();
        if !kinds.is_sorted_by(|a, b| a < b) {
            return Err(node.error("rlimits has the same type twice"));
        }
        Ok(process)
    }
}

fn oom_score(node: &Node<'_>) -> Result<i32, Error> {
    let score = node.number::<i32>()?;
    if (-1000..=1000).contains(&score) {
        Ok(score)
    } else {
        Err(node.error(format!("{score} is not from -1000 to 1000")))
    }
}

/// A user or group. To the kernel, the largest number says that nothing is to be changed: the process would stay root.
fn identity(node: &Node<'_>) -> Result<u32, Error> {
    match node.number()? {
        u32::MAX => Err(node.error("4294967295 is no user or group")),
        number => Ok(number),
    }
}

impl Size {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        Ok(Self { height: node.required("height", Node::number)?, width: node.required("width", Node::number)? })
    }
}

impl User {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        Ok(Self {
            uid: node.or_default("uid", identity)?,
            gid: node.or_default("gid", identity)?,
            umask: node.optional("umask", Node::number)?,
            additional_gids: node.or_default("additionalGids", |list| list.each(identity))?,
        })
    }
}

impl Capabilities {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let mut unknown = Vec::new();
        let mut set = |key| {
            node.or_default(key, |list| {
                let bits = list.each(|item| {
                    let name = item.text()?;
                    let bit = capability(name);
                    if bit.is_none() {
                        unknown.push(name.into());
                    }
                    Ok(bit.map_or(0, |bit| 1u64 << bit))
                })?;
                Ok(bits.iter().fold(0, |all, bit| all | bit))
            })
        };
        Ok(Self {
            effective: set("effective")?,
            bounding: set("bounding")?,
            inheritable: set("inheritable")?,
            permitted: set("permitted")?,
            ambient: set("ambient")?,
            unknown,
        })
    }
}

impl Rlimit {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let limit = Self {
            resource: node.required("type", |name| name.named("limit", RLIMITS))?,
            soft: node.required("soft", Node::u64)?,
            hard: node.required("hard", Node::u64)?,
        };
        if limit.soft > limit.hard { Err(node.error("soft is above hard")) } else { Ok(limit) }
    }
}

impl Scheduler {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let flags = node.or_default("flags", |list| list.each(|flag| flag.named("flag", SCHEDULER_FLAGS)))?;
        Ok(Self {
            policy: node.required("policy", |name| name.named("policy", SCHEDULER_POLICIES))?,
            nice: node.or_default("nice", Node::number)?,
            priority: node.or_default("priority", Node::number)?,
            flags: flags.iter().fold(0, |all, flag| all | flag),
            runtime: node.or_default("runtime", Node::u64)?,
            deadline: node.or_default("deadline", Node::u64)?,
            period: node.or_default("period", Node::u64)?,
        })
    }
}

impl IoPriority {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        let level = node.or_default("priority", Node::number::<u32>)?;
        if level > 7 {
            return Err(node.error(format!("priority {level} is not from 0 to 7")));
        }
        Ok(Self { class: node.required("class", |name| name.named("class", IO_CLASSES))?, level })
    }
}

impl Affinity {
    fn read(node: &Node<'_>) -> Result<Self, Error> {
        Ok(Self { initial: node.optional("initial", processors)?, last: node.optional("final", processors)? })
    }
}

fn processors(node: &Node<'_>) -> Result<Vec<u64>, Error> {
    numbers_as_bits(node.text()?).ok_or_else(|| node.error("is no list such as 0-3,7"))
}

/// `0-3,7` as bits: bit n of word n / 64. At most 8,192 numbers.
#[must_use]
pub fn numbers_as_bits(text: &str) -> Option<Vec<u64>> {
    let mut words = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.trim().split_once('-').unwrap_or((part.trim(), part.trim()));
        let (first, last) = (first.parse::<usize>().ok()?, last.parse::<usize>().ok()?);
        if first > last || last >= 8192 {
            return None;
        }
        if words.len() <= last / 64 {
            words.resize(last / 64 + 1, 0u64);
        }
        for number in first..=last {
            *words.get_mut(number / 64)? |= 1 << (number % 64);
        }
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Process, alloc::string::String> {
        Process::read(&Node::document(&json::parse(text.as_bytes()).unwrap())).map_err(|error| error.to_string())
    }

    #[test]
    fn nobody_is_the_user_that_means_no_change() {
        for key in ["uid", "gid"] {
            let error = read(&alloc::format!(r#"{{"cwd": "/", "args": ["a"], "user": {{"{key}": 4294967295}}}}"#));
            assert_eq!(error.unwrap_err(), alloc::format!("user.{key}: 4294967295 is no user or group"));
        }
    }

    #[test]
    fn a_process_is_read() {
        let process = read(
            r#"{"cwd": "/", "args": ["a"], "capabilities": {"bounding": ["CAP_CHOWN", "CAP_CHECKPOINT_RESTORE", "CAP_X"]},
            "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 2}], "oomScoreAdj": -500,
            "scheduler": {"policy": "SCHED_FIFO", "priority": 10, "flags": ["SCHED_FLAG_RESET_ON_FORK"]},
            "execCPUAffinity": {"initial": "0-1", "final": "65"}}"#,
        )
        .unwrap();
        let capabilities = process.capabilities.unwrap();
        assert_eq!((capabilities.bounding, capabilities.unknown.len()), (1 | 1 << 40, 1));
        assert_eq!(process.rlimits, [Rlimit { resource: 7, soft: 1, hard: 2 }]);
        assert_eq!(process.oom_score_adj, Some(-500));
        let scheduler = process.scheduler.unwrap();
        assert_eq!((scheduler.policy, scheduler.priority, scheduler.flags), (1, 10, 1));
        assert_eq!(process.exec_cpu_affinity, Some(Affinity { initial: Some(vec![3]), last: Some(vec![0, 2]) }));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (text, wanted) in [
            (r#"{"cwd": "/"}"#, "args is empty"),
            (r#"{"cwd": "a", "args": ["a"]}"#, "cwd: is no absolute path"),
            (
                r#"{"cwd": "/", "args": ["a"], "rlimits": [{"type": "RLIMIT_X", "soft": 1, "hard": 1}]}"#,
                r#"rlimits[0].type: "RLIMIT_X" is no limit"#,
            ),
            (
                r#"{"cwd": "/", "args": ["a"], "rlimits": [{"type": "RLIMIT_CPU", "soft": 1, "hard": 1}, {"type": "RLIMIT_CPU", "soft": 1, "hard": 1}]}"#,
                "rlimits has the same type twice",
            ),
            (r#"{"cwd": "/", "args": ["a"], "oomScoreAdj": 1001}"#, "oomScoreAdj: 1001 is not from -1000 to 1000"),
            (r#"{"cwd": "/", "args": ["a"], "user": {"uid": -1}}"#, "user.uid: -1 is out of range"),
        ] {
            assert_eq!(read(text).unwrap_err(), wanted);
        }
    }

    #[test]
    fn lists_of_numbers_become_bits() {
        assert_eq!(numbers_as_bits("0-3,7"), Some(vec![0b1000_1111]));
        for wrong in ["", "3-1", "a", "0-", "9999999", "1,,2"] {
            assert_eq!(numbers_as_bits(wrong), None, "{wrong}");
        }
    }
}
