//! What every probe of this engine is: opened with privilege, run without any.

use std::net::IpAddr;

use tokio_util::sync::CancellationToken;

use crate::{ProbeError, names::ResolverFiles};

/// A request that can be carried out in the network namespace of this process.
#[expect(async_fn_in_trait, reason = "a probe runs on the one thread that started it")]
pub trait Probe {
    /// Whatever needs privilege to be opened.
    type Sockets: Send + 'static;
    type Event: Send + 'static;

    /// Checks the request and opens what it names; nothing from the network is read yet.
    fn open(&self) -> Result<Self::Sockets, ProbeError>;

    /// Runs until it is done or `stop` is cancelled; needs no privilege and opens no file.
    ///
    /// `destination` is asked about each address really used, before anything is sent to it.
    async fn run(
        &self,
        sockets: Self::Sockets,
        files: &ResolverFiles,
        destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        emit: &mut impl FnMut(Self::Event),
        stop: CancellationToken,
    ) -> Result<(), ProbeError>;
}
