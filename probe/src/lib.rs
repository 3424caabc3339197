//! The probe engine: sockets and bytes in the network namespace of this process.
//!
//! It does not know Kubernetes and enters no namespace. Sockets are opened first, with
//! whatever privilege there is; what comes from the network is parsed later, without any.

mod clock;
mod connect;
mod dial;
pub mod dns;
pub mod error;
pub mod facts;
mod http;
mod intercepted;
pub mod listen;
pub mod names;
mod packet;
pub mod ping;
mod probe;
pub mod scan;
pub mod second;
pub mod sockets;
pub mod stream;
mod sys;
mod tables;
mod target;
pub mod tls;
pub mod trace;

pub use dial::DialSockets;
pub use error::ProbeError;
pub use probe::Probe;
pub use stream::StreamProbe;
