//! `sockets` on a real cluster: beside ss in the same network namespace, and with what ss cannot know.

#[path = "sockets/bad_input.rs"]
mod bad_input;
#[path = "sockets/beside.rs"]
mod beside;
#[path = "sockets/rights.rs"]
mod rights;
#[path = "sockets/table.rs"]
mod table;
#[path = "sockets/trouble.rs"]
mod trouble;
#[path = "sockets/words.rs"]
mod words;
