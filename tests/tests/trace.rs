//! `trace` on a real cluster: every kind of path, beside traceroute, and what is said when it ends early.

#[path = "trace/bad_input.rs"]
mod bad_input;
#[path = "trace/beside.rs"]
mod beside;
#[path = "trace/ends.rs"]
mod ends;
#[path = "trace/forms.rs"]
mod forms;
#[path = "trace/paths.rs"]
mod paths;
#[path = "trace/services.rs"]
mod services;
#[path = "trace/trouble.rs"]
mod trouble;
