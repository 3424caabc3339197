//! A web server in a pod's or a node's network, in a thread of the test.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Result;
use netdiag_tests::Netns;

/// How many requests came.
#[derive(Clone, Default)]
pub(crate) struct Asked(Arc<AtomicUsize>);

impl Asked {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Answers by the path: `/slow` after 1.5 s, `/hang` never, `/to?URL` leads there, `/503` is an
/// Envoy's own, everything else is well and says from whom it came.
pub(crate) fn serve(netns: &Netns, address: &str) -> Result<Asked> {
    let address = address.to_owned();
    let listener = netns.run(move || Ok(TcpListener::bind(address)?))?;
    let asked = Asked::default();
    let counted = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counted = counted.clone();
            thread::spawn(move || answer(stream, &counted));
        }
    });
    Ok(asked)
}

fn answer(mut stream: TcpStream, asked: &Asked) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    asked.0.fetch_add(1, Ordering::SeqCst);
    let text = String::from_utf8_lossy(&head);
    let target = text.split(' ').nth(1).unwrap_or_default().to_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("Host: ")).unwrap_or_default();
    let (status, more) = match target.as_str() {
        "/slow" => {
            thread::sleep(Duration::from_millis(1500));
            ("200 OK", String::new())
        }
        "/hang" => {
            let _ = stream.read(&mut byte);
            return;
        }
        "/503" => ("503 Service Unavailable", "Server: istio-envoy\r\n".into()),
        _ => match target.strip_prefix("/to?") {
            Some(to) => ("302 Found", format!("Location: {to}\r\n")),
            None => ("200 OK", String::new()),
        },
    };
    let body = format!("you asked {host} for {target}\n");
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\n{more}Content-Length: {length}\r\n\r\n{body}");
    let _ = stream.write_all(answer.as_bytes());
}
