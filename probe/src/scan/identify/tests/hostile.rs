//! Servers that mean harm: whatever they say, a port takes bounded time, connections and memory.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use super::*;

/// A server of its own kind, until its client has enough; counts the connections.
async fn serve(listener: TcpListener, kind: usize, count: Arc<AtomicU8>) {
    while let Ok((stream, _)) = listener.accept().await {
        count.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(harm(stream, kind));
    }
}

async fn harm(mut stream: TcpStream, kind: usize) {
    let endless: &[u8] = match kind {
        0 => &[0; 4_096],
        1 => b"\x1b]0;owned\x07\x1b[2J",
        2 => b"220-and so on\r\n",
        3 => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
        4 => b"SSH",
        5 => b"\0\0\0\x04\0\0\0\0\0",
        6 => b"{\"a\":{\"a\":{\"a\":",
        _ => return drip(stream, kind).await,
    };
    while stream.write_all(endless).await.is_ok() {}
}

/// One byte at a time, or nothing at all.
async fn drip(mut stream: TcpStream, kind: usize) {
    let text: &[u8] = match kind {
        7 => b"SSH-2.0-",
        8 => b"HTTP/1.1 200 OK\r\nServer: ",
        9 => b"\x16\x03\x03\x40\x00\x02",
        10 => b"-",
        11 => b"\x15\x03\x01\x00\x02\x02\x28",
        _ => b"",
    };
    let _ = stream.write_all(text).await;
    if kind == 11 {
        return;
    }
    let mut heard = [0; 1_024];
    loop {
        tokio::select! {
            read = stream.read(&mut heard) => if !matches!(read, Ok(1..)) { return },
            () = tokio::time::sleep(Duration::from_millis(20)) => {
                if !text.is_empty() && stream.write_all(b"a").await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test]
async fn no_server_holds_a_scan() {
    let (mut ports, mut counts) = (Vec::new(), Vec::new());
    for kind in 0..13 {
        let listener = TcpListener::bind((HERE, 0)).await.unwrap();
        ports.push(open_port(ScanProtocol::Tcp, listener.local_addr().unwrap().port()));
        let count = Arc::new(AtomicU8::new(0));
        counts.push(Arc::clone(&count));
        tokio::spawn(serve(listener, kind, count));
    }
    let start = Instant::now();
    let found = identified(&ports).await;
    assert_eq!(found.len(), ports.len());
    assert!(start.elapsed() < PORT + Duration::from_secs(2), "{:?}", start.elapsed());
    for count in counts {
        assert!((1..=peer::MAX_CONNECTIONS).contains(&count.load(Ordering::Relaxed)));
    }
    for one in found {
        assert!(one.banner.is_none_or(|banner| banner.as_bytes().len() <= MAX_BANNER));
        assert!(one.product.is_none(), "{:?}", one.product);
    }
}

/// Beginnings that each reader takes for its own, with lengths and contents that are none.
fn hostile() -> Vec<Vec<u8>> {
    let starts: [&[u8]; 25] = [
        b"SSH-2.0-",
        b"220 ",
        b"220-",
        b"+OK ",
        b"* OK [CAPABILITY IMAP4rev1 ID ",
        b"* ID (\"name\" \"",
        b"INFO {\"server_id\":",
        b"-NOAUTH ",
        b"$4294967295\r\nredis_version:",
        b"VERSION ",
        b"\xff\xff\xff\x00\x0a",
        b"\x4a\x00\x00\x00\x0a5.5.5-",
        b"E\xff\xff\xff\xff",
        b"E\x00\x00\x00\x08SE",
        b"\xff\xff\xff\xff\x01\x00\x00\x00\x01\x00\x00\x00\xdd\x07\x00\x00",
        b"\x40\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\xdd\x07\x00\x00\0\0\0\0\0\xff\xff\xff\xff",
        b"\x01\x00\x00\xff\xff\xff\xff",
        b"\x01\x00\x00\x00\x00\x00\x20\x00\x0a\x00\x0a\x00\x09\xff\xff\xff\xff",
        b"\x7f\xff\xff\xffnetd",
        b"\x00\x00\x00\x10netd\x00\x00\xff\xff\xff\xff",
        b"\x30\x84\xff\xff\xff\xff\x02\x01\x01\x64",
        b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n",
        b"\x00\x00\x00\x04\x00\x00\x00\x00\x00\xff\xff\xff\x01\x04\x00\x00\x00\x01",
    ];
    let ends: [Vec<u8>; 4] = [
        vec![b'A'; 70_000],
        vec![0xff; 300],
        b"\x1b[31m\x1b]52;c;cm0gLXJm\x07\xe2\x80\xae\r\n\0\x9b".repeat(40),
        b"{\"a\":[".repeat(5_000),
    ];
    let with = |start: &[u8]| ends.iter().map(|end| [start, end].concat()).collect::<Vec<_>>();
    starts.iter().flat_map(|start| with(start)).collect()
}

#[test]
fn a_hundred_hostile_banners_are_read_within_bounds() {
    let banners = hostile();
    assert_eq!(banners.len(), 100);
    for banner in &banners {
        for (name, read) in readers() {
            let start = Instant::now();
            read_on(read, banner);
            assert!(start.elapsed() < Duration::from_secs(2), "{name} {:?}", &banner[..20]);
        }
    }
}

#[test]
fn what_they_say_never_steers_a_terminal() {
    for banner in hostile() {
        for (_, read) in readers() {
            let Some(found) = read(&banner).so_far() else { continue };
            let cells = [found.product, found.version, found.info];
            let shown = cells.into_iter().flatten().map(|cell| cell.to_string());
            for text in shown.chain(found.speaks) {
                assert!(!text.contains(netdiag_wire::untrusted::is_hostile), "{text:?}");
            }
        }
    }
}
