//! `http` from this machine: beside curl, to nginx, and against servers that break the rules.

#[path = "http/curl.rs"]
mod curl;
#[path = "http/nginx.rs"]
mod nginx;
#[path = "http/server.rs"]
mod server;
#[path = "http/zoo.rs"]
mod zoo;
