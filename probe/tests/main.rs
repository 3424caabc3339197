//! Tests in network namespaces of their own: one binary, so that they share the lab. Need root.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod background;
mod connect;
mod dns;
mod dns_base;
mod facts;
mod http;
mod identify;
mod lab;
mod listen;
mod names;
mod ping;
mod rejections;
mod responder;
mod sandbox;
mod scan;
mod side_by_side;
mod sockets;
mod stream;
mod tls;
mod trace;
mod walk;
