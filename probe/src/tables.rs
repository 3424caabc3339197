//! The TCP sockets of this namespace, as the kernel lists them.
//!
//! Where a proxy takes the source's connections, as a mesh's sidecar does, the other end of one is
//! found here: it is connected, but not with its target.

use std::{
    fs::File,
    io,
    net::{IpAddr, SocketAddr},
    os::unix::fs::FileExt,
};

const CHUNK: usize = 64 * 1024;
/// 100,000 sockets.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The namespace's sockets, opened while files can be opened.
#[derive(Debug, Default)]
pub(crate) struct Tables(Vec<File>);

impl Tables {
    pub(crate) fn open() -> Self {
        let paths = ["/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"];
        Self(paths.iter().filter_map(|path| File::open(path).ok()).collect())
    }

    /// Somebody here is connected with `peer`.
    pub(crate) fn has_peer(&self, peer: SocketAddr) -> bool {
        self.0.iter().any(|file| find(file, peer).unwrap_or(false))
    }
}

fn find(file: &File, peer: SocketAddr) -> io::Result<bool> {
    let wanted = written(peer);
    let mut chunk = vec![0; CHUNK];
    let (mut offset, mut rest) = (0, Vec::new());
    while offset < MAX_BYTES {
        let length = file.read_at(&mut chunk, offset as u64)?;
        if length == 0 {
            return Ok(false);
        }
        offset += length;
        rest.extend_from_slice(&chunk[..length]);
        let text = String::from_utf8_lossy(&rest);
        // Number, local address, remote address.
        if text.lines().any(|line| {
            line.split_whitespace().nth(2).is_some_and(|remote| wanted.iter().any(|w| w == remote))
        }) {
            return Ok(true);
        }
        let line = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        rest.drain(..line);
    }
    Ok(false)
}

/// As the kernel writes it: words of 32 bits in this machine's order; IPv4 also as IPv6 has it.
fn written(peer: SocketAddr) -> Vec<String> {
    let words = |octets: &[u8]| -> String {
        let words = octets.as_chunks::<4>().0.iter();
        words.map(|word| format!("{:08X}", u32::from_ne_bytes(*word))).collect()
    };
    let port = peer.port();
    match peer.ip() {
        IpAddr::V4(v4) => vec![
            format!("{}:{port:04X}", words(&v4.octets())),
            format!("{}:{port:04X}", words(&v4.to_ipv6_mapped().octets())),
        ],
        IpAddr::V6(v6) => vec![format!("{}:{port:04X}", words(&v6.octets()))],
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn the_other_end_of_a_connection_is_found_and_no_other() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let _theirs = listener.accept().unwrap();
        let tables = Tables::open();
        let local = ours.local_addr().unwrap();
        assert!(tables.has_peer(local));
        assert!(!tables.has_peer(SocketAddr::new([127, 0, 0, 9].into(), local.port())));
    }
}
