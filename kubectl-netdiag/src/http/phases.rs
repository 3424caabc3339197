//! Where the time of an exchange went, in microseconds.

use netdiag_wire::http::HttpReport;
use serde_json::{Value, json};

/// Absent: it did not come to it, or there was none.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Phases {
    pub(crate) name: Option<u64>,
    pub(crate) connect: Option<u64>,
    pub(crate) proxy: Option<u64>,
    pub(crate) tls: Option<u64>,
    /// From the request's first byte to the answer's.
    pub(crate) first_byte: Option<u64>,
    /// From there to its last.
    pub(crate) body: Option<u64>,
}

impl Phases {
    pub(crate) fn of(report: &HttpReport) -> Self {
        let handshake = report.tls.as_ref().and_then(|tls| tls.handshake.as_ref());
        let answer = report.answer.as_ref();
        let body = answer.zip(report.over.as_ref()).map(|(answer, over)| {
            answer.head_us.saturating_sub(answer.first_byte_us).saturating_add(over.body_us)
        });
        Self {
            name: report.name_us,
            connect: report.attempts.last().map(|attempt| attempt.took_us),
            proxy: report.tunnelled.as_ref().map(|tunnelled| tunnelled.took_us),
            tls: handshake.map(|handshake| handshake.took_us),
            first_byte: answer.map(|answer| answer.first_byte_us),
            body,
        }
    }

    fn all(&self) -> [Option<u64>; 6] {
        [self.name, self.connect, self.proxy, self.tls, self.first_byte, self.body]
    }

    pub(crate) fn total(&self) -> u64 {
        self.all().into_iter().flatten().fold(0, u64::saturating_add)
    }

    /// From the begin to the end of the first `count` phases, as curl's `time_*` are.
    pub(crate) fn until(&self, count: usize) -> u64 {
        self.all().into_iter().take(count).flatten().fold(0, u64::saturating_add)
    }

    pub(super) fn entry(&self) -> Value {
        let names = ["name", "connect", "proxy", "tls", "firstByte", "body"];
        let known = names.iter().zip(self.all()).filter_map(|(name, us)| Some((*name, us?)));
        let mut value: Value = known.map(|(name, us)| (name.to_owned(), Value::from(us))).collect();
        value["total"] = json!(self.total());
        value
    }
}
