//! TLS to a nameserver: checked against the caller's certificates, or not checked and said so.

use std::{io, sync::Arc};

use netdiag_tls::Anybody;
use netdiag_wire::dns::QueryOptions;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::Server;
use crate::ProbeError;

/// What stands beside an answer that anybody could have given.
pub(super) const UNCHECKED: &str = "the server's certificate was not checked: no CA was given";

/// The inner error is the handshake's, of which the server may be the cause.
pub(super) async fn connect(
    options: &QueryOptions,
    server: &Server,
    protocol: &[u8],
    stream: TcpStream,
) -> Result<io::Result<TlsStream<TcpStream>>, ProbeError> {
    let name = ServerName::try_from(name(options, server)).map_err(|_| {
        ProbeError::Request("options.tlsName: neither a host name nor an address".into())
    })?;
    let mut config = config(options)?;
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(TlsConnector::from(Arc::new(config)).connect(name, stream).await)
}

/// That the certificate must be of.
pub(super) fn name(options: &QueryOptions, server: &Server) -> String {
    let name = options.tls_name.as_ref().or(server.name.as_ref());
    name.map_or_else(
        || server.address.ip().to_string(),
        |name| name.trim_end_matches('.').to_owned(),
    )
}

fn config(options: &QueryOptions) -> Result<ClientConfig, ProbeError> {
    let bad = |cause: String| ProbeError::Request(format!("options.ca: {cause}"));
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|cause| bad(cause.to_string()))?;
    let Some(pem) = &options.ca else {
        let anybody = Arc::new(Anybody::new(provider));
        let dangerous = builder.dangerous().with_custom_certificate_verifier(anybody);
        return Ok(dangerous.with_no_client_auth());
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|cause| bad(cause.to_string()))?;
        roots.add(certificate).map_err(|cause| bad(cause.to_string()))?;
    }
    match roots.is_empty() {
        true => Err(bad("holds no certificate".into())),
        false => Ok(builder.with_root_certificates(roots).with_no_client_auth()),
    }
}
