//! The API server's clock.

use http::header;
use jiff::{Timestamp, fmt::rfc2822};

use super::Cluster;

impl Cluster {
    /// Its clock minus this machine's, in milliseconds; `Date` has whole seconds.
    pub(crate) async fn clock_off_ms(&self) -> Option<i64> {
        let request = http::Request::get("/version").body(kube::client::Body::empty()).ok()?;
        let answer = self.ask(self.client.send(request)).await.ok()?;
        let date = answer.headers().get(header::DATE)?.to_str().ok()?;
        let date = rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
        // The middle of the second that it names.
        Some(date.as_millisecond() + 500 - Timestamp::now().as_millisecond())
    }
}
