//! Exchanges with servers that do exactly this.

#![allow(clippy::unwrap_used, reason = "a fixture that fails is a failed test")]

use bytes::Bytes;
use netdiag_http::{Exchange, Heard};
use netdiag_wire::http::{HttpAnswer, HttpEvent, HttpField, HttpOver, HttpRequest};
use tokio::{io::DuplexStream, sync::mpsc};

mod cancel;
mod heads;
mod hostile;
mod http1;
mod http2;
mod tunnel;

#[derive(Debug, Default)]
struct Heads {
    answer: Option<HttpAnswer>,
    interim: Vec<u16>,
    over: HttpOver,
    body: Vec<u8>,
    asked: Vec<u8>,
}

fn request() -> HttpRequest {
    HttpRequest {
        fields: vec![HttpField::new("Host", "web")],
        answer_us: Some(2_000_000),
        with_body: true,
        ..HttpRequest::to("web", 80)
    }
}

/// Sends `body` and keeps what is told.
async fn exchange(
    request: &HttpRequest,
    stream: DuplexStream,
    alpn: Option<&[u8]>,
    body: &[&str],
) -> Heads {
    let (upload, from) = mpsc::channel(4);
    let body: Vec<_> = body.iter().map(|text| Bytes::from((*text).to_owned())).collect();
    let uploading = async move {
        for piece in body {
            // Nobody takes the rest of a body once the answer is there.
            let _ = upload.send(piece).await;
        }
    };
    let mut heads = Heads::default();
    let exchange = Exchange::new(request).unwrap();
    let (told, mut heard) = mpsc::channel(4);
    let running = async move { exchange.run(stream, alpn, from, &told).await };
    let hearing = async {
        while let Some(heard) = heard.recv().await {
            match heard {
                Heard::Event(HttpEvent::Answer(answer)) => heads.answer = Some(*answer),
                Heard::Event(HttpEvent::Interim { status, .. }) => heads.interim.push(status),
                Heard::Event(HttpEvent::Over(over)) => heads.over = *over,
                Heard::Event(_) => {}
                Heard::Data(data) => heads.body.extend_from_slice(&data),
                Heard::End => {}
            }
        }
    };
    let (ran, (), ()) = tokio::join!(running, uploading, hearing);
    ran.unwrap();
    heads
}
