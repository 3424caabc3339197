//! One request on its way: sent through an agent or from here, judged, answered.

use std::{io, sync::Arc};

use netdiag_wire::{
    EndReason, Event, Line,
    connect::stream::ConnectStreamRequest,
    http::{HttpAnswer, HttpEnd, HttpEvent, HttpFold, HttpReport, HttpRequest},
    tls::TlsHandshake,
};
use rustls::sign::CertifiedKey;
use tokio::time::Instant;

use super::{
    ask::Ask,
    entry::location,
    keyed, secrets,
    sink::{Sink, Unpack},
};
use crate::{
    agent::{Piece, Upload},
    certificates::Roots,
    finding::{Finding, Severity},
    plan::Aim,
    probe::{GRACE, at, interruption},
    render,
    session::{Session, Stopped},
    stream::{Ended, Halt, Input, Opened, Road, binary},
    tls::{Chain, Expected},
};

/// How far what broke off had come.
const UNFINISHED: &str = "an unfinished answer";

/// What an exchange needs besides its request.
pub(super) struct Terms<'a> {
    /// With it the exchange is made in this process.
    pub(super) key: Option<&'a Arc<CertifiedKey>>,
    /// Names that the certificate may be for, the usual one first.
    pub(super) names: &'a [String],
    pub(super) roots: &'a Roots,
    /// Any certificate is taken.
    pub(super) insecure: bool,
    pub(super) compressed: bool,
    /// No body of an answer that is 400 or above.
    pub(super) fail: bool,
    pub(super) address_from: &'static str,
    /// Where a redirect leads is asked next, so that its own body is nobody's.
    pub(super) follows: bool,
    /// The answer's head goes above its body.
    pub(super) heads: bool,
    pub(super) show_secrets: bool,
    pub(super) deadline: Option<Instant>,
}

/// One request and all that came of it.
#[derive(Debug)]
pub(crate) struct Exchanged {
    pub(crate) ask: Ask,
    pub(crate) request: HttpRequest,
    pub(crate) report: HttpReport,
    /// What the certificates are worth; none in the clear, and none where no chain came.
    pub(crate) certificates: Vec<Finding>,
    /// Why no name was asked for.
    pub(crate) address_from: &'static str,
    /// Nothing was sent because of them.
    pub(crate) is_refused: bool,
    /// The body could not be unpacked.
    pub(crate) packed_badly: Option<String>,
    pub(crate) started_at: jiff::Timestamp,
}

/// Sends the request and waits for all of its answer; `show` hears each event.
pub(super) async fn exchange(
    road: &mut Road<'_>,
    (ask, request): (Ask, HttpRequest),
    aim: &Aim,
    terms: &Terms<'_>,
    sink: &mut Sink,
    session: &mut Session<'_>,
    mut show: impl FnMut(&HttpEvent, &mut Session<'_>) -> io::Result<()>,
) -> Result<Exchanged, Halt> {
    let started_at = jiff::Timestamp::now();
    let payload = ask.payload.open()?;
    let Opened { mut pieces, upload, stop: _stop } =
        send(road, &request, aim, terms, session).await?;
    let mut going = Going {
        terms,
        fold: HttpFold::default(),
        sending: Some((payload, upload)),
        unpack: Unpack::AsItIs,
        certificates: Vec::new(),
        is_refused: false,
        packed_badly: None,
        drops_body: true,
    };
    if request.tls.is_none() {
        going.go();
    }
    let end = terms.deadline.map(|deadline| deadline + GRACE);
    let interrupted = interruption();
    tokio::pin!(interrupted);
    let ended = loop {
        let piece = tokio::select! {
            biased;
            () = &mut interrupted => break Ended::Reason(EndReason::Cancelled),
            () = at(end) => break Ended::Reason(EndReason::Deadline),
            piece = pieces.next() => piece.map_err(|broken| road.broken(UNFINISHED, &broken))?,
        };
        match piece {
            Piece::End => going.body_ended(sink).await?,
            Piece::Data(bytes) => going.body(bytes, sink).await?,
            Piece::Event(line) => {
                road.heard(&line, session)?;
                show_line(line.clone(), terms.show_secrets, session)?;
                match line.event {
                    Event::Probe(event) => {
                        going.take(&event, sink).await?;
                        show(&event, session)?;
                        if going.is_refused {
                            break Ended::Reason(EndReason::Completed);
                        }
                    }
                    event => {
                        if let Some(ended) = Ended::of(event) {
                            break ended;
                        }
                    }
                }
            }
        }
    };
    let reason = road.reason(ended, UNFINISHED)?;
    let Going { fold, certificates, is_refused, packed_badly, .. } = going;
    let report = fold.report(Some(reason));
    let address_from = terms.address_from;
    Ok(Exchanged {
        ask,
        request,
        report,
        certificates,
        address_from,
        is_refused,
        packed_badly,
        started_at,
    })
}

/// With a key of ours the source lends a connection, and the exchange is made in this process.
async fn send(
    road: &mut Road<'_>,
    request: &HttpRequest,
    aim: &Aim,
    terms: &Terms<'_>,
    session: &mut Session<'_>,
) -> Result<Opened<HttpEvent>, Stopped> {
    let to = (aim, terms.deadline);
    let Some(key) = terms.key else {
        return road.send("http", request.clone(), to, session).await;
    };
    let below = ConnectStreamRequest::of(&request.connection());
    let below = road.send("connect/stream", below, to, session).await?;
    Ok(keyed::start(request, Arc::clone(key), below)?)
}

/// A line of `-o ndjson`.
fn show_line(
    mut line: Line<HttpEvent>,
    show_secrets: bool,
    session: &mut Session<'_>,
) -> io::Result<()> {
    match &mut line.event {
        Event::Heartbeat | Event::Error { .. } => return Ok(()),
        Event::Probe(event) if !show_secrets => secrets::hide_in(event),
        _ => {}
    }
    render::stream_line(session.out, &session.screen, &line)
}

/// An exchange that goes on.
struct Going<'a> {
    terms: &'a Terms<'a>,
    fold: HttpFold,
    /// The body, as long as it may not be sent.
    sending: Option<(Input, Upload)>,
    unpack: Unpack,
    certificates: Vec<Finding>,
    is_refused: bool,
    packed_badly: Option<String>,
    /// Until there is an answer whose body is wanted.
    drops_body: bool,
}

impl Going<'_> {
    /// The request may be sent; its body goes on by itself.
    fn go(&mut self) {
        let Some((mut payload, upload)) = self.sending.take() else { return };
        tokio::spawn(async move {
            while let Some(read) = payload.recv().await {
                // What cannot be read to its end is not sent as if it had one.
                let Ok(bytes) = read else { return };
                if bytes.is_empty() {
                    break;
                }
                if !upload.send(bytes).await {
                    return;
                }
            }
            upload.end().await;
        });
    }

    async fn take(&mut self, event: &HttpEvent, sink: &mut Sink) -> io::Result<()> {
        self.fold.push(event);
        match event {
            HttpEvent::Handshake(handshake) => self.judge(handshake),
            HttpEvent::Answer(answer) => self.headed(answer, sink).await?,
            _ => {}
        }
        Ok(())
    }

    fn judge(&mut self, handshake: &TlsHandshake) {
        let report = self.fold.report(None);
        let Some(served) = &report.tls else { return };
        let Some(agreed) = &handshake.agreed else { return };
        let Terms { names, roots, insecure, .. } = *self.terms;
        let expected = Expected { names, roots, now: jiff::Timestamp::now() };
        self.certificates = Chain::of(served).judge(&expected, agreed);
        let is_bad = |finding: &Finding| is_refusal(finding);
        self.is_refused = !insecure && self.certificates.iter().any(is_bad);
        match self.is_refused {
            true => self.sending = None,
            false => self.go(),
        }
    }

    async fn headed(&mut self, answer: &HttpAnswer, sink: &mut Sink) -> io::Result<()> {
        if self.terms.compressed {
            self.unpack = Unpack::of(&answer.fields);
        }
        self.drops_body = (self.terms.fail && answer.status >= 400)
            || (self.terms.follows && location(answer).is_some());
        match self.terms.heads {
            true => sink.write(render::http_head(answer, self.terms.show_secrets).into()).await,
            false => Ok(()),
        }
    }

    async fn body_ended(&mut self, sink: &mut Sink) -> Result<(), Stopped> {
        if self.drops_body || self.packed_badly.is_some() {
            return Ok(());
        }
        match self.unpack.finish() {
            Err(cause) => self.packed_badly = Some(cause.to_string()),
            Ok(bytes) => sink.write(bytes).await.map_err(unwritten)?,
        }
        Ok(())
    }

    async fn body(&mut self, mut bytes: bytes::Bytes, sink: &mut Sink) -> Result<(), Stopped> {
        if self.drops_body || self.packed_badly.is_some() {
            return Ok(());
        }
        while !bytes.is_empty() && self.packed_badly.is_none() {
            let piece = bytes.split_to(bytes.len().min(self.unpack.at_once()));
            match self.unpack.take(piece) {
                Err(cause) => self.packed_badly = Some(cause.to_string()),
                Ok(bytes) => sink.write(bytes).await.map_err(unwritten)?,
            }
        }
        Ok(())
    }
}

pub(super) fn unwritten(cause: io::Error) -> Stopped {
    match cause.kind() {
        io::ErrorKind::InvalidData => binary().into(),
        _ => Stopped::Write(cause),
    }
}

/// Strict clients refuse it, and so nothing is sent: what a private CA signed as well, unless that
/// CA is given.
fn is_refusal(finding: &Finding) -> bool {
    finding.severity == Severity::Fail
        || finding.code == Some(crate::code::certificates::UNKNOWN_ISSUER)
}

impl Exchanged {
    pub(crate) fn answer(&self) -> Option<&HttpAnswer> {
        self.report.answer.as_ref()
    }

    pub(crate) fn end(&self) -> Option<&HttpEnd> {
        self.report.over.as_ref().map(|over| &over.end)
    }
}
