//! `make bench`: one GET and a large body beside curl, each as a process of its own in the same run.
//!
//! Each round runs every command once, so that a busy moment of the machine hits all alike.

#[path = "../../tests/benches/ping/samples.rs"]
mod samples;

use std::{
    error::Error,
    io::{self, BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use netdiag_probe::{
    StreamProbe,
    names::ResolverFiles,
    stream::{Caller, Outgoing, QUEUE},
};
use netdiag_wire::http::{HttpEnd, HttpEvent, HttpField, HttpRequest};
use samples::Samples;
use tokio::{runtime::Builder, sync::mpsc};
use tokio_util::sync::CancellationToken;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROUNDS: usize = 20;
const LARGE: usize = 100 * 1024 * 1024;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().collect();
    if let Some(place) = words.iter().position(|word| word == "once") {
        return once(words[place + 1].parse()?, &words[place + 2]);
    }
    let port = serve()?;
    show("| http, engine alone | median (middle half) of runs | beside it | goal |")?;
    show("| --- | --- | --- | --- |")?;
    beside(port, "GET, 1 KiB", "/small")?;
    beside(port, "GET, 100 MiB", "/large")
}

fn show(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}

fn beside(port: u16, what: &str, path: &str) -> Result<()> {
    let url = format!("http://127.0.0.1:{port}{path}");
    let own = std::env::current_exe()?.to_string_lossy().into_owned();
    let port = port.to_string();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(took(&[&own, "once", &port, path])?);
        theirs.push(took(&["curl", "-q", "-s", "-o", "/dev/null", &url])?);
    }
    let (ours, theirs) = (Samples::of(&ours), Samples::of(&theirs));
    let ratio = ours.median() / theirs.median();
    show(&format!("| {what} | {ours} | curl: {theirs}; {ratio:.2} x its time | at most 1 x |"))?;
    Ok(())
}

fn took(words: &[&str]) -> Result<Duration> {
    let begin = Instant::now();
    #[expect(clippy::disallowed_methods, reason = "the peer is a program, and so are we")]
    let status = Command::new(words[0]).args(&words[1..]).stdin(Stdio::null()).status()?;
    match status.success() {
        true => Ok(begin.elapsed()),
        false => Err(format!("{words:?} failed").into()),
    }
}

/// One exchange, its body thrown away.
fn once(port: u16, path: &str) -> Result<()> {
    let request = HttpRequest {
        target: path.to_owned(),
        fields: vec![HttpField::new("Host", format!("127.0.0.1:{port}"))],
        with_body: true,
        ..HttpRequest::to("127.0.0.1", port)
    };
    let sockets = request.open()?;
    let (upload, from) = mpsc::channel(1);
    drop(upload);
    let (to, mut told) = mpsc::channel(QUEUE);
    let files = ResolverFiles::default();
    let running =
        request.run(sockets, &files, &|_| Ok(()), Caller { from, to }, CancellationToken::new());
    let hearing = async {
        let mut end = None;
        while let Some(outgoing) = told.recv().await {
            if let Outgoing::Event(HttpEvent::Over(over)) = outgoing {
                end = Some(over.end);
            }
        }
        end
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (ran, end) = runtime.block_on(async { tokio::join!(running, hearing) });
    ran?;
    match end {
        Some(HttpEnd::Whole) => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

fn serve() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        let chunk = vec![b'a'; 1024 * 1024];
        for stream in listener.incoming().flatten() {
            let _ = answer(stream, &chunk);
        }
    });
    Ok(port)
}

fn answer(mut stream: TcpStream, chunk: &[u8]) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line)?;
    }
    let length = if first.contains("/large") { LARGE } else { 1024 };
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")?;
    let mut left = length;
    while left > 0 {
        let piece = left.min(chunk.len());
        stream.write_all(&chunk[..piece])?;
        left -= piece;
    }
    Ok(())
}
