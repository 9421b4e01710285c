//! One listener: each notification is looked up among the calls, carried out or refused, answered and logged, until no
//! process has the filter any more. What a container makes slow, it makes slow for itself alone.

use crate::calls::{self, Done, Request, Stop};
use crate::errno;
use crate::log::Log;
use agent_policy::{Block, Container, Policy};
use json::{Value, object};
use linux::seccomp::{ARCHITECTURE, Listener, Notification, Wake};
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

/// What all containers' threads use.
pub(crate) struct Shared {
    pub(crate) policy: Policy,
    pub(crate) log: Log,
    /// The agent's own namespaces, in which nothing is done for anybody.
    pub(crate) user: File,
    pub(crate) mount: File,
    pub(crate) network: File,
}

/// More mounts than this of one listener cannot be unmounted again through the agent.
const MAX_MOUNTS: usize = 1 << 16;

/// The mounts that were made through one listener, by their identities.
#[derive(Default)]
pub(crate) struct Mounts(HashSet<u64>);

impl Mounts {
    pub(crate) fn add(&mut self, id: u64) {
        if self.0.len() < MAX_MOUNTS {
            self.0.insert(id);
        }
    }

    pub(crate) fn has(&self, id: u64) -> bool {
        self.0.contains(&id)
    }

    pub(crate) fn remove(&mut self, id: u64) {
        self.0.remove(&id);
    }
}

pub(crate) fn serve_container(shared: &Shared, container: &Container, listener: &Listener, user: u32) {
    let block = shared.policy.block_for(container, user);
    let name = block.map_or("", |block| block.name.as_str());
    shared.log.write(vec![
        ("event", "container".into()),
        ("container", container.id.as_str().into()),
        ("uid", u64::from(user).into()),
        ("block", name.into()),
    ]);
    let mut mounts = Mounts::default();
    let ended = loop {
        match listener.wait().and_then(|wake| match wake {
            Wake::Gone => Ok(None),
            Wake::Notification => listener.receive().map(Some),
        }) {
            Ok(None) => break None,
            // Its sender was killed before it could be received.
            Ok(Some(None)) => {}
            Ok(Some(Some(notification))) => answer(shared, container, listener, block, &mut mounts, &notification),
            Err(error) => break Some(error),
        }
    };
    let why = ended.map_or_else(|| "no process is left".to_owned(), |error| format!("the listener failed: {error}"));
    shared.log.event("container-gone", &container.id, &why);
}

fn answer(
    shared: &Shared,
    container: &Container,
    listener: &Listener,
    block: Option<&Block>,
    mounts: &mut Mounts,
    notification: &Notification,
) {
    let begin = Instant::now();
    let call = calls::find(notification.number);
    let mut request = Request { shared, listener, mounts, notification, arguments: Vec::new() };
    let result = match (call, block) {
        _ if notification.architecture != ARCHITECTURE => {
            Err(Stop::Refused("it is a call by another architecture's rules".into()))
        }
        (None, _) => Err(Stop::Refused("the agent does not know this call".into())),
        (_, None) => Err(Stop::Refused("no block of the policy is for this container".into())),
        (Some(call), Some(block)) => (call.carry_out)(&mut request, block),
    };
    let arguments = std::mem::take(&mut request.arguments);
    let id = notification.id;
    let (decision, rule, code, why, sent) = match result {
        Ok(Done::Made { rule }) => ("allowed", rule, 0, String::new(), listener.answer(id, None)),
        Ok(Done::Descriptor { rule, fd, close_on_exec }) => {
            // Refused by the kernel (too many descriptors), the call still waits for its answer.
            match listener.answer_descriptor(id, &fd, close_on_exec) {
                Ok(()) => ("allowed", rule, 0, String::new(), Ok(())),
                Err(error) => {
                    let code = error.raw_os_error().unwrap_or(errno::EIO);
                    let why = format!("handing the descriptor in: {error}");
                    ("failed", rule, code, why, listener.answer(id, Some(code)))
                }
            }
        }
        Ok(Done::NotGuarded) => ("continued", String::new(), 0, String::new(), listener.let_go_on(id)),
        Err(Stop::Refused(why)) => {
            let (code, _) = shared.policy.refuse;
            ("refused", String::new(), code, why, listener.answer(id, Some(code)))
        }
        Err(Stop::Failed { errno, why }) => ("failed", String::new(), errno, why, listener.answer(id, Some(errno))),
        Err(Stop::Gone) => ("gone", String::new(), 0, "the caller was interrupted or killed".into(), Ok(())),
    };
    let decision = if sent.as_ref().is_err_and(|error| error.raw_os_error() == Some(errno::ENOENT)) {
        // What was made stays made; a mount of a container that was killed goes with its namespace.
        "gone"
    } else {
        decision
    };
    let name = call.map_or_else(|| notification.number.to_string(), |call| call.name.to_owned());
    log(
        shared,
        Line { container, notification, name, arguments, rule, decision, code, why, took: begin.elapsed(), sent },
    );
}

struct Line<'a> {
    container: &'a Container,
    notification: &'a Notification,
    name: String,
    arguments: Vec<(&'static str, Value)>,
    rule: String,
    decision: &'static str,
    code: i32,
    why: String,
    took: Duration,
    sent: io::Result<()>,
}

fn log(shared: &Shared, line: Line<'_>) {
    let mut members = vec![
        ("container", line.container.id.as_str().into()),
        ("pid", u64::from(line.notification.pid).into()),
        ("call", line.name.into()),
        ("arguments", object(line.arguments)),
        ("decision", line.decision.into()),
        ("rule", line.rule.into()),
        ("errno", if line.code == 0 { Value::Null } else { errno::name(line.code).into() }),
        ("why", line.why.into()),
        ("microseconds", u64::try_from(line.took.as_micros()).unwrap_or(u64::MAX).into()),
    ];
    if let Err(error) = line.sent {
        members.push(("answer", error.to_string().into()));
    }
    shared.log.write(members);
}
