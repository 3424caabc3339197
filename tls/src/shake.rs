//! A whole handshake as a request asks for it, and what was shown in it as events.

use netdiag_wire::{
    Untrusted,
    tls::{
        MAX_CERTIFICATES, MAX_PIECE_BYTES, TlsEnd, TlsEvent, TlsHandshake, TlsPurpose, TlsRequest,
        TlsUpgrade,
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use crate::{Client, Observed, Shown, upgrade};

/// STARTTLS where it is asked for, the handshake, and what the server says to that.
pub async fn shake<S>(
    request: &TlsRequest,
    client: &Client,
    mut stream: S,
    until: Instant,
) -> (TlsHandshake, Shown)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let upgrade = match upgraded(request, &mut stream, until).await {
        Ok(upgrade) => upgrade,
        Err(end) => return (TlsHandshake { end, ..TlsHandshake::default() }, Shown::default()),
    };
    let mut observed = client.handshake(stream, until).await;
    client.listen(&mut observed, until).await;
    let Observed { handshake, shown, .. } = observed;
    (TlsHandshake { upgrade, ..handshake }, shown)
}

/// To where TLS begins.
pub async fn upgraded<S>(
    request: &TlsRequest,
    stream: &mut S,
    until: Instant,
) -> Result<Option<TlsUpgrade>, TlsEnd>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let domain = request.offer.server_name.as_deref().unwrap_or(&request.host);
    match request.start_tls {
        None => Ok(None),
        Some(protocol) => upgrade(stream, protocol, domain, until).await.map(Some),
    }
}

impl Shown {
    /// A chain in pieces, each short enough for a line, with the number of its certificate.
    pub fn certificates(&self) -> impl Iterator<Item = (u16, Untrusted)> {
        self.chain.iter().take(MAX_CERTIFICATES).enumerate().flat_map(|(number, certificate)| {
            let pieces = certificate.chunks(MAX_PIECE_BYTES);
            pieces.map(move |piece| (number as u16, piece.to_vec().into()))
        })
    }

    /// In pieces, each short enough for a line.
    pub fn events(&self, purpose: TlsPurpose) -> impl Iterator<Item = TlsEvent> {
        let staple = self.staple.iter().flat_map(|staple| staple.chunks(MAX_PIECE_BYTES));
        let staple =
            staple.map(move |piece| TlsEvent::Staple { purpose, der: piece.to_vec().into() });
        let certificates = self.certificates();
        let certificates =
            certificates.map(move |(number, der)| TlsEvent::Certificate { purpose, number, der });
        certificates.chain(staple)
    }
}
