//! coracle-oci-agent: carries out system calls of rootless containers on their behalf, as far as a policy allows. A policy
//! file and a Unix socket come in; runtimes connect to the socket (`linux.seccomp.listenerPath`) and hand over seccomp
//! listeners; each call that waits there is answered. docs/rootless-agent.md is the contract.
//!
//! One rule shapes it: what was judged is what is carried out. Arguments are copied once, paths are opened once, and the
//! agent acts on its copies and descriptors; the kernel never reads a container's memory again for a call that was judged by
//! what was in it.

mod apart;
mod caller;
mod calls;
mod container;
mod errno;
mod log;
mod options;
mod ready;
mod server;

use agent_policy::{MAX_POLICY, Policy};
use options::{Options, Task};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match Options::read(&arguments) {
        Ok(Task::Help) => {
            print!("{}", options::HELP);
            ExitCode::SUCCESS
        }
        Ok(Task::Version) => {
            println!("coracle-oci-agent {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Ok(Task::Check(policy)) => end(read_policy(&policy).map(|policy| {
            println!("the policy is good: blocks {}", policy.containers.len());
        })),
        Ok(Task::Serve(options)) => {
            end(read_policy(&options.policy).and_then(|policy| server::serve(policy, &options)))
        }
        Err(message) => {
            eprintln!("coracle-oci-agent: {message}\n\n{}", options::HELP);
            ExitCode::from(2)
        }
    }
}

fn end(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("coracle-oci-agent: {message}");
            ExitCode::FAILURE
        }
    }
}

fn read_policy(path: &Path) -> Result<Policy, String> {
    let mut text = Vec::new();
    // One byte more than is allowed, so that the reader says so.
    let limit = u64::try_from(MAX_POLICY).unwrap_or(0) + 1;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut text))
        .map_err(|error| format!("reading the policy {}: {error}", path.display()))?;
    Policy::parse(&text).map_err(|error| format!("{}:{error}", path.display()))
}
