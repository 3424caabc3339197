//! One request and its answer.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::{
    body::{Body, Incoming},
    client::conn::{http1, http2},
    ext::ReasonPhrase,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use netdiag_wire::http::{
    HttpAnswer, HttpEnd, HttpEvent, HttpOver, HttpRequest, HttpVersion, MAX_FIELDS, MAX_HEAD_BYTES,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout_at},
};

use crate::{
    BadRequest, end,
    frames::Frames,
    head::{self, Head},
    meter::Meter,
    upload::{Sent, Upload},
};

/// Most interim answers that are told.
const MAX_INTERIM: usize = 64;
/// What a server may send ahead on a connection and on a stream of HTTP/2, in bytes.
const WINDOW: u32 = 1024 * 1024;
/// What the library takes of a head of HTTP/2, which it counts in its own way and refuses without
/// a word that tells why.
const MAX_LIST: u32 = 4 * MAX_HEAD_BYTES as u32;

/// What there is to tell.
#[derive(Debug)]
pub enum Heard {
    Event(HttpEvent),
    /// Of the answer's body, where it was asked for.
    Data(Bytes),
    /// Of that body nothing more comes.
    End,
}

/// Nobody listens any more.
#[derive(Clone, Copy, Debug)]
pub struct HungUp;

/// A request that can be sent.
#[derive(Clone, Debug)]
pub struct Exchange {
    head: Head,
    version: HttpVersion,
    chunked: bool,
    with_body: bool,
    longest: Option<Duration>,
}

/// What is known so far, whoever ends it.
#[derive(Debug, Default)]
struct Course {
    meter: Meter,
    sent: Sent,
    over: HttpOver,
    /// When the head was whole.
    headed: Option<Instant>,
    /// The connection's own task.
    tasks: JoinSet<hyper::Result<()>>,
}

type Interim = Arc<Mutex<Vec<HttpEvent>>>;

impl Exchange {
    pub fn new(request: &HttpRequest) -> Result<Self, BadRequest> {
        let longest = request.answer_us.map(|us| Duration::from_micros(us.into()));
        let (version, chunked, with_body) = (request.version, request.chunked, request.with_body);
        Ok(Self { head: Head::new(request)?, version, chunked, with_body, longest })
    }

    /// Waits for the caller's first bytes or their end, sends, and tells what comes; `alpn` is what
    /// the server chose.
    pub async fn run<S>(
        self,
        stream: S,
        alpn: Option<&[u8]>,
        mut from: mpsc::Receiver<Bytes>,
        to: &mpsc::Sender<Heard>,
    ) -> Result<(), HungUp>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + fmt::Debug + 'static,
    {
        let first = from.recv().await;
        tell(to, Heard::Event(HttpEvent::Sending)).await?;
        let start = Instant::now();
        let until = start + self.longest.unwrap_or(Duration::from_secs(365 * 24 * 60 * 60));
        let with_body = self.with_body;
        let mut course = Course::default();
        let length = self.head.length().or((!self.chunked).then_some(0));
        let upload = Upload { first, rest: from, length, sent: course.sent.clone() };
        let is_http2 = match (self.version, alpn) {
            (HttpVersion::Http2, _) => true,
            (HttpVersion::Any, Some(alpn)) => alpn == b"h2",
            _ => false,
        };
        let interim = Interim::default();
        let answering = async {
            match is_http2 {
                true => self.over_http2(stream, upload, &mut course).await,
                false => self.over_http1(stream, upload, &interim, &mut course).await,
            }
        };
        let answered = timeout_at(until, answering).await;
        let told = std::mem::take(&mut *lock(&interim));
        for event in told {
            tell(to, Heard::Event(event)).await?;
        }
        course.over.end = match answered {
            Err(_) => HttpEnd::TooLate,
            Ok(Err(end)) => end,
            Ok(Ok(response)) => {
                let answer = course.answer(&response, start, is_http2);
                tell(to, Heard::Event(HttpEvent::Answer(Box::new(answer)))).await?;
                let reading = course.read_body(response.into_body(), with_body.then_some(to));
                match timeout_at(until, reading).await {
                    Ok(end) => end?,
                    Err(_) => HttpEnd::TooLate,
                }
            }
        };
        if with_body {
            tell(to, Heard::End).await?;
        }
        tell(to, Heard::Event(HttpEvent::Over(Box::new(course.finish())))).await
    }

    async fn over_http1<S>(
        self,
        stream: S,
        upload: Upload,
        interim: &Interim,
        course: &mut Course,
    ) -> Result<Response<Incoming>, HttpEnd>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let io = TokioIo::new(course.meter.over(stream));
        let shaken = http1::Builder::new()
            .title_case_headers(true)
            .max_headers(MAX_FIELDS)
            .max_buf_size(MAX_HEAD_BYTES)
            .handshake(io)
            .await;
        let (mut sender, connection) = shaken.map_err(|cause| course.broken(&cause))?;
        let mut request = self.head.http1(self.version, upload);
        let interim = Arc::clone(interim);
        hyper::ext::on_informational(&mut request, move |one| {
            note(&interim, one.status(), one.headers());
        });
        // Before the connection is polled: what a server says by itself is held to be the answer.
        let answer = sender.send_request(request);
        course.tasks.spawn(connection.with_upgrades());
        answer.await.map_err(|cause| course.broken(&cause))
    }

    async fn over_http2<S>(
        self,
        stream: S,
        upload: Upload,
        course: &mut Course,
    ) -> Result<Response<Incoming>, HttpEnd>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        course.meter.reading().frames = Some(Frames::default());
        let io = TokioIo::new(course.meter.over(stream));
        let shaken = http2::Builder::new(TokioExecutor::new())
            .max_header_list_size(MAX_LIST)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .handshake(io)
            .await;
        let (mut sender, connection) = shaken.map_err(|cause| course.broken(&cause))?;
        course.tasks.spawn(connection);
        let request = self.head.http2(upload).map_err(|cause| HttpEnd::Malformed {
            why: cause.to_string().into(),
            said: Vec::new().into(),
        })?;
        let answer = sender.send_request(request).await.map_err(|cause| course.broken(&cause))?;
        match head::is_too_long(answer.headers()) {
            true => Err(HttpEnd::HeadTooLong),
            false => Ok(answer),
        }
    }
}

impl Course {
    fn broken(&self, cause: &hyper::Error) -> HttpEnd {
        end::of_head(cause, &self.meter.reading())
    }

    fn answer(
        &mut self,
        response: &Response<Incoming>,
        start: Instant,
        is_http2: bool,
    ) -> HttpAnswer {
        let now = Instant::now();
        self.headed = Some(now);
        // The first bytes of HTTP/2 are its settings.
        let first = if is_http2 { None } else { self.meter.reading().first };
        let status = response.status();
        let reason = response.extensions().get::<ReasonPhrase>().map(|it| it.as_ref().to_vec());
        HttpAnswer {
            version: format!("{:?}", response.version()).into(),
            status: status.as_u16(),
            reason: reason.unwrap_or_default().into(),
            fields: head::read(response.headers()),
            first_byte_us: micros(first.unwrap_or(now) - start),
            head_us: micros(now - start),
        }
    }

    async fn read_body(
        &mut self,
        mut body: Incoming,
        to: Option<&mpsc::Sender<Heard>>,
    ) -> Result<HttpEnd, HungUp> {
        let expected = body.size_hint().exact();
        while let Some(frame) = body.frame().await {
            let frame = match frame {
                Ok(frame) => frame,
                Err(cause) => return Ok(end::of_body(&cause, expected, &self.meter.reading())),
            };
            match frame.into_data() {
                Ok(data) if data.is_empty() => {}
                Ok(data) => {
                    self.over.body_bytes += data.len() as u64;
                    if let Some(to) = to {
                        tell(to, Heard::Data(data)).await?;
                    }
                }
                Err(frame) => {
                    let trailers = frame.into_trailers();
                    self.over.trailers = trailers.map(|it| head::read(&it)).unwrap_or_default();
                }
            }
        }
        self.over.body_us = self.headed.map(|at| micros(at.elapsed())).unwrap_or_default();
        Ok(if self.has_surplus().await { HttpEnd::Surplus } else { HttpEnd::Whole })
    }

    /// What came together with the end of the answer is seen in the connection's next turn.
    async fn has_surplus(&mut self) -> bool {
        tokio::task::yield_now().await;
        let ended = self.tasks.try_join_next();
        matches!(ended, Some(Ok(Err(cause))) if cause.is_parse() || is_unasked(&cause))
    }

    fn finish(mut self) -> HttpOver {
        let reading = self.meter.reading();
        self.over.wants_tls = wants_tls(&reading.said);
        self.over.alert = reading.alert;
        self.over.sent_bytes = self.sent.bytes();
        (self.over.read_bytes, self.over.written_bytes) = (reading.read, reading.written);
        if self.over.end != HttpEnd::Whole && self.over.body_us == 0 {
            self.over.body_us = self.headed.map(|at| micros(at.elapsed())).unwrap_or_default();
        }
        drop(reading);
        self.over
    }
}

pub(crate) async fn tell(to: &mpsc::Sender<Heard>, heard: Heard) -> Result<(), HungUp> {
    to.send(heard).await.map_err(|_| HungUp)
}

/// What servers of TLS say with a 400 to who speaks plainly: nginx, Go, Apache, Tomcat.
fn wants_tls(said: &[u8]) -> bool {
    const WORDS: [&[u8]; 4] = [
        b"plain HTTP request was sent to HTTPS port",
        b"Client sent an HTTP request to an HTTPS server",
        b"speaking plain HTTP to an SSL-enabled server port",
        b"combination of host and port requires TLS",
    ];
    let is_400 = said.get(8..12) == Some(b" 400");
    let says = |words: &&[u8]| said.windows(words.len()).any(|part| part == *words);
    is_400 && WORDS.iter().any(says)
}

/// The library has no question for "bytes that nobody asked for".
fn is_unasked(cause: &hyper::Error) -> bool {
    cause.to_string().starts_with("received unexpected message")
}

fn note(interim: &Interim, status: StatusCode, fields: &HeaderMap) {
    let mut interim = lock(interim);
    if interim.len() < MAX_INTERIM {
        let (status, fields) = (status.as_u16(), head::read(fields));
        interim.push(HttpEvent::Interim { status, fields });
    }
}

fn lock(interim: &Interim) -> MutexGuard<'_, Vec<HttpEvent>> {
    interim.lock().unwrap_or_else(PoisonError::into_inner)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
