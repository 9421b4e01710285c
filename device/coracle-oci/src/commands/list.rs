//! `list`: the containers of this root, as a table, as JSON, or as ids.

use super::{Container, Context, print};
use crate::arguments::{self, Known, flag, value};
use crate::error::Error;
use crate::state::Status;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use json::Value;

const OPTIONS: &[Known] = &[value("format", Some('f')), flag("quiet", Some('q'))];

pub(super) fn run(context: &Context<'_>) -> Result<i32, Error> {
    let given = arguments::read(context.arguments, OPTIONS, None)?;
    let all: Vec<(Container, Status)> = context
        .root
        .ids()?
        .iter()
        // One may go at this moment, or have been left half made.
        .filter_map(|id| Container::find(context, id).ok())
        .map(|container| {
            let status = container.status();
            (container, status)
        })
        .collect();
    if given.has("quiet") {
        all.iter().for_each(|(container, _)| print(&format!("{}\n", container.state.id)));
        return Ok(0);
    }
    match given.text("format")?.unwrap_or("table") {
        "json" => {
            let waiting = waiting(context)?;
            let all = all.iter().chain(&waiting);
            print(&format!(
                "{}\n",
                Value::Array(all.map(|(container, status)| document(container, *status)).collect())
            ));
        }
        "table" => print(&table(all.into_iter().chain(waiting(context)?))),
        other => return Err(Error::Usage(format!("--format: {other:?} is neither table nor json"))),
    }
    Ok(0)
}

/// What is ready in pools, with the name of the pool before its own: nobody's yet, so no command takes such an ID, and those
/// who ask for IDs alone are not told of it.
fn waiting(context: &Context<'_>) -> Result<Vec<(Container, Status)>, Error> {
    let mut all = Vec::new();
    for name in context.root.pools()? {
        let place = context.root.pool(&name)?;
        for id in place.ids()?.iter().filter(|id| !id.contains('.')) {
            let Ok(mut container) = place.find(id).and_then(Container::of) else { continue };
            container.state.id = format!("pool@{name}/{id}");
            let status = container.status();
            all.push((container, status));
        }
    }
    Ok(all)
}

fn document(container: &Container, status: Status) -> Value {
    let state = &container.state;
    json::object([
        ("ociVersion", state.oci_version.as_str().into()),
        ("id", state.id.as_str().into()),
        ("pid", pid_of(container, status).into()),
        ("status", status.word().into()),
        ("bundle", state.bundle.as_str().into()),
        ("rootfs", state.rootfs.as_str().into()),
        ("created", state.created.as_str().into()),
        ("owner", owner_of(container).into()),
    ])
}

fn pid_of(container: &Container, status: Status) -> u64 {
    if status == Status::Stopped { 0 } else { u64::from(container.state.pid.unsigned_abs()) }
}

fn owner_of(container: &Container) -> String {
    if container.state.owner == 0 { "root".into() } else { format!("#{}", container.state.owner) }
}

fn table(all: impl Iterator<Item = (Container, Status)>) -> String {
    let mut rows = alloc::vec![["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"].map(String::from)];
    rows.extend(all.map(|(container, status)| {
        [
            container.state.id.clone(),
            format!("{}", pid_of(&container, status)),
            status.word().into(),
            container.state.bundle.clone(),
            container.state.created.clone(),
            owner_of(&container),
        ]
    }));
    aligned(&rows)
}

/// Rows with columns as wide as they need to be, twelve characters at the least.
pub(super) fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0).max(11) + 1
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.concat().trim_end());
        text.push('\n');
    }
    text
}
