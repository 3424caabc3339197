//! TLS as a client sees it that takes any certificate, over any byte stream.
//!
//! Knows no socket and no Kubernetes: the engine uses it in the source's namespace, the plugin
//! where a client's key must not leave the caller's machine.

mod anybody;

pub use anybody::{Anybody, Shown};
