//! What a worker must know of http.

use netdiag_probe::names::ResolverFiles;
use netdiag_wire::http::HttpRequest;

use super::{destination::Traffic, probe::is_name, stream::StreamProbe};

impl StreamProbe for HttpRequest {
    fn reads_files(&self) -> bool {
        is_name(&self.host)
    }

    fn traffic(&self, _: &ResolverFiles) -> Traffic {
        Traffic::Connections
    }
}
