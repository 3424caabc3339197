//! All of it on one connection: a proxy's consent and TLS where asked for, then the exchange.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use netdiag_tls::Client;
use netdiag_wire::http::{HttpEvent, HttpRequest};
use rustls::sign::CertifiedKey;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
    time::Instant,
};

use crate::{BadRequest, Exchange, Heard, HungUp, exchange::tell, tunnel};

/// A request that can be sent, and the client's certificate where it has one.
#[derive(Clone, Debug)]
pub struct Wanted {
    request: HttpRequest,
    exchange: Exchange,
    own: Option<Arc<CertifiedKey>>,
}

impl Wanted {
    pub fn new(request: &HttpRequest, own: Option<Arc<CertifiedKey>>) -> Result<Self, BadRequest> {
        let exchange = Exchange::new(request)?;
        if let Some(offer) = &request.tls {
            Client::new(offer, IpAddr::from([0; 4]), None)?;
        }
        Ok(Self { request: request.clone(), exchange, own })
    }

    /// Over a connection with `address`, to the end of the answer or as far as it comes.
    pub async fn run<S>(
        self,
        mut stream: S,
        address: IpAddr,
        from: mpsc::Receiver<Bytes>,
        to: &mpsc::Sender<Heard>,
    ) -> Result<(), HungUp>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + fmt::Debug + 'static,
    {
        let Self { request, exchange, own } = self;
        let patience = Duration::from_micros(request.handshake_us.into());
        if let Some(wish) = &request.tunnel {
            let tunnelled = tunnel(&mut stream, wish, Instant::now() + patience).await;
            let is_open = tunnelled.is_open();
            tell(to, Heard::Event(HttpEvent::Tunnelled(tunnelled))).await?;
            if !is_open {
                return Ok(());
            }
        }
        let client = request.tls.as_ref().map(|offer| Client::new(offer, address, own));
        // Its name was good when the request was made.
        let Some(Ok(client)) = client else {
            return exchange.run(stream, None, from, to).await;
        };
        let observed = client.handshake(stream, Instant::now() + patience).await;
        for (number, der) in observed.shown.certificates() {
            tell(to, Heard::Event(HttpEvent::Certificate { number, der })).await?;
        }
        tell(to, Heard::Event(HttpEvent::Handshake(Box::new(observed.handshake)))).await?;
        let Some(stream) = observed.stream else { return Ok(()) };
        let alpn = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        exchange.run(stream, alpn.as_deref(), from, to).await
    }
}
