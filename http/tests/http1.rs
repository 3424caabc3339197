//! Exchanges with servers that say exactly these bytes.

use std::time::Duration;

use netdiag_http::Exchange;
use netdiag_wire::http::{HttpEnd, HttpField, HttpRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Heads, exchange, request};

/// The server hears the request's head, says `answer` and closes, unless it `stays`.
pub(crate) async fn against(
    request: HttpRequest,
    answer: &[u8],
    stays: bool,
    body: &[&str],
) -> Heads {
    let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
    let answer = answer.to_vec();
    let serving = async move {
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") && !asked.ends_with(b"all of it") {
            asked.push(theirs.read_u8().await.unwrap());
        }
        let _ = theirs.write_all(&answer).await;
        if stays {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        drop(theirs);
        asked
    };
    let serving = tokio::spawn(serving);
    let mut heads = exchange(&request, ours, None, body).await;
    if !stays {
        heads.asked = serving.await.unwrap();
    }
    heads
}

async fn said(answer: &str) -> Heads {
    against(request(), answer.as_bytes(), false, &[]).await
}

#[tokio::test]
async fn an_answer_is_read_whole() {
    let heads = said("HTTP/1.1 200 Fine\r\nServer: a\r\nContent-Length: 5\r\n\r\nhello").await;
    let answer = heads.answer.unwrap();
    assert_eq!((answer.status, answer.reason), (200, "Fine".into()));
    assert_eq!(answer.fields[0], HttpField::new("server", "a"));
    assert_eq!((heads.body.as_slice(), heads.over.body_bytes), (&b"hello"[..], 5));
    assert_eq!(heads.over.end, HttpEnd::Whole);
    assert_eq!(heads.asked, b"GET / HTTP/1.1\r\nHost: web\r\n\r\n");
    assert_eq!(heads.over.written_bytes, 29);
    let chunked =
        said("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n")
            .await;
    assert_eq!((chunked.body.as_slice(), &chunked.over.end), (&b"abc"[..], &HttpEnd::Whole));
    assert_eq!(chunked.over.trailers, [HttpField::new("x-sum", "9")]);
    let to_the_end = said("HTTP/1.0 404 Not Found\r\n\r\nnothing here").await;
    assert_eq!(to_the_end.answer.unwrap().status, 404);
    assert_eq!((to_the_end.over.end, to_the_end.over.body_bytes), (HttpEnd::Whole, 12));
}

#[tokio::test]
async fn a_server_that_wants_tls_is_told_by_its_own_words() {
    let head = "HTTP/1.1 400 Bad Request\r\n\r\n";
    let words = "<h1>400</h1>The plain HTTP request was sent to HTTPS port";
    assert!(said(&format!("{head}{words}")).await.over.wants_tls);
    assert!(
        said(&format!("{head}Client sent an HTTP request to an HTTPS server.\n"))
            .await
            .over
            .wants_tls
    );
    assert!(!said(&format!("HTTP/1.1 200 OK\r\n\r\n{words}")).await.over.wants_tls);
    assert!(!said(head).await.over.wants_tls);
}

#[tokio::test]
async fn interim_answers_come_before() {
    let heads = said(
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    )
    .await;
    assert_eq!((heads.interim, heads.answer.unwrap().status), (vec![103, 102], 204));
}

#[tokio::test]
async fn each_bad_end_has_its_word() {
    let cut = |expected| HttpEnd::CutBody { expected };
    for (answer, end) in [
        ("", HttpEnd::Empty),
        ("HTTP/1.1 200 OK\r\nServer: a", HttpEnd::CutHead),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", cut(Some(10))),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", cut(None)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nlonger", HttpEnd::Surplus),
    ] {
        assert_eq!(said(answer).await.over.end, end, "{answer}");
    }
    for answer in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\u{15}\u{3}\u{1}\0\u{2}\u{2}F",
        "HTTP/1.1 2OO OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
        "HTTP/1.1 200 OK\r\nna me: a\r\n\r\n",
    ] {
        let end = said(answer).await.over.end;
        let HttpEnd::Malformed { said, .. } = end else { panic!("{answer:?}: {end:?}") };
        assert!(answer.as_bytes().starts_with(said.as_bytes()), "{said:?}");
    }
    let long = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "a".repeat(20_000));
    assert_eq!(said(&long).await.over.end, HttpEnd::HeadTooLong);
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(101));
    assert_eq!(said(&many).await.over.end, HttpEnd::HeadTooLong);
}

#[tokio::test(start_paused = true)]
async fn nothing_outlasts_its_time() {
    for answer in ["", "HTTP/1.1 200 OK\r\nA: ", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"]
    {
        let heads = against(request(), answer.as_bytes(), true, &[]).await;
        assert_eq!(heads.over.end, HttpEnd::TooLate, "{answer}");
        assert_eq!(heads.over.read_bytes, answer.len() as u64);
    }
}

#[tokio::test]
async fn the_callers_bytes_are_the_body() {
    let mut request = request();
    request.method = "POST".into();
    request.fields.push(HttpField::new("Content-Length", "9"));
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let heads = against(request.clone(), answer, false, &["all ", "of it"]).await;
    let asked = String::from_utf8(heads.asked).unwrap();
    assert_eq!(asked, "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 9\r\n\r\n");
    assert_eq!(heads.over.sent_bytes, 9);
    request.fields.pop();
    request.chunked = true;
    request.fields.push(HttpField::new("Transfer-Encoding", "chunked"));
    let heads = against(request, answer, false, &["all of it"]).await;
    assert!(heads.asked.starts_with(b"POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked"));
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let refused = |change: fn(&mut HttpRequest)| {
        let mut request = request();
        change(&mut request);
        Exchange::new(&request).unwrap_err().to_string()
    };
    let method = "method: not a token (RFC 9110, section 9.1)";
    assert_eq!(refused(|it| it.method = "GE T".into()), method);
    assert!(refused(|it| it.target = "/a b".into()).starts_with("target: not a request target"));
    let split = |it: &mut HttpRequest| it.fields.push(HttpField::new("A", "b\r\nC: d"));
    let message = refused(split);
    assert!(message.starts_with("fields.value of A: holds a control character"), "{message}");
    let name = refused(|it| it.fields.push(HttpField::new("A b", "c")));
    assert!(name.starts_with("fields.name: A b: not a token"), "{name}");
}
