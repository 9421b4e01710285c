//! `linux.seccomp` as the filter that the container's process installs.

use crate::error::Error;
use crate::job::Filter;
use alloc::format;
use alloc::vec::Vec;
use runtime_spec::Seccomp;
use seccomp::{Action, Arch, Comparison, Machine, NameError, Op, Profile, Rule};

/// Compiles a profile for this machine.
pub(crate) fn compile(seccomp: &Seccomp) -> Result<Filter, Error> {
    let wrong =
        |field: &str, name: &str, error: NameError| Error::config(format!("linux.seccomp.{field}: {name} {error}"));
    let rules = seccomp
        .rules
        .iter()
        .map(|rule| {
            let action = Action::parse(&rule.action, rule.errno)
                .map_err(|error| wrong("syscalls.action", &rule.action, error))?;
            let args = rule.arguments.iter().map(|argument| {
                let op = Op::parse(&argument.op).map_err(|error| wrong("syscalls.args.op", &argument.op, error))?;
                Ok(Comparison { index: argument.index as u8, op, value: argument.value, value_two: argument.value_two })
            });
            let names = rule.names.iter().map(|name| name.as_str()).collect();
            Ok(Rule { names, action, args: args.collect::<Result<_, Error>>()? })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let default_action = Action::parse(&seccomp.default_action, seccomp.default_errno)
        .map_err(|error| wrong("defaultAction", &seccomp.default_action, error))?;
    let architectures = seccomp
        .architectures
        .iter()
        .map(|name| Arch::parse(name).map_err(|error| wrong("architectures", name, error)))
        .collect::<Result<_, Error>>()?;
    // What runc and crun choose where nothing is said: no mitigation of Spectre for the filter's sake.
    let unsaid = ["SECCOMP_FILTER_FLAG_SPEC_ALLOW".into()];
    let flags = seccomp.flags.as_deref().unwrap_or(&unsaid).iter().try_fold(0, |all, name| {
        seccomp::flag(name).map(|bit| all | bit).map_err(|error| wrong("flags", name, error))
    })?;
    let notifies = notifies(default_action, &rules)?;
    if notifies && seccomp.listener_path.is_none() {
        return Err(Error::config("linux.seccomp: SCMP_ACT_NOTIFY needs a listenerPath"));
    }
    let profile = Profile { default_action, architectures, rules, newer_calls_are_unknown: true };
    let machine = Machine::HERE.ok_or_else(|| Error::config("linux.seccomp: there are no filters for this machine"))?;
    let program = seccomp::compile(&profile, machine).map_err(|error| Error::config(format!("linux.{error}")))?;
    Ok(Filter {
        program: program.into_instructions(),
        flags,
        notifies,
        metadata: seccomp.listener_metadata.clone().unwrap_or_default(),
    })
}

/// Whether a listener is asked for anything. The call that hands the listener its descriptor cannot be one of those.
fn notifies(default_action: Action, rules: &[Rule<'_>]) -> Result<bool, Error> {
    if default_action == Action::Notify {
        return Err(Error::config("linux.seccomp.defaultAction: SCMP_ACT_NOTIFY is possible for single calls only"));
    }
    let notifying = || rules.iter().filter(|rule| rule.action == Action::Notify);
    for name in ["write", "sendmsg"] {
        if notifying().any(|rule| rule.names.contains(&name)) {
            return Err(Error::config(format!(
                "linux.seccomp.syscalls: SCMP_ACT_NOTIFY cannot be used for the {name} syscall"
            )));
        }
    }
    Ok(notifying().next().is_some())
}
