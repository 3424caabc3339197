//! One HTTP GET on this namespace's own loopback, bounded in time and size; no redirect is followed.

use std::{
    error::Error,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode, header::HOST};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

/// For connection, answer and body together.
const PATIENCE: Duration = Duration::from_secs(1);
/// kube-proxy's metrics are about 100 KiB.
const MAX_BYTES: usize = 4 << 20;

/// Status and body; in words, why there is none.
pub(super) async fn get(port: u16, path: &str) -> Result<(StatusCode, Bytes), String> {
    let asked = async {
        let stream = connect(port).await.map_err(|error| format!("connect: {error}"))?;
        exchange(stream, path).await
    };
    let answer = timeout(PATIENCE, asked).await;
    let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")));
    answer.map_err(|why| format!("port {port} on the node's loopback: {why}"))
}

/// A node of IPv6 alone has kube-proxy listen on ::1.
async fn connect(port: u16) -> io::Result<TcpStream> {
    let [v4, v6] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    match TcpStream::connect(SocketAddr::new(v4, port)).await {
        Ok(stream) => Ok(stream),
        Err(error) => TcpStream::connect(SocketAddr::new(v6, port)).await.map_err(|_| error),
    }
}

async fn exchange(stream: TcpStream, path: &str) -> Result<(StatusCode, Bytes), String> {
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|e| chain(&e))?;
    let request = Request::get(path).header(HOST, "localhost").body(Empty::<Bytes>::new());
    let request = request.map_err(|error| error.to_string())?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(|error| chain(&error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_BYTES).collect().await;
        Ok((status, body.map_err(|error| error.to_string())?.to_bytes()))
    };
    tokio::select! {
        answer = answer => answer,
        // It ends by itself only when it is broken: the sender is still there.
        Err(error) = connection => Err(chain(&error)),
    }
}

fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
