//! A byte stream as a plugin speaks it.

use std::{net::SocketAddr, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::StreamExt;
use http_body_util::{BodyExt, StreamBody};
use hyper::{
    Request,
    body::{Frame, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use netdiag_wire::frame::{self, Kind};
use serde_json::Value;
use tokio::{net::TcpStream, sync::mpsc, time::timeout};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Duplex {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    to_agent: Option<mpsc::Sender<Bytes>>,
    body: Incoming,
    read: BytesMut,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Piece {
    Event(Value),
    Data(Bytes),
    End,
}

impl Duplex {
    /// Of `connect/stream`; `head` is the first line, with its end.
    pub(crate) async fn open(address: SocketAddr, token: &str, head: impl Into<Bytes>) -> Self {
        Self::at(address, "connect/stream", token, head).await
    }

    pub(crate) async fn at(
        address: SocketAddr,
        path: &str,
        token: &str,
        head: impl Into<Bytes>,
    ) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let (to_agent, chunks) = mpsc::channel::<Bytes>(1);
        to_agent.send(head.into()).await.unwrap();
        let chunks = futures_util::stream::unfold(chunks, |mut chunks| async {
            Some((Ok::<_, std::convert::Infallible>(Frame::data(chunks.recv().await?)), chunks))
        });
        let request = Request::post(format!("/v1/{path}")).header("host", "localhost");
        let request = request.header("authorization", format!("Bearer {token}"));
        let body = StreamBody::new(chunks.boxed());
        let answer = sender.send_request(request.body(body).unwrap());
        let (head, body) = timeout(PATIENCE, answer).await.unwrap().unwrap().into_parts();
        let content_type = head.headers["content-type"].to_str().unwrap().to_owned();
        let read = BytesMut::new();
        Self { status: head.status.as_u16(), content_type, to_agent: Some(to_agent), body, read }
    }

    /// False where the agent takes no more.
    pub(crate) async fn send(&self, bytes: impl Into<Bytes>) -> bool {
        self.to_agent.as_ref().unwrap().send(bytes.into()).await.is_ok()
    }

    pub(crate) async fn send_data(&self, bytes: &[u8]) -> bool {
        self.send([&Kind::Data.head(bytes.len())[..], bytes].concat()).await
    }

    /// END, and the end of the request's body.
    pub(crate) async fn end(&mut self) {
        self.send(Kind::End.head(0).to_vec()).await;
        self.to_agent = None;
    }

    pub(crate) async fn next(&mut self) -> Option<Piece> {
        loop {
            if let Some(piece) = self.take() {
                return Some(piece);
            }
            let frame = timeout(PATIENCE, self.body.frame()).await.expect("a frame in time");
            self.read.extend_from_slice(&frame?.ok()?.into_data().unwrap());
        }
    }

    fn take(&mut self) -> Option<Piece> {
        let length = self.read.first_chunk().map(|length| u32::from_be_bytes(*length))? as usize;
        if self.read.len() < frame::LENGTH_BYTES + length {
            return None;
        }
        self.read.advance(frame::LENGTH_BYTES);
        let mut whole = self.read.split_to(length).freeze();
        let kind = Kind::of(&whole).unwrap();
        whole.advance(1);
        Some(match kind {
            Kind::Event => Piece::Event(serde_json::from_slice(&whole).unwrap()),
            Kind::Data => Piece::Data(whole),
            Kind::End => Piece::End,
        })
    }

    /// The next event, which nothing else may precede.
    pub(crate) async fn event(&mut self) -> Value {
        match self.next().await {
            Some(Piece::Event(event)) => event,
            other => panic!("no event, but {other:?}"),
        }
    }

    /// All data to the END.
    pub(crate) async fn data(&mut self) -> Vec<u8> {
        let mut data = Vec::new();
        loop {
            match self.next().await {
                Some(Piece::Data(bytes)) => data.extend_from_slice(&bytes),
                Some(Piece::End) => return data,
                other => panic!("after {} bytes {other:?}", data.len()),
            }
        }
    }
}
