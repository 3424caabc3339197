//! `connect` as a session and as a pipe, on a real cluster: text protocols, nc beside it, ends that
//! come too early.

#[path = "connect_stream/ends.rs"]
mod ends;
#[path = "connect_stream/pipes.rs"]
mod pipes;
#[path = "connect_stream/serve.rs"]
mod serve;
#[path = "connect_stream/sessions.rs"]
mod sessions;
