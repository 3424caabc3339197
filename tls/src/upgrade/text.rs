//! Protocols of lines, and XMPP's of elements.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

use super::Talk;

/// Reserved for what is nobody's name (RFC 6761, section 6.4).
const EHLO: &[u8] = b"EHLO netdiag.invalid\r\n";
const XMPP_TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<'_, S> {
    pub(super) async fn smtp(&mut self) -> io::Result<bool> {
        if !self.reply(b"220").await?.0 {
            return Ok(false);
        }
        self.send(EHLO).await?;
        let (is_well, lines) = self.reply(b"250").await?;
        let offers = |line: &Vec<u8>| {
            line.get(4..).is_some_and(|word| word.trim_ascii().eq_ignore_ascii_case(b"STARTTLS"))
        };
        if !is_well || !lines.iter().any(offers) {
            return Ok(false);
        }
        self.send(b"STARTTLS\r\n").await?;
        Ok(self.reply(b"220").await?.0)
    }

    pub(super) async fn imap(&mut self) -> io::Result<bool> {
        if !self.line().await?.starts_with(b"* OK") {
            return Ok(false);
        }
        self.send(b"a STARTTLS\r\n").await?;
        loop {
            let line = self.line().await?;
            if !line.starts_with(b"*") {
                return Ok(line.starts_with(b"a OK"));
            }
        }
    }

    pub(super) async fn pop3(&mut self) -> io::Result<bool> {
        if !self.line().await?.starts_with(b"+OK") {
            return Ok(false);
        }
        self.send(b"STLS\r\n").await?;
        Ok(self.line().await?.starts_with(b"+OK"))
    }

    pub(super) async fn xmpp(&mut self, domain: &str) -> io::Result<bool> {
        let domain: String = domain.chars().filter(|c| !"<>&'\"".contains(*c)).collect();
        let open = format!(
            "<?xml version='1.0'?><stream:stream to='{domain}' xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
        );
        self.send(open.as_bytes()).await?;
        let features = self.through(b"</stream:features>").await?;
        if !String::from_utf8_lossy(&features).contains(XMPP_TLS) {
            return Ok(false);
        }
        self.send(format!("<starttls xmlns='{XMPP_TLS}'/>").as_bytes()).await?;
        Ok(self.through(b">").await?.trim_ascii_start().starts_with(b"<proceed"))
    }

    /// The lines of one reply, and whether its code is that.
    async fn reply(&mut self, code: &[u8]) -> io::Result<(bool, Vec<Vec<u8>>)> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await?;
            let goes_on = line.get(3) == Some(&b'-');
            let is_well = line.starts_with(code);
            lines.push(line);
            if !goes_on {
                return Ok((is_well, lines));
            }
        }
    }

    async fn line(&mut self) -> io::Result<Vec<u8>> {
        self.through(b"\n").await
    }

    /// To the end of `last`.
    async fn through(&mut self, last: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(last) {
            bytes.push(self.byte().await?);
        }
        Ok(bytes)
    }
}
