//! The real front over the real broker and real workers; only the API server is played, where a
//! real one cannot be brought to answer so.

#![allow(clippy::unwrap_used, reason = "a fixture that fails is a failed test")]

mod apiserver;
mod auth;
mod byte_stream;
mod client;
mod connect;
mod dead_files;
mod duplex;
mod facts;
mod fixture;
mod http;
mod limits;
mod malformed;
mod probes;
mod scan;
mod stream;
mod tls;
