//! `ps`: the processes of a container, as a table of the machine's `ps`, or as JSON.

use super::{Container, Context, print};
use crate::arguments::{self, Known, value};
use crate::create::from_cgroup;
use crate::error::{About, Error};
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use json::Value;
use kernel::process::{self, Clone, Side};
use kernel::{BorrowedFd, fs};

const OPTIONS: &[Known] = &[value("format", Some('f'))];
/// A table of this size is as large as it gets, in bytes.
const LIMIT: usize = 16 << 20;

pub(super) fn run(context: &Context<'_>) -> Result<i32, Error> {
    let given = arguments::read(context.arguments, OPTIONS, Some(1))?;
    let (id, rest) = given.id_and_words()?;
    let container = Container::find(context, id)?;
    let mut pids = container.group.processes(true).map_err(from_cgroup)?;
    if pids.is_empty() && container.state.process().is_some() {
        pids.push(container.state.pid);
    }
    match given.text("format")?.unwrap_or("table") {
        "json" => {
            let list = pids.iter().map(|pid| Value::from(u64::from(pid.unsigned_abs()))).collect();
            print(&format!("{}\n", Value::Array(list)));
        }
        "table" => print(&rows_of(&table(rest)?, &pids)?),
        other => return Err(Error::Usage(format!("--format: {other:?} is neither table nor json"))),
    }
    Ok(0)
}

/// What the machine's `ps` prints.
fn table(words: &[&'static CStr]) -> Result<String, Error> {
    let (read, write) = fs::pipe().about(|| "pipe")?;
    let mut arguments = alloc::vec![c"ps"];
    if words.is_empty() {
        arguments.push(c"-ef")
    } else {
        arguments.extend(words)
    }
    match Clone::default().start().about(|| "start ps")? {
        Side::Child => {
            let _ = fs::duplicate_to(write.borrow(), 1);
            let environment: [CString; 0] = [];
            for path in [c"/bin/ps", c"/usr/bin/ps"] {
                process::execute(path, &arguments, &environment);
            }
            process::exit(127)
        }
        Side::Parent { pid, .. } => {
            drop(write);
            let text = fs::read_all(BorrowedFd::from(&read), LIMIT).about(|| "read what ps prints")?;
            process::wait(pid).about(|| "wait for ps")?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
    }
}

/// The heading, and the lines whose column PID is one of those.
fn rows_of(table: &str, pids: &[i32]) -> Result<String, Error> {
    let mut lines = table.lines();
    let heading = lines.next().unwrap_or_default();
    let column = heading.split_whitespace().position(|name| name == "PID");
    let column = column.ok_or_else(|| Error::Reported("ps prints no column PID".into()))?;
    let ours = lines.filter(|line| {
        let pid = line.split_whitespace().nth(column).and_then(|word| word.parse().ok());
        pid.is_some_and(|pid: i32| pids.contains(&pid))
    });
    let all: Vec<&str> = core::iter::once(heading).chain(ours).collect();
    Ok(format!("{}\n", all.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_containers_processes_are_shown() {
        let table = "UID   PID  CMD\nroot    1  init\nroot   12  a 7\nroot  112  b\n";
        assert_eq!(rows_of(table, &[12]).unwrap(), "UID   PID  CMD\nroot   12  a 7\n");
        assert!(rows_of("nothing", &[1]).is_err());
    }
}
