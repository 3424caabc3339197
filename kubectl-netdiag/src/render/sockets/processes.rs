//! Whose a socket is: `app/server (1)`, by container, process and PID as the container sees it.

use std::collections::HashMap;

use netdiag_wire::sockets::{SocketEntry, SocketProcess};

use super::SocketsView;

pub(crate) struct Processes<'a> {
    view: &'a SocketsView<'a>,
    by_pid: HashMap<u32, &'a SocketProcess>,
}

impl<'a> Processes<'a> {
    pub(crate) fn new(view: &'a SocketsView<'a>) -> Self {
        let by_pid = view.report.processes.iter().map(|process| (process.pid, process)).collect();
        Self { view, by_pid }
    }

    /// Of the oldest of them; `?` where the caller may not see it, `-` where nobody holds it.
    pub(crate) fn cell(&self, entry: &SocketEntry) -> String {
        match (self.of(entry), &self.view.report.skipped) {
            (Some(process), _) => process,
            (None, Some(_)) => "?".into(),
            (None, None) => "-".into(),
        }
    }

    /// Where it is known.
    pub(crate) fn of(&self, entry: &SocketEntry) -> Option<String> {
        let process = self.by_pid.get(entry.pids.iter().min()?)?;
        let container = process
            .container_id
            .as_ref()
            .and_then(|id| self.view.known.containers.get(&id.to_string()));
        let container = container.map(|name| format!("{name}/")).unwrap_or_default();
        let pid = process.container_pid.unwrap_or(process.pid);
        let name = &process.name;
        let others = entry.pids.len() - 1 + entry.more_pids as usize;
        let others = if others > 0 { format!(" and {others} more") } else { String::new() };
        Some(format!("{container}{name} ({pid}){others}"))
    }
}
