//! `POST /v1/connect`: whether a port takes connections, and what it says.

pub mod stream;
