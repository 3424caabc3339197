//! `http` from this machine: beside curl, and against servers that break the rules.

#[path = "http/curl.rs"]
mod curl;
#[path = "http/server.rs"]
mod server;
#[path = "http/zoo.rs"]
mod zoo;
