//! The command line.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

pub(crate) const HELP: &str = "\
usage: coracle-oci-agent --policy FILE [--socket PATH] [--log FILE] [--check]

  --policy FILE   what containers may do (docs/rootless-agent.md)
  --socket PATH   where runtimes connect; /run/coracle-oci/agent.sock unless told
  --log FILE      lines of JSON, one a call, are appended here; to stderr unless told
  --check         read the policy, say what is wrong with it, and end
  --help, --version
";

/// The socket, unless told.
const SOCKET: &str = "/run/coracle-oci/agent.sock";

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) policy: PathBuf,
    pub(crate) socket: PathBuf,
    pub(crate) log: Option<PathBuf>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Serve(Options),
    Check(PathBuf),
    Help,
    Version,
}

impl Options {
    pub(crate) fn read(arguments: &[OsString]) -> Result<Task, String> {
        let (mut policy, mut socket, mut log, mut check) = (None, PathBuf::from(SOCKET), None, false);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            // Both `--policy FILE` and `--policy=FILE`.
            let text = argument.to_str().ok_or_else(|| format!("{} is not UTF-8", argument.display()))?;
            let (name, given) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
            let mut value = || {
                let value = given.map(OsStr::new).or_else(|| rest.next().map(OsString::as_os_str));
                value
                    .filter(|value| !value.is_empty())
                    .map(PathBuf::from)
                    .ok_or_else(|| format!("{name} needs a value"))
            };
            match name {
                "--policy" => policy = Some(value()?),
                "--socket" => socket = value()?,
                "--log" => log = Some(value()?),
                "--check" => check = true,
                "--help" | "-h" => return Ok(Task::Help),
                "--version" | "-V" => return Ok(Task::Version),
                _ => return Err(format!("{text} is no option")),
            }
        }
        let policy = policy.ok_or("--policy is missing")?;
        Ok(if check { Task::Check(policy) } else { Task::Serve(Self { policy, socket, log }) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Task, String> {
        Options::read(&arguments.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn options_have_values_in_both_forms() {
        let expected = Options { policy: "p".into(), socket: "/s".into(), log: Some("l".into()) };
        assert_eq!(read(&["--policy=p", "--socket", "/s", "--log", "l"]), Ok(Task::Serve(expected)));
        assert_eq!(read(&["--check", "--policy", "p"]), Ok(Task::Check("p".into())));
        assert_eq!(read(&[]), Err("--policy is missing".into()));
        assert_eq!(read(&["--policy"]), Err("--policy needs a value".into()));
        assert_eq!(read(&["--polcy", "p"]), Err("--polcy is no option".into()));
    }
}
