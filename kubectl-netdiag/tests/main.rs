//! The built binary: what it prints, where, and how it exits.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod canned;
mod cert;
mod cluster;
mod connect;
mod dns;
mod findings;
mod help;
mod hostile;
mod http;
mod limits;
mod listen;
mod local;
mod refusals;
mod run;
mod scan;
mod sockets;
mod stream;
mod tls;
mod trace;
