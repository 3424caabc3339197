//! Questions over a connection (RFC 7766): one connection each.

use std::{future::Future, io, time::Duration};

use netdiag_wire::dns::{DnsOutcome, DnsTransport, RecordType};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout_at},
};

use super::{Client, Server, https, pending::Pending, tls, transfer::Transfer};
use crate::{
    ProbeError,
    sys::stream::{Connected, connect},
};

/// A transfer may take that long at least, however short the timeout of each message.
const TRANSFER: Duration = Duration::from_secs(30);

/// Within the timeout connection and answer, and of a transfer each further message.
pub(super) async fn ask(
    client: &Client<'_>,
    one: &mut Pending,
    server: &Server,
) -> Result<(), ProbeError> {
    one.begin();
    let deadline = Instant::now() + client.timeout;
    let connected = timeout_at(deadline, connect(server.address, client.from)).await;
    let connected = match connected {
        Ok(connected) => connected
            .map_err(|cause| ProbeError::Socket("open TCP connection from the source", cause))?,
        Err(_) => Connected::Silence,
    };
    if !matches!(connected, Connected::NotSent(_)) {
        one.count_sent();
    }
    match connected {
        Connected::Refused => one.end(DnsOutcome::Refused, None),
        Connected::Reset => {
            one.end(DnsOutcome::Reset, Some(in_words(&io::ErrorKind::ConnectionReset.into())));
        }
        Connected::Rejected { by, icmp } => one.rejected(by, icmp),
        Connected::NotSent(refusal) => one.not_sent(refusal),
        Connected::Silence => one.give_up(),
        Connected::Stream(stream) => converse(client, one, server, stream, deadline).await?,
    }
    Ok(())
}

async fn converse(
    client: &Client<'_>,
    one: &mut Pending,
    server: &Server,
    stream: TcpStream,
    deadline: Instant,
) -> Result<(), ProbeError> {
    let options = &client.options;
    let protocol: &[u8] = match one.exchanged.query.transport {
        DnsTransport::Tls => b"dot",
        DnsTransport::Https => b"http/1.1",
        DnsTransport::Udp | DnsTransport::Tcp | DnsTransport::Unknown => {
            return framed(client, one, stream, deadline).await;
        }
    };
    let stream = match until(deadline, tls::connect(options, server, protocol, stream)).await {
        None => {
            one.give_up();
            return Ok(());
        }
        Some(connected) => match connected? {
            Ok(stream) => stream,
            Err(error) => {
                one.end(DnsOutcome::TlsFailed, Some(error.to_string()));
                return Ok(());
            }
        },
    };
    match one.exchanged.query.transport {
        DnsTransport::Https => https::ask(options, one, server, stream, deadline).await?,
        _ => framed(client, one, stream, deadline).await?,
    }
    if options.ca.is_none() {
        one.note(tls::UNCHECKED);
    }
    Ok(())
}

/// Messages behind their lengths (RFC 1035, section 4.2.2).
pub(super) async fn framed(
    client: &Client<'_>,
    one: &mut Pending,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    deadline: Instant,
) -> Result<(), ProbeError> {
    let query = one.next_try()?;
    let framed = [&(query.len() as u16).to_be_bytes(), &query[..]].concat();
    if let Some(Err(error)) = until(deadline, stream.write_all(&framed)).await {
        one.end(DnsOutcome::Reset, Some(in_words(&error)));
        return Ok(());
    }
    match one.query.asked.kind {
        RecordType::AXFR | RecordType::IXFR => {
            let whole = client.timeout.saturating_mul(client.tries.into()).max(TRANSFER);
            Transfer::new(one).take(&mut stream, client.timeout, whole).await;
        }
        _ => answer(one, &mut stream, deadline).await,
    }
    Ok(())
}

async fn answer(one: &mut Pending, stream: &mut (impl AsyncRead + Unpin), deadline: Instant) {
    while one.is_open() {
        match until(deadline, message(stream)).await {
            None => return one.give_up(),
            Some(Err(error)) => one.end(DnsOutcome::Reset, Some(in_words(&error))),
            Some(Ok(bytes)) => {
                if let Some(parsed) = one.hear(&bytes) {
                    one.answered(parsed, bytes.len());
                }
            }
        }
    }
}

/// The next message, whole.
pub(super) async fn message(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; stream.read_u16().await?.into()];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// `None`: it took too long.
pub(super) async fn until<T>(deadline: Instant, what: impl Future<Output = T>) -> Option<T> {
    if Instant::now() >= deadline {
        return None;
    }
    timeout_at(deadline, what).await.ok()
}

pub(super) fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the server closed the connection without an answer".into(),
        io::ErrorKind::ConnectionReset => "the server reset the connection".into(),
        _ => error.to_string(),
    }
}
