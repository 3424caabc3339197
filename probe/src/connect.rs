//! TCP connections: whether a port takes them, and what passes over them.

mod copy;
mod stream;
