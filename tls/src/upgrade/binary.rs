//! Protocols of packets.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

use super::Talk;

/// Length and code 80877103 (PostgreSQL: Message Formats, SSLRequest).
const POSTGRES: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// An ExtendedRequest of 1.3.6.1.4.1.1466.20037 (RFC 4511, section 4.14.1).
const LDAP: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
/// CLIENT_LONG_PASSWORD, CLIENT_PROTOCOL_41, CLIENT_SSL, CLIENT_SECURE_CONNECTION.
const MYSQL_FLAGS: u32 = 0x0000_8a01;
const MYSQL_SSL: u16 = 0x0800;
/// utf8mb4_general_ci.
const MYSQL_CHARSET: u8 = 45;

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<'_, S> {
    pub(super) async fn postgres(&mut self) -> io::Result<bool> {
        self.send(&POSTGRES).await?;
        Ok(self.byte().await? == b'S')
    }

    /// The server greets with what it can; the client asks before it says who it is.
    pub(super) async fn mysql(&mut self) -> io::Result<bool> {
        let header = self.bytes(4).await?;
        let length = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        let greeting = self.bytes(length as usize).await?;
        if greeting.first() != Some(&10) || flags(&greeting).is_none_or(|f| f & MYSQL_SSL == 0) {
            return Ok(false);
        }
        let mut request = vec![32, 0, 0, header[3].wrapping_add(1)];
        request.extend(MYSQL_FLAGS.to_le_bytes());
        request.extend(0x0100_0000_u32.to_le_bytes());
        request.push(MYSQL_CHARSET);
        request.extend([0; 23]);
        self.send(&request).await?;
        Ok(true)
    }

    pub(super) async fn ldap(&mut self) -> io::Result<bool> {
        self.send(LDAP).await?;
        let header = self.bytes(2).await?;
        let length = match header[..] {
            [0x30, short @ 0..=0x7f] => usize::from(short),
            [0x30, 0x81] => usize::from(self.byte().await?),
            // OpenLDAP and 389 write the length of a sequence in four bytes.
            [0x30, long @ 0x82..=0x84] => {
                let bytes = self.bytes(usize::from(long - 0x80)).await?;
                bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
            }
            _ => return Ok(false),
        };
        let answer = self.bytes(length).await?;
        Ok(is_success(&answer))
    }
}

/// Behind the version's text: thread (4), half a challenge (8), a zero, the lower flags.
fn flags(greeting: &[u8]) -> Option<u16> {
    let end = greeting.iter().position(|byte| *byte == 0)?;
    let flags = greeting.get(end + 14..end + 16)?;
    Some(u16::from_le_bytes([flags[0], flags[1]]))
}

/// An ExtendedResponse (`[APPLICATION 24]`) to message 1, whose resultCode is 0.
fn is_success(answer: &[u8]) -> bool {
    let Some(rest) = answer.strip_prefix(b"\x02\x01\x01\x78") else { return false };
    let of_length = match rest.first() {
        Some(long @ 0x81..=0x84) => usize::from(long - 0x80) + 1,
        _ => 1,
    };
    rest.get(of_length..).is_some_and(|rest| rest.starts_with(&[0x0a, 1, 0]))
}
