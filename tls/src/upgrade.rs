//! STARTTLS: from a protocol in the clear to TLS, never a byte further.

use std::io;

use netdiag_wire::tls::{MAX_SAID, StartTls, TlsEnd, TlsUpgrade};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout_at},
};

mod binary;
mod text;

/// Longest answer that is read.
const MAX_ANSWER: usize = 16 * 1024;

/// Asks for TLS; `domain` is whom an XMPP server is asked to be. What it came to where there is
/// to be none.
pub async fn upgrade<S>(
    stream: &mut S,
    protocol: StartTls,
    domain: &str,
    until: Instant,
) -> Result<TlsUpgrade, TlsEnd>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let start = Instant::now();
    let mut talk = Talk { stream, said: Vec::new(), answered: 0 };
    let asked = timeout_at(until, talk.ask(protocol, domain)).await;
    talk.said.truncate(MAX_SAID);
    let said = talk.said.into();
    match asked {
        Ok(Ok(true)) => Ok(TlsUpgrade { took_us: start.elapsed().as_micros() as u64, said }),
        Ok(Ok(false)) => Err(TlsEnd::NotUpgraded { said }),
        Ok(Err(cause)) => Err(match cause.kind() {
            io::ErrorKind::UnexpectedEof if said.as_bytes().is_empty() => TlsEnd::Closed,
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => TlsEnd::Reset,
            _ => TlsEnd::NotUpgraded { said },
        }),
        // Who waits for the client to speak first speaks another protocol.
        Err(_) if said.as_bytes().is_empty() => Err(TlsEnd::Silence),
        Err(_) => Err(TlsEnd::NotUpgraded { said }),
    }
}

/// The server's words are kept, for whoever is refused.
struct Talk<'a, S> {
    stream: &'a mut S,
    said: Vec<u8>,
    answered: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<'_, S> {
    /// Whether TLS follows.
    async fn ask(&mut self, protocol: StartTls, domain: &str) -> io::Result<bool> {
        match protocol {
            StartTls::Smtp => self.smtp().await,
            StartTls::Imap => self.imap().await,
            StartTls::Pop3 => self.pop3().await,
            StartTls::Xmpp => self.xmpp(domain).await,
            StartTls::Postgres => self.postgres().await,
            StartTls::Mysql => self.mysql().await,
            StartTls::Ldap => self.ldap().await,
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Byte by byte, so that none of TLS is taken for an answer.
    async fn byte(&mut self) -> io::Result<u8> {
        if self.answered >= MAX_ANSWER {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let byte = self.stream.read_u8().await?;
        self.answered += 1;
        if self.said.len() < MAX_SAID {
            self.said.push(byte);
        }
        Ok(byte)
    }

    async fn bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for _ in 0..count {
            bytes.push(self.byte().await?);
        }
        Ok(bytes)
    }
}
