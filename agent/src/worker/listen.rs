//! What a worker must know of listen.

use netdiag_probe::names::ResolverFiles;
use netdiag_wire::listen::ListenRequest;

use super::{destination::Traffic, stream::StreamProbe};

impl StreamProbe for ListenRequest {
    fn reads_files(&self) -> bool {
        false
    }

    fn traffic(&self, _: &ResolverFiles) -> Traffic {
        Traffic::Connections
    }
}
