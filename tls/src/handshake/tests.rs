//! Servers of rustls at the other end of a pipe.

use std::{net::Ipv4Addr, sync::Arc};

use netdiag_wire::tls::TlsOffer;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};
use tokio::{
    io::{AsyncReadExt, DuplexStream, duplex, split},
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

use super::*;

const CERTIFICATE_REQUIRED: u8 = 116;

/// Of TLS 1.3, without tickets: whom it takes, it tells nothing.
fn server(demands: bool) -> ServerConfig {
    let own = rcgen::generate_simple_self_signed(["shop.test".to_owned()]).unwrap();
    let certificate = own.cert.der().clone();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let clients = if demands { clients } else { clients.allow_unauthenticated() };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.send_tls13_tickets = 0;
    config
}

async fn serve(config: ServerConfig, stream: DuplexStream) {
    let accepted = TlsAcceptor::from(Arc::new(config)).accept(stream).await;
    if let Ok(mut stream) = accepted {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
}

/// The server hears of everything later, and of each thing later than of the one before.
async fn late(near: DuplexStream, far: DuplexStream) {
    let ((mut up, mut to_client), (mut from_server, mut down)) = (split(near), split(far));
    let up = async move {
        let (mut bytes, mut pause) = ([0; 4096], Duration::from_secs(1));
        while let Ok(count @ 1..) = up.read(&mut bytes).await {
            sleep(pause).await;
            pause *= 4;
            let _ = down.write_all(&bytes[..count]).await;
        }
        let _ = down.shutdown().await;
    };
    let down = async move {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
        let _ = to_client.shutdown().await;
    };
    tokio::join!(up, down);
}

async fn end(demands: bool) -> TlsHandshake {
    let ((ours, near), (far, theirs)) = (duplex(64 * 1024), duplex(64 * 1024));
    tokio::spawn(late(near, far));
    tokio::spawn(serve(server(demands), theirs));
    let offer = TlsOffer { server_name: Some("shop.test".into()), ..TlsOffer::default() };
    let client = Client::new(&offer, Ipv4Addr::LOCALHOST.into(), None).unwrap();
    let until = Instant::now() + Duration::from_secs(120);
    let mut observed = client.handshake(ours, until).await;
    assert_eq!(observed.handshake.end, TlsEnd::Well);
    client.listen(&mut observed, until).await;
    assert!(Instant::now() < until, "it waits for what never comes");
    observed.handshake
}

#[tokio::test(start_paused = true)]
async fn an_objection_is_heard_however_late_it_comes() {
    let handshake = end(true).await;
    assert_eq!(handshake.end, TlsEnd::Alert { alert: CERTIFICATE_REQUIRED });
    assert!(handshake.asked.is_some() && handshake.agreed.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_and_does_not_insist_is_well() {
    let handshake = end(false).await;
    assert_eq!(handshake.end, TlsEnd::Well);
    assert!(handshake.asked.is_some());
}
