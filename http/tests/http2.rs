//! HTTP/2 with a real server of it.

use std::future::Future;

use bytes::Bytes;
use h2::{Reason, server};
use http::{HeaderMap, Response};
use netdiag_wire::http::{HttpEnd, HttpField, HttpRequest, HttpVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::{Heads, exchange, request};

type Connection = server::Connection<DuplexStream, Bytes>;
type Respond = server::SendResponse<Bytes>;
type Asked = http::Request<h2::RecvStream>;

/// The server does this with the first request, and goes on until the client has gone.
async fn served<F>(
    request: HttpRequest,
    body: &[&str],
    serve: impl FnOnce(Asked, Respond, Connection) -> F + Send + 'static,
) -> Heads
where
    F: Future<Output = Option<Connection>> + Send,
{
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let serving = tokio::spawn(async move {
        let mut connection = server::handshake(theirs).await.unwrap();
        let (asked, respond) = connection.accept().await.unwrap().unwrap();
        if let Some(mut connection) = serve(asked, respond, connection).await {
            while connection.accept().await.is_some() {}
        }
    });
    let heads = exchange(&request, ours, Some(b"h2"), body).await;
    serving.await.unwrap();
    heads
}

#[tokio::test]
async fn an_answer_comes_whole_with_its_trailers() {
    let heads = served(request(), &[], async |asked, mut respond, connection| {
        assert_eq!(asked.uri(), "http://web/");
        assert!(asked.headers().is_empty());
        let head = Response::builder().status(404).header("a", "b").body(()).unwrap();
        let mut body = respond.send_response(head, false).unwrap();
        body.send_data("not here".into(), false).unwrap();
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "5".parse().unwrap());
        body.send_trailers(trailers).unwrap();
        Some(connection)
    })
    .await;
    let answer = heads.answer.unwrap();
    assert_eq!((answer.version, answer.status), ("HTTP/2.0".into(), 404));
    assert_eq!(answer.fields, [HttpField::new("a", "b")]);
    assert_eq!((heads.body.as_slice(), heads.over.end), (&b"not here"[..], HttpEnd::Whole));
    assert_eq!(heads.over.trailers, [HttpField::new("grpc-status", "5")]);
}

#[tokio::test]
async fn a_refusal_has_its_code() {
    let refused = |reason: Reason| HttpEnd::Refused { code: reason.into() };
    for reason in [Reason::REFUSED_STREAM, Reason::HTTP_1_1_REQUIRED, Reason::ENHANCE_YOUR_CALM] {
        let reset = served(request(), &[], async move |_, mut respond, connection| {
            respond.send_reset(reason);
            Some(connection)
        });
        assert_eq!(reset.await.over.end, refused(reason), "RST_STREAM {reason}");
        let gone = served(request(), &[], async move |_, _respond, mut connection| {
            connection.abrupt_shutdown(reason);
            Some(connection)
        });
        assert_eq!(gone.await.over.end, refused(reason), "GOAWAY {reason}");
    }
    let within = served(request(), &[], async |_, mut respond, connection| {
        let mut body = respond.send_response(Response::new(()), false).unwrap();
        body.send_data("abc".into(), false).unwrap();
        body.send_reset(Reason::INTERNAL_ERROR);
        Some(connection)
    });
    assert_eq!(within.await.over.end, refused(Reason::INTERNAL_ERROR));
}

#[tokio::test]
async fn a_connection_that_ends_within_an_answer_is_cut() {
    let silent = served(request(), &[], async |_, _, _| None).await;
    assert_eq!(silent.over.end, HttpEnd::CutHead);
}

#[tokio::test]
async fn a_head_too_large_is_no_answer() {
    for (fields, bytes) in [(1, 16_500), (1, 70_000), (101, 1), (5_000, 1)] {
        let heads = served(request(), &[], async move |_, mut respond, connection| {
            let mut head = Response::new(());
            let name = |number| format!("a{number}").parse::<http::HeaderName>().unwrap();
            let fields = (0..fields).map(|number| (name(number), "b".repeat(bytes)));
            head.headers_mut().extend(fields.map(|(name, value)| (name, value.parse().unwrap())));
            respond.send_response(head, true).unwrap();
            Some(connection)
        })
        .await;
        let end = (heads.answer, heads.over.end);
        assert_eq!(end, (None, HttpEnd::HeadTooLong), "{fields} fields of {bytes}");
    }
}

#[tokio::test]
async fn the_version_is_the_servers_choice_unless_asked_for() {
    for (version, alpn, starts) in [
        (HttpVersion::Any, None, "GET / HTTP/1.1"),
        (HttpVersion::Any, Some("http/1.1"), "GET / HTTP/1.1"),
        (HttpVersion::Any, Some("h2"), "PRI * HTTP/2.0"),
        (HttpVersion::Http2, None, "PRI * HTTP/2.0"),
        (HttpVersion::Http11, Some("h2"), "GET / HTTP/1.1"),
        (HttpVersion::Http10, Some("h2"), "GET / HTTP/1.0"),
    ] {
        let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
        let request = HttpRequest { version, ..request() };
        let hearing = async {
            let mut said = [0; 14];
            theirs.read_exact(&mut said).await.unwrap();
            drop(theirs);
            String::from_utf8(said.to_vec()).unwrap()
        };
        let running = exchange(&request, ours, alpn.map(str::as_bytes), &[]);
        let (said, heads) = tokio::join!(hearing, running);
        assert_eq!((said.as_str(), heads.over.end), (starts, HttpEnd::Empty), "{alpn:?}");
    }
}

#[tokio::test]
async fn a_server_of_the_other_version_is_heard() {
    let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
    let says = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    theirs.write_all(says).await.unwrap();
    let heads = exchange(&request(), ours, Some(b"h2"), &[]).await;
    let HttpEnd::Malformed { said, .. } = &heads.over.end else { panic!("{heads:?}") };
    assert!(says.starts_with(said.as_bytes()) && !said.as_bytes().is_empty(), "{said:?}");

    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let serving = tokio::spawn(async { server::handshake::<_>(theirs).await.map(drop) });
    let heads = exchange(&request(), ours, Some(b"http/1.1"), &[]).await;
    assert!(serving.await.unwrap().is_err());
    let HttpEnd::Malformed { said, .. } = &heads.over.end else { panic!("{heads:?}") };
    // A SETTINGS frame on stream 0 (RFC 9113, section 6.5).
    assert_eq!(said.as_bytes()[3..9], [4, 0, 0, 0, 0, 0]);
}
