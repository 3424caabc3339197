//! No answer, or less than one.

use netdiag_wire::{
    EndReason, Untrusted,
    http::{HttpEnd, HttpOver},
};

use super::{HttpCase, PACKED_BADLY, labels};
use crate::{
    args::http::Scheme,
    finding::{Code, Finding, Label, Severity},
    render::number,
};

const TLS_WANTED: Code = Code(804);
const NO_ANSWER: Code = Code(805);
const CUT_SHORT: Code = Code(806);
const NO_HTTP: Code = Code(807);
const HTTP2: Code = Code(809);
const TOO_LATE: Code = Code(811);
const HEAD_TOO_LONG: Code = Code(812);
const SURPLUS: Code = Code(813);
const NO_TUNNEL: Code = Code(814);

/// A frame of HTTP/2 that only a server sends first: SETTINGS (RFC 9113, section 6.5).
const SETTINGS: u8 = 4;

impl HttpCase<'_> {
    /// Connected, asked, and no head came.
    pub(super) fn no_answer(&self) -> Finding {
        let finding = match self.last().end() {
            Some(end) => self.of_end(end),
            None if self.last().report.sent => self.late(),
            None => self.nothing("the request was not sent"),
        };
        match self.is_taken() {
            true => labels::behind_a_proxy("answer", finding),
            false => finding,
        }
    }

    fn of_end(&self, end: &HttpEnd) -> Finding {
        let (to, over) = (self.target(), self.over());
        let fail = |code, summary: String| Finding::new(Severity::Fail, code, summary);
        match end {
            HttpEnd::Empty => fail(NO_ANSWER, format!("empty reply: {to} closed without a byte"))
                .with(Label::Means(
                    "the app crashed, or a proxy has no server to pass it to".into(),
                ))
                .with(self.if_plain()),
            HttpEnd::Reset => {
                fail(NO_ANSWER, format!("reset by {to} {}", after(&over))).with(self.if_plain())
            }
            HttpEnd::CutHead => {
                let read = number::count(over.read_bytes);
                fail(NO_ANSWER, format!("{to} closed within its head, after {read} bytes"))
            }
            HttpEnd::HeadTooLong => fail(
                HEAD_TOO_LONG,
                format!("the head of {to}'s answer is longer than 16,384 bytes or 100 fields"),
            )
            .with(Label::Means("proxies and clients refuse such an answer too".into())),
            HttpEnd::Malformed { why, said } => self.malformed(why, said),
            HttpEnd::Refused { code } => self.refused_by_code(*code),
            HttpEnd::TooLate | HttpEnd::CutOff => self.late(),
            HttpEnd::Whole | HttpEnd::Surplus | HttpEnd::CutBody { .. } | HttpEnd::Unknown => {
                self.nothing("the agent saw what this plugin cannot name")
            }
        }
    }

    fn over(&self) -> HttpOver {
        self.last().report.over.clone().unwrap_or_default()
    }

    /// The answer began: what became of the rest.
    pub(super) fn of_body(&self) -> Option<Finding> {
        let last = self.last();
        if let Some(why) = &last.packed_badly {
            let summary = format!("the body is not packed as its head says: {why}");
            return Some(Finding::new(Severity::Fail, PACKED_BADLY, summary));
        }
        let (to, over) = (self.target(), self.over());
        let body = number::count(over.body_bytes);
        let fail = |summary: String| Finding::new(Severity::Fail, CUT_SHORT, summary);
        Some(match last.end() {
            Some(HttpEnd::Whole) => return None,
            Some(HttpEnd::Surplus) => {
                let summary = format!("{to} sent more than its answer: a wrong Content-Length");
                Finding::new(Severity::Warn, SURPLUS, summary).with(Label::Means(
                    "on a connection that is kept, the next answer is read wrong".into(),
                ))
            }
            Some(HttpEnd::CutBody { expected: Some(expected) }) => {
                let expected = number::count(*expected);
                fail(format!("{to} promised {expected} bytes and closed after {body}")).with(
                    Label::Means("the app died while it wrote, or its length is wrong".into()),
                )
            }
            Some(HttpEnd::CutBody { expected: None }) => {
                fail(format!("chunked body cut short: {to} closed after {body} bytes"))
                    .with(Label::Means("the app died while it wrote".into()))
            }
            Some(HttpEnd::Reset) => fail(format!("reset by {to} after {body} bytes of the body")),
            Some(HttpEnd::Malformed { why, .. }) => {
                fail(format!("the body breaks HTTP's rules after {body} bytes: {why}"))
            }
            Some(HttpEnd::Refused { code }) => {
                fail(format!("ended by {to} after {body} bytes: {}", error_code(*code)))
            }
            Some(_) => self.nothing("the answer's end is not known"),
            None => self.unfinished(),
        })
    }

    /// A body that still came when the time was over: a stream of events has no end.
    fn unfinished(&self) -> Finding {
        let report = &self.last().report;
        let fields = report.answer.as_ref().map(|answer| answer.fields.as_slice());
        let kind = netdiag_wire::http::field(fields.unwrap_or_default(), "content-type");
        let is_events = kind.is_some_and(|kind| kind.to_string().starts_with("text/event-stream"));
        match report.ended {
            Some(EndReason::Deadline | EndReason::Cancelled) if is_events => {
                Finding::ok("a stream of events, which went on until it was left")
            }
            Some(EndReason::Deadline) => {
                Finding::new(Severity::Fail, TOO_LATE, "the answer's body did not end in time")
                    .with(Label::Note("--deadline TIME waits longer".into()))
            }
            _ => self.nothing("the answer's end is not known"),
        }
    }

    fn late(&self) -> Finding {
        let report = &self.last().report;
        if !matches!(report.ended, Some(EndReason::Deadline | EndReason::Completed)) {
            return self.nothing("the answer's end is not known");
        }
        let to = self.target();
        let read = self.over().read_bytes;
        let summary = match (report.over.is_some(), read) {
            (true, 1..) => format!(
                "{to} began an answer, {} bytes, and did not end its head",
                number::count(read)
            ),
            _ => format!("{to} took the connection and the request, and answered nothing in time"),
        };
        Finding::new(Severity::Fail, TOO_LATE, summary)
            .with(Label::Means("the app hangs, or waits for somebody who does".into()))
            .with(Label::Note("--deadline TIME waits longer".into()))
    }

    fn malformed(&self, why: &Untrusted, said: &Untrusted) -> Finding {
        let (to, bytes) = (self.target(), said.as_bytes());
        let fail = |code, summary: String| Finding::new(Severity::Fail, code, summary);
        let place = &self.last().ask.place;
        match bytes {
            // An alert or a handshake of TLS (RFC 8446, section 5.1).
            [0x15 | 0x16, 3, ..] => {
                let url = place.in_scheme(Scheme::Https).url();
                fail(
                    TLS_WANTED,
                    format!("{to} speaks TLS on this port, and was asked in the clear"),
                )
                .with(crate::http::command(&["http", &url], &self.from()))
            }
            [_, _, _, SETTINGS, ..] => {
                let url = place.url();
                fail(HTTP2, format!("{to} speaks HTTP/2 only, and was asked in HTTP/1.1"))
                    .with(Label::Means("a gRPC server, often: --grpc-health asks it".into()))
                    .with(crate::http::command(&["http", &url, "--h2c"], &self.from()))
            }
            _ if self.is_http2() && bytes.starts_with(b"HTTP/1.") => {
                fail(HTTP2, format!("{to} speaks HTTP/1 only, and was asked in HTTP/2"))
            }
            _ if bytes.starts_with(b"HTTP/") => {
                fail(NO_HTTP, format!("{to}'s answer breaks HTTP's rules: {why}"))
                    .with(labels::said(said))
            }
            _ => fail(NO_HTTP, format!("{to} answers, but not in HTTP")).with(labels::said(said)),
        }
    }

    fn is_http2(&self) -> bool {
        let request = &self.last().request;
        request.version == netdiag_wire::http::HttpVersion::Http2
    }

    fn refused_by_code(&self, code: u32) -> Finding {
        let summary = format!("{} refused by HTTP/2's {}", self.target(), error_code(code));
        let finding = Finding::new(Severity::Fail, HTTP2, summary);
        match code {
            // HTTP_1_1_REQUIRED
            0xd => {
                let url = self.last().ask.place.url();
                finding.with(crate::http::command(&["http", &url, "--http1.1"], &self.from()))
            }
            _ => finding,
        }
    }

    /// The proxy did not connect to the server.
    pub(super) fn tunnel(&self) -> Option<Finding> {
        let tunnelled = self.last().report.tunnelled.as_ref().filter(|it| !it.is_open())?;
        let what = match tunnelled.status {
            Some(status) => super::status::shown(status),
            None if tunnelled.said.as_bytes().is_empty() => "no answer".into(),
            None => "no HTTP".into(),
        };
        let summary = format!("the proxy gave no connection to {}: {what}", self.target());
        Some(Finding::new(Severity::Fail, NO_TUNNEL, summary).with(labels::said(&tunnelled.said)))
    }

    /// It may be that TLS was wanted: some servers just close.
    fn if_plain(&self) -> Option<Label> {
        let request = &self.last().request;
        let is_likely = request.tls.is_none() && matches!(request.port, 443 | 6443 | 8443 | 10250);
        is_likely
            .then(|| Label::Note("the port is often TLS's: https:// may be what it wants".into()))
    }
}

fn after(over: &HttpOver) -> String {
    match over.read_bytes {
        0 => "after the request, before a byte came".into(),
        read => format!("within its head, after {} bytes", number::count(read)),
    }
}

/// RFC 9113, section 7.
fn error_code(code: u32) -> String {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    match NAMES.get(code as usize) {
        Some(name) => (*name).to_owned(),
        None => format!("error {code:#x}"),
    }
}
