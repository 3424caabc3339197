//! TLS over a byte stream, ended in this process: a client's key need not leave it.

use std::{io, sync::Arc};

use bytes::BytesMut;
use netdiag_tls::Anybody;
use netdiag_wire::{Event, Line, frame::MAX_DATA_BYTES};
use rustls::{ClientConfig, crypto::aws_lc_rs, pki_types::ServerName};
use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split},
    sync::{
        mpsc::{Receiver, Sender, channel},
        oneshot,
    },
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::Pieces;
use crate::agent::{Broken, Outgoing, Piece, Upload};

/// What waits on each side of the encryption.
const WAITING: usize = MAX_DATA_BYTES;
const QUEUE: usize = 4;

/// The same stream, in the clear on this side; then what was agreed on, or why nothing was.
pub(crate) struct Inside<E> {
    pub(crate) pieces: Pieces<E>,
    pub(crate) upload: Upload,
    pub(crate) agreed: oneshot::Receiver<io::Result<String>>,
}

/// Goes on by itself; ends with the stream.
pub(crate) fn begin<E: DeserializeOwned + Send + 'static>(
    pieces: Pieces<E>,
    upload: Upload,
    name: ServerName<'static>,
) -> Result<Inside<E>, rustls::Error> {
    let connector = TlsConnector::from(Arc::new(config()?));
    let (near, far) = duplex(WAITING);
    let (from_far, to_far) = split(far);
    let (clear, shown) = channel(QUEUE);
    let (inner, typed) = Upload::new();
    let (agreement, agreed) = oneshot::channel();
    let (ended, all_shown) = oneshot::channel();
    tokio::spawn(pass_up(from_far, upload));
    tokio::spawn(pass_down(pieces, to_far, clear.clone(), all_shown));
    tokio::spawn(async move {
        match connector.connect(name, near).await {
            Err(cause) => drop(agreement.send(Err(cause))),
            Ok(stream) => {
                let _ = agreement.send(Ok(words(&stream)));
                let (reader, writer) = split(stream);
                tokio::join!(decrypt(reader, &clear, ended), encrypt(writer, typed));
            }
        }
    });
    Ok(Inside { pieces: Pieces::Through(shown), upload: inner, agreed })
}

/// The bytes alone; what happens besides is told behind the last of them.
pub(crate) fn bytes<E: DeserializeOwned + Send + 'static>(
    pieces: Pieces<E>,
    upload: Upload,
) -> (DuplexStream, Pieces<E>) {
    let (near, far) = duplex(WAITING);
    let (from_far, to_far) = split(far);
    let (clear, told) = channel(QUEUE);
    let (_, nobody_reads) = oneshot::channel();
    tokio::spawn(pass_up(from_far, upload));
    tokio::spawn(pass_down(pieces, to_far, clear, nobody_reads));
    (near, Pieces::Through(told))
}

fn config() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let anybody = Arc::new(Anybody::new(Arc::clone(&provider)));
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions()?.dangerous();
    Ok(builder.with_custom_certificate_verifier(anybody).with_no_client_auth())
}

/// `TLS 1.3, TLS13_AES_128_GCM_SHA256; the certificate was not verified`.
fn words(stream: &TlsStream<DuplexStream>) -> String {
    let (_, connection) = stream.get_ref();
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS",
    };
    let suite = connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
    format!("{version}, {}; the certificate was not verified", suite.unwrap_or_default())
}

async fn pass_up(mut from: ReadHalf<DuplexStream>, upload: Upload) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(WAITING);
        match from.read_buf(&mut buffer).await {
            Ok(0) => return upload.end().await,
            Ok(_) if upload.send(buffer.split().freeze()).await => {}
            Ok(_) | Err(_) => return,
        }
    }
}

/// What happens behind the last byte is told when that byte was shown.
async fn pass_down<E: DeserializeOwned>(
    mut pieces: Pieces<E>,
    to: WriteHalf<DuplexStream>,
    clear: Sender<Result<Piece<E>, Broken>>,
    all_shown: oneshot::Receiver<()>,
) {
    let (mut to, mut all_shown) = (Some(to), Some(all_shown));
    loop {
        let piece = pieces.next().await;
        if let (Ok(Piece::Data(bytes)), Some(to)) = (&piece, &mut to) {
            // A handshake that failed takes no more; how, is told elsewhere.
            let _ = to.write_all(bytes).await;
            continue;
        }
        let is_heartbeat = matches!(piece, Ok(Piece::Event(Line { event: Event::Heartbeat, .. })));
        if !is_heartbeat {
            if let Some(mut to) = to.take() {
                let _ = to.shutdown().await;
            }
            if let Some(all_shown) = all_shown.take() {
                let _ = all_shown.await;
            }
        }
        let is_last = piece.is_err();
        // The end of the bytes is told where they are decrypted.
        if !matches!(piece, Ok(Piece::End)) && (clear.send(piece).await.is_err() || is_last) {
            return;
        }
    }
}

async fn decrypt<E>(
    mut from: ReadHalf<TlsStream<DuplexStream>>,
    clear: &Sender<Result<Piece<E>, Broken>>,
    _ended: oneshot::Sender<()>,
) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(WAITING);
        // An end without close_notify is an end as well: most servers leave it out.
        let piece = match from.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => Piece::End,
            Ok(_) => Piece::Data(buffer.split().freeze()),
        };
        let is_over = matches!(piece, Piece::End);
        if clear.send(Ok(piece)).await.is_err() || is_over {
            return;
        }
    }
}

async fn encrypt(mut to: WriteHalf<TlsStream<DuplexStream>>, mut typed: Receiver<Outgoing>) {
    while let Some(outgoing) = typed.recv().await {
        let written = match outgoing {
            Outgoing::Data(bytes) => match to.write_all(&bytes).await {
                Ok(()) => to.flush().await,
                refused => refused,
            },
            Outgoing::End => {
                // close_notify, and then the end of this direction.
                let _ = to.shutdown().await;
                return;
            }
        };
        if written.is_err() {
            return;
        }
    }
    // Broken off, and not ended: the half is kept from saying that it is over.
    std::future::pending::<()>().await;
}
