//! A client as it is asked for: name, versions, protocols, and its own certificate where it has one.

use std::{net::IpAddr, sync::Arc};

use netdiag_wire::tls::{TlsOffer, TlsVersion};
use rustls::{
    ClientConfig, SupportedProtocolVersion,
    client::Resumption,
    crypto::aws_lc_rs,
    pki_types::ServerName,
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};

use crate::{Anybody, asked::Asked, sessions::Sessions};

/// Takes any certificate. One handshake at a time: it remembers that of the last.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) name: ServerName<'static>,
    pub(crate) anybody: Arc<Anybody>,
    pub(crate) asked: Arc<Asked>,
    pub(crate) sessions: Arc<Sessions>,
}

/// What cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum BadOffer {
    #[error("serverName: not a host name")]
    ServerName,
    #[error("set up TLS")]
    Tls(#[from] rustls::Error),
}

impl Client {
    /// `address` stands for a server that is not named; with `certificate` the client can show who
    /// it is.
    pub fn new(
        offer: &TlsOffer,
        address: IpAddr,
        certificate: Option<Arc<CertifiedKey>>,
    ) -> Result<Self, BadOffer> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let anybody = Arc::new(Anybody::new(Arc::clone(&provider)));
        let (asked, sessions) = (Arc::new(Asked::new(certificate)), Arc::new(Sessions::default()));
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions(offer.version))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&anybody) as _)
            .with_client_cert_resolver(Arc::clone(&asked) as _);
        config.alpn_protocols = offer.alpn.iter().map(|one| one.clone().into_bytes()).collect();
        config.enable_sni = offer.server_name.is_some();
        config.resumption = Resumption::store(Arc::clone(&sessions) as _);
        let name = match &offer.server_name {
            Some(name) => host_name(name)?,
            None => ServerName::IpAddress(address.into()),
        };
        Ok(Self { config: Arc::new(config), name, anybody, asked, sessions })
    }
}

fn versions(only: Option<TlsVersion>) -> Vec<&'static SupportedProtocolVersion> {
    match only {
        None => vec![&TLS13, &TLS12],
        Some(TlsVersion::Tls13) => vec![&TLS13],
        Some(TlsVersion::Tls12) => vec![&TLS12],
    }
}

/// An address is no name in SNI (RFC 6066, section 3).
fn host_name(name: &str) -> Result<ServerName<'static>, BadOffer> {
    let name = name.trim_end_matches('.').to_owned();
    match ServerName::try_from(name) {
        Ok(name @ ServerName::DnsName(_)) => Ok(name),
        Ok(_) | Err(_) => Err(BadOffer::ServerName),
    }
}
