//! TLS with whomever: nothing is sent inside that a wrong certificate could put at risk.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use netdiag_tls::Anybody;
use rustls::{
    ClientConfig, ProtocolVersion, SignatureScheme, client::ResolvesClientCert, crypto::aws_lc_rs,
    pki_types::ServerName, sign::CertifiedKey,
};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{
    certificate,
    heard::{Match, said},
    http,
    peer::Link,
};

const HANDSHAKE: Duration = Duration::from_secs(4);

/// What to offer by ALPN.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Offer {
    Http2,
    Http1,
    Nothing,
}

/// What became of a handshake.
pub(super) enum Handshake {
    Done {
        link: Link,
        chosen: Option<Vec<u8>>,
        found: Match,
        holder: Holder,
    },
    /// The server speaks TLS, but no version or suite of ours, or none of the protocols offered.
    Refused {
        found: Match,
        by_offer: bool,
    },
    NoTls,
}

/// Whose certificate it is, where that tells what the answers alone do not.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Holder {
    Kubelet,
    ApiServer,
    #[default]
    Other,
}

impl Holder {
    fn of(certificate: &[u8]) -> Self {
        match () {
            () if certificate::is_kubelets(certificate) => Self::Kubelet,
            () if certificate::names(certificate).contains(&&b"kubernetes.default.svc"[..]) => {
                Self::ApiServer
            }
            () => Self::Other,
        }
    }

    pub(super) fn is_known(self) -> bool {
        self != Self::Other
    }

    /// What was found, with what the certificate makes of it.
    pub(super) fn says(self, found: Match, answer: Option<http::Answer<'_>>) -> Match {
        let is_kubernetes = found.speaks.last().is_some_and(|word| word == "Kubernetes API");
        let is_unauthorized = answer.is_some_and(|answer| answer.is_plain_unauthorized());
        match self {
            Self::ApiServer if is_kubernetes => Match { product: said(b"kube-apiserver"), ..found },
            Self::Kubelet if is_unauthorized => {
                found.and(Match::of("kubelet API").product(b"kubelet"))
            }
            Self::Kubelet | Self::ApiServer | Self::Other => found,
        }
    }
}

/// The name of the server is left out: it is asked by its address.
pub(super) async fn connect(link: Link, offer: Offer, server: ServerName<'static>) -> Handshake {
    let asks = Arc::new(AsksForCertificate::default());
    let Some(config) = config(offer, &asks) else { return Handshake::NoTls };
    let connecting = TlsConnector::from(Arc::new(config)).connect(server, link);
    match timeout(HANDSHAKE, connecting).await {
        Err(_) => Handshake::NoTls,
        Ok(Err(cause)) => refusal(&cause),
        Ok(Ok(stream)) => {
            let session = stream.get_ref().1;
            let certificate = session.peer_certificates().and_then(<[_]>::first);
            let names = certificate.map(|one| certificate::names(one)).unwrap_or_default();
            let mut found = Match::of(version(session.protocol_version()));
            found.info = match asks.0.load(Ordering::Relaxed) {
                true => said(b"asks for a client certificate"),
                false => names.first().and_then(|name| said(name)),
            };
            let holder = certificate.map(|one| Holder::of(one)).unwrap_or_default();
            let chosen = session.alpn_protocol().map(<[u8]>::to_vec);
            Handshake::Done { found, chosen, holder, link: Box::new(stream) }
        }
    }
}

fn config(offer: Offer, asks: &Arc<AsksForCertificate>) -> Option<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().ok()?;
    let anybody = Arc::new(Anybody::new(provider));
    let mut config = builder
        .dangerous()
        .with_custom_certificate_verifier(anybody)
        .with_client_cert_resolver(Arc::clone(asks) as Arc<dyn ResolvesClientCert>);
    config.alpn_protocols = match offer {
        Offer::Http2 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        Offer::Http1 => vec![b"http/1.1".to_vec()],
        Offer::Nothing => Vec::new(),
    };
    config.enable_sni = false;
    Some(config)
}

fn version(version: Option<ProtocolVersion>) -> &'static str {
    match version {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        Some(_) | None => "TLS",
    }
}

/// An alert is proof of TLS; so is a hello that we cannot go on from.
fn refusal(cause: &io::Error) -> Handshake {
    let cause = cause.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let found = Match::of("TLS");
    match cause {
        Some(rustls::Error::AlertReceived(alert)) => {
            let by_offer = *alert == rustls::AlertDescription::NoApplicationProtocol;
            let words = format!("refused: {alert:?}");
            Handshake::Refused { found: found.info(words.as_bytes()), by_offer }
        }
        Some(rustls::Error::PeerIncompatible(why)) => {
            let words = format!("refused: {why:?}");
            Handshake::Refused { found: found.info(words.as_bytes()), by_offer: false }
        }
        _ => Handshake::NoTls,
    }
}

/// Has no certificate, and remembers that one was asked for.
#[derive(Debug, Default)]
struct AsksForCertificate(AtomicBool);

impl ResolvesClientCert for AsksForCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}
