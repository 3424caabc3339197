//! A web server that keeps what it was asked, and answers by the path.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

/// One request as the server saw it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Seen {
    /// The line of the PROXY protocol before it, without its ports.
    pub(super) proxy: Option<String>,
    /// Method, target and version.
    pub(super) line: String,
    /// Names in lower case; sorted by name alone, so equal names keep their order.
    pub(super) fields: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    seen: Receiver<Seen>,
}

impl Server {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, seen) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
                    serve(stream, &mut |seen| drop(sender.send(seen)));
                });
            }
        });
        Self { address, seen }
    }

    /// What it was asked since it was asked this the last time.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.try_iter().collect()
    }
}

/// Until the client closes or asks for it; curl keeps its connection, netdiag does not.
fn serve(stream: TcpStream, note: &mut impl FnMut(Seen)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some(seen) = read(&mut reader) {
        let answer = answer(&seen);
        note(seen);
        if writer.write_all(&answer).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut seen = Seen::default();
    let mut line = text(reader)?;
    if let Some(proxy) = line.strip_prefix("PROXY ") {
        seen.proxy = Some(proxy.split(' ').take(3).collect::<Vec<_>>().join(" "));
        line = text(reader)?;
    }
    seen.line = line;
    loop {
        let line = text(reader)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        seen.fields.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let field =
        |name: &str| seen.fields.iter().find(|(it, _)| it == name).map(|(_, it)| it.clone());
    seen.body = match (field("content-length"), field("transfer-encoding")) {
        (Some(length), _) => exactly(reader, length.parse().ok()?)?,
        (_, Some(_)) => chunks(reader)?,
        _ => Vec::new(),
    };
    seen.fields.sort_by(|a, b| a.0.cmp(&b.0));
    Some(seen)
}

fn text(reader: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).ok().filter(|read| *read > 0)?;
    Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
}

fn exactly(reader: &mut impl Read, length: usize) -> Option<Vec<u8>> {
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

fn chunks(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(&text(reader)?, 16).ok()?;
        body.extend(exactly(reader, length)?);
        text(reader)?;
        if length == 0 {
            return Some(body);
        }
    }
}

/// `/redirect/STATUS/PATH` leads to `/PATH`, `/status/STATUS` has it, `/gzip` is packed; everything
/// else is well.
fn answer(seen: &Seen) -> Vec<u8> {
    let mut words = seen.line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = match target.strip_prefix("http://") {
        Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => target,
    };
    let parts: Vec<_> = path.split('/').collect();
    let (status, more, body) = match parts.as_slice() {
        ["", "redirect", status, rest @ ..] => {
            (*status, format!("Location: /{}\r\n", rest.join("/")), b"gone".to_vec())
        }
        ["", "away", port, ..] => {
            ("302", format!("Location: http://127.0.0.1:{port}/there\r\n"), Vec::new())
        }
        ["", "status", status] => (*status, String::new(), b"not so well".to_vec()),
        ["", "gzip"] => ("200", "Content-Encoding: gzip\r\n".into(), packed(b"unpacked")),
        _ => ("200", String::new(), format!("you asked {path}").into_bytes()),
    };
    let head = format!(
        "HTTP/1.1 {status} As Asked\r\nX-Test: yes\r\n{more}Content-Length: {}\r\n\r\n",
        body.len()
    );
    let body = if method == "HEAD" { Vec::new() } else { body };
    [head.into_bytes(), body].concat()
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}
