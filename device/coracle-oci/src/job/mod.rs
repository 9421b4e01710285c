//! A job: all that the last stage of a container's process needs to become the program. It is worked out by the command,
//! outside of the container, and sent through a socket: when the container is created, or when it is started.

mod code;

use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;
use code::{Reader, Writer};
use kernel::security::Instruction;
use runtime_spec::{Capabilities, IoPriority, MemoryPolicy, Process, Rlimit, Scheduler, Size, User};

/// The largest job that is taken, in bytes.
pub(crate) const LIMIT: usize = 8 << 20;

/// What to do, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Job {
    /// The program and as whom it runs.
    pub(crate) process: Process,
    /// Filter of system calls.
    pub(crate) filter: Option<Filter>,
    /// Hooks to run in the container before the program starts, with the state that they read.
    pub(crate) hooks: Vec<runtime_spec::Hook>,
    /// What they read: the container's state as JSON, with the pid that it has in its own namespace.
    pub(crate) hook_state: String,
    /// What the seccomp listener is told, or the container's state as JSON with the pid that the host knows.
    pub(crate) state: String,
    /// Hold still when all is ready, until somebody says start.
    pub(crate) wait: bool,
    /// Set limits here; otherwise the command outside has done it, which may raise them.
    pub(crate) set_limits: bool,
    /// In the container's UTS namespace, instead of what it was created with.
    pub(crate) host_name: Option<String>,
    /// As above.
    pub(crate) domain_name: Option<String>,
    /// The process has been moved: its cgroup namespace is to begin where it is now.
    pub(crate) new_cgroup_namespace: bool,
    /// Execution domain.
    pub(crate) personality: Option<u64>,
    /// Of NUMA.
    pub(crate) memory_policy: Option<MemoryPolicy>,
    /// Descriptors from 3 up that the program is to have.
    pub(crate) kept_descriptors: u32,
    /// Processors from the start on (annotation), where the process itself says nothing.
    pub(crate) affinity: Option<Vec<u64>>,
    /// A new session keyring of this name, unless empty.
    pub(crate) keyring: Option<CString>,
    /// Of a container: its terminal is bound to `/dev/console`, and its working directory is made if it is not there.
    pub(crate) first_process: bool,
    /// The container has a user namespace in which groups cannot be set.
    pub(crate) groups_denied: bool,
}

/// A program for seccomp.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Classic BPF.
    pub(crate) program: Vec<Instruction>,
    /// `SECCOMP_FILTER_FLAG_` bits.
    pub(crate) flags: u32,
    /// Whether some call is decided by a listener.
    pub(crate) notifies: bool,
    /// Sent to the listener.
    pub(crate) metadata: String,
}

impl Job {
    /// Whether there is a program to become; without it, a container waits for one.
    pub(crate) fn has_process(&self) -> bool {
        !self.process.args.is_empty()
    }

    /// This job, sent to a process that waits, with what belongs to the container and not to its program: the process of
    /// `start --process` brings neither a filter nor hooks, and must not get rid of them. A job with a state of its own
    /// (of a container that is taken from a pool) is complete.
    pub(crate) fn in_place_of(self, before: &Self) -> Self {
        let groups_denied = before.groups_denied;
        if !self.state.is_empty() {
            return Self { groups_denied, ..self };
        }
        Self {
            process: self.process,
            wait: self.wait,
            set_limits: self.set_limits,
            affinity: self.affinity.or_else(|| before.affinity.clone()),
            keyring: None,
            ..before.clone()
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        self.write_process(&mut writer);
        writer.optional(self.filter.as_ref(), |writer, filter| {
            writer.list(&filter.program, |writer, instruction| {
                writer.number(
                    u64::from(instruction.code) << 48
                        | u64::from(instruction.jt) << 40
                        | u64::from(instruction.jf) << 32
                        | u64::from(instruction.k),
                );
            });
            writer.number(filter.flags.into());
            writer.number(filter.notifies.into());
            writer.bytes(filter.metadata.as_bytes());
        });
        writer.list(&self.hooks, |writer, hook| {
            writer.bytes(hook.path.as_bytes());
            writer.list(&hook.args, |writer, text| writer.bytes(text.as_bytes()));
            writer.list(&hook.env, |writer, text| writer.bytes(text.as_bytes()));
            writer.optional(hook.timeout.as_ref(), |writer, seconds| writer.number((*seconds).into()));
        });
        writer.bytes(self.hook_state.as_bytes());
        writer.bytes(self.state.as_bytes());
        for truth in [self.wait, self.set_limits, self.new_cgroup_namespace, self.first_process, self.groups_denied] {
            writer.number(truth.into());
        }
        for name in [&self.host_name, &self.domain_name] {
            writer.optional(name.as_ref(), |writer, text| writer.bytes(text.as_bytes()));
        }
        writer.optional(self.personality.as_ref(), |writer, number| writer.number(*number));
        writer.optional(self.memory_policy.as_ref(), |writer, policy| {
            writer.number(policy.mode.into());
            writer.list(&policy.nodes, |writer, word| writer.number(*word));
        });
        writer.number(self.kept_descriptors.into());
        writer.optional(self.affinity.as_ref(), |writer, mask| writer.list(mask, |writer, word| writer.number(*word)));
        writer.optional(self.keyring.as_ref(), |writer, name| writer.bytes(name.as_bytes()));
        writer.finish()
    }

    fn write_process(&self, writer: &mut Writer) {
        let process = &self.process;
        writer.number(process.terminal.into());
        writer.optional(process.console_size.as_ref(), |writer, size| {
            writer.number(u64::from(size.height) << 16 | u64::from(size.width));
        });
        writer.bytes(process.cwd.as_bytes());
        writer.list(&process.env, |writer, text| writer.bytes(text.as_bytes()));
        writer.list(&process.args, |writer, text| writer.bytes(text.as_bytes()));
        writer.number(process.user.uid.into());
        writer.number(process.user.gid.into());
        writer.optional(process.user.umask.as_ref(), |writer, mask| writer.number((*mask).into()));
        writer.list(&process.user.additional_gids, |writer, group| writer.number((*group).into()));
        writer.optional(process.capabilities.as_ref(), |writer, sets| {
            for set in [sets.effective, sets.bounding, sets.inheritable, sets.permitted, sets.ambient] {
                writer.number(set);
            }
        });
        writer.list(&process.rlimits, |writer, limit| {
            for number in [limit.resource.into(), limit.soft, limit.hard] {
                writer.number(number);
            }
        });
        writer.number(process.no_new_privileges.into());
        writer.optional(process.apparmor_profile.as_ref(), |writer, text| writer.bytes(text.as_bytes()));
        writer.optional(process.selinux_label.as_ref(), |writer, text| writer.bytes(text.as_bytes()));
        writer.optional(process.scheduler.as_ref(), |writer, scheduler| {
            let small = u64::from(scheduler.policy) << 40
                | u64::from(scheduler.priority & 0xff) << 32
                | u64::from(scheduler.nice as u32);
            for number in [small, scheduler.flags, scheduler.runtime, scheduler.deadline, scheduler.period] {
                writer.number(number);
            }
        });
        writer.optional(process.io_priority.as_ref(), |writer, priority| {
            writer.number(u64::from(priority.class) << 8 | u64::from(priority.level));
        });
        let last = process.exec_cpu_affinity.as_ref().and_then(|affinity| affinity.last.as_ref());
        writer.optional(last, |writer, mask| writer.list(mask, |writer, word| writer.number(*word)));
    }

    /// `None` if the bytes are no job.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let process = read_process(&mut reader)?;
        let filter = reader.optional(|reader| {
            Some(Filter {
                program: reader.list(|reader| {
                    let word = reader.number()?;
                    Some(Instruction {
                        code: (word >> 48) as u16,
                        jt: (word >> 40) as u8,
                        jf: (word >> 32) as u8,
                        k: word as u32,
                    })
                })?,
                flags: reader.small()?,
                notifies: reader.truth()?,
                metadata: reader.text()?,
            })
        })?;
        let hooks = reader.list(|reader| {
            Some(runtime_spec::Hook {
                path: reader.c_string()?,
                args: reader.list(Reader::c_string)?,
                env: reader.list(Reader::c_string)?,
                timeout: reader.optional(Reader::small)?,
            })
        })?;
        let hook_state = reader.text()?;
        let state = reader.text()?;
        let [wait, set_limits, new_cgroup_namespace, first_process, groups_denied] = reader.truths()?;
        let job = Self {
            process,
            filter,
            hooks,
            hook_state,
            state,
            wait,
            set_limits,
            new_cgroup_namespace,
            first_process,
            groups_denied,
            host_name: reader.optional(Reader::text)?,
            domain_name: reader.optional(Reader::text)?,
            personality: reader.optional(Reader::number)?,
            memory_policy: reader
                .optional(|reader| Some(MemoryPolicy { mode: reader.small()?, nodes: reader.list(Reader::number)? }))?,
            kept_descriptors: reader.small()?,
            affinity: reader.optional(|reader| reader.list(Reader::number))?,
            keyring: reader.optional(Reader::c_string)?,
        };
        reader.is_at_end().then_some(job)
    }
}

fn read_process(reader: &mut Reader<'_>) -> Option<Process> {
    Some(Process {
        terminal: reader.truth()?,
        console_size: reader.optional(|reader| {
            let both = reader.small()?;
            Some(Size { height: (both >> 16) as u16, width: both as u16 })
        })?,
        cwd: reader.c_string()?,
        env: reader.list(Reader::c_string)?,
        args: reader.list(Reader::c_string)?,
        user: User {
            uid: reader.small()?,
            gid: reader.small()?,
            umask: reader.optional(Reader::small)?,
            additional_gids: reader.list(Reader::small)?,
        },
        capabilities: reader.optional(|reader| {
            Some(Capabilities {
                effective: reader.number()?,
                bounding: reader.number()?,
                inheritable: reader.number()?,
                permitted: reader.number()?,
                ambient: reader.number()?,
                unknown: Vec::new(),
            })
        })?,
        rlimits: reader.list(|reader| {
            Some(Rlimit { resource: reader.small()?, soft: reader.number()?, hard: reader.number()? })
        })?,
        no_new_privileges: reader.truth()?,
        apparmor_profile: reader.optional(Reader::text)?,
        selinux_label: reader.optional(Reader::text)?,
        oom_score_adj: None,
        scheduler: reader.optional(|reader| {
            let small = reader.number()?;
            Some(Scheduler {
                policy: (small >> 40) as u32,
                priority: (small >> 32) as u32 & 0xff,
                nice: small as u32 as i32,
                flags: reader.number()?,
                runtime: reader.number()?,
                deadline: reader.number()?,
                period: reader.number()?,
            })
        })?,
        io_priority: reader.optional(|reader| {
            let both = reader.small()?;
            Some(IoPriority { class: both >> 8, level: both & 0xff })
        })?,
        exec_cpu_affinity: reader
            .optional(|reader| reader.list(Reader::number))?
            .map(|last| runtime_spec::Affinity { initial: None, last: Some(last) }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Job {
        Job {
            process: Process {
                terminal: true,
                console_size: Some(Size { height: 24, width: 80 }),
                cwd: c"/a".into(),
                env: vec![c"A=b".into()],
                args: vec![c"x".into(), c"".into()],
                user: User { uid: 1, gid: 2, umask: Some(0o22), additional_gids: vec![3, 4] },
                capabilities: Some(Capabilities {
                    effective: 1,
                    bounding: 2,
                    inheritable: 3,
                    permitted: 4,
                    ambient: 5,
                    unknown: vec![],
                }),
                rlimits: vec![Rlimit { resource: 7, soft: 1, hard: u64::MAX }],
                no_new_privileges: true,
                apparmor_profile: Some("p".into()),
                selinux_label: None,
                oom_score_adj: None,
                scheduler: Some(Scheduler {
                    policy: 6,
                    nice: -20,
                    priority: 99,
                    flags: 1,
                    runtime: 2,
                    deadline: 3,
                    period: 4,
                }),
                io_priority: Some(IoPriority { class: 2, level: 7 }),
                exec_cpu_affinity: Some(runtime_spec::Affinity { initial: None, last: Some(vec![1, 2]) }),
            },
            filter: Some(Filter {
                program: vec![Instruction { code: 0x20, jt: 1, jf: 255, k: u32::MAX }],
                flags: 2,
                notifies: true,
                metadata: "é".into(),
            }),
            hooks: vec![runtime_spec::Hook {
                path: c"/h".into(),
                args: vec![],
                env: vec![c"E=1".into()],
                timeout: Some(9),
            }],
            hook_state: "{\"pid\":1}".into(),
            state: "{}".into(),
            wait: true,
            set_limits: false,
            host_name: Some("h".into()),
            domain_name: None,
            new_cgroup_namespace: true,
            personality: Some(8),
            memory_policy: Some(MemoryPolicy { mode: 3, nodes: vec![1] }),
            kept_descriptors: 2,
            affinity: Some(vec![]),
            keyring: Some(c"k".into()),
            first_process: true,
            groups_denied: false,
        }
    }

    #[test]
    fn a_job_comes_out_as_it_went_in() {
        for job in [full(), Job::default()] {
            assert_eq!(Job::decode(&job.encode()), Some(job));
        }
    }

    #[test]
    fn another_process_does_not_get_rid_of_what_the_container_has() {
        let before = full();
        let sent = Job { process: Process { args: vec![c"y".into()], ..Process::default() }, ..Job::default() };
        let job = sent.clone().in_place_of(&before);
        assert_eq!((&job.process, job.wait, job.set_limits), (&sent.process, false, false));
        assert_eq!((&job.filter, &job.hooks, &job.state), (&before.filter, &before.hooks, &before.state));
        assert_eq!((job.personality, job.kept_descriptors, job.first_process), (Some(8), 2, true));
        assert_eq!(job.affinity, before.affinity);
        let complete = Job { state: "{}".into(), ..Job::default() };
        assert_eq!(complete.clone().in_place_of(&before), complete);
    }

    #[test]
    fn what_is_cut_or_too_long_is_no_job() {
        let bytes = full().encode();
        for length in 0..bytes.len() {
            assert_eq!(Job::decode(&bytes[..length]), None, "{length}");
        }
        assert_eq!(Job::decode(&[bytes.as_slice(), &[0]].concat()), None);
    }
}
