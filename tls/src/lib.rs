//! TLS as a client sees it that takes any certificate, over any byte stream.
//!
//! Knows no socket and no Kubernetes: the engine uses it in the source's namespace, the plugin
//! where a client's key must not leave the caller's machine. It judges nothing.

mod anybody;
mod asked;
mod client;
mod end;
mod handshake;
pub mod hello;
pub mod names;
pub mod scan;
mod sessions;
mod shake;
mod tap;
mod upgrade;

pub use anybody::{Anybody, Shown};
pub use client::{BadOffer, Client};
pub use handshake::{Observed, Stream};
pub use shake::{shake, upgraded};
pub use tap::Tap;
pub use upgrade::upgrade;
