//! The only place that opens sockets and sets options; the resolver alone has its own.

pub(crate) mod addresses;
pub(crate) mod connects;
pub(crate) mod datagram;
pub(crate) mod diag;
mod filter;
pub(crate) mod hearing;
pub(crate) mod icmp;
pub(crate) mod links;
pub(crate) mod many;
mod neighbours;
pub(crate) mod packets;
pub(crate) mod raw;
pub(crate) mod receive;
pub(crate) mod refusal;
pub(crate) mod route;
pub(crate) mod stream;
pub(crate) mod unprivileged;
pub(crate) mod watched;
