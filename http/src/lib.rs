//! One HTTP exchange as a client sees it, over any byte stream: HTTP/1.0, HTTP/1.1 and HTTP/2.
//!
//! Knows no socket and no Kubernetes: the engine uses it in the source's namespace, the plugin
//! where a client's key must not leave the caller's machine. It follows nothing and judges nothing.

mod end;
mod exchange;
mod frames;
mod head;
mod meter;
mod tunnel;
mod upload;
mod whole;

pub use exchange::{Exchange, Heard, HungUp};
pub use head::BadRequest;
pub use tunnel::tunnel;
pub use whole::Wanted;
