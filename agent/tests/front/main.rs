//! The real front over the real broker and real workers; only the API server is played, where a
//! real one cannot be brought to answer so.

mod apiserver;
mod auth;
mod client;
mod fixture;
mod malformed;
mod stream;
