//! What a worker must know of connect's byte stream.

use netdiag_probe::names::ResolverFiles;
use netdiag_wire::connect::stream::ConnectStreamRequest;

use super::{destination::Traffic, probe::is_name, stream::StreamProbe};

impl StreamProbe for ConnectStreamRequest {
    fn reads_files(&self) -> bool {
        is_name(&self.host)
    }

    fn traffic(&self, _: &ResolverFiles) -> Traffic {
        Traffic::Connections
    }
}
