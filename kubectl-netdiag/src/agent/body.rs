//! An answer's body as it comes; the agent must be heard of in time.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Duration, timeout};

use super::{MAX_BODY, PATIENCE, Trouble};

/// Why nothing further comes.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Broken {
    #[error("no line for {} s, not even a heartbeat", PATIENCE.as_secs())]
    Silent,
    #[error("the stream broke off{}", .0.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    Closed(Option<String>),
    /// Not what an agent sends.
    #[error("{0}")]
    Protocol(String),
}

pub(super) struct AnswerBody {
    body: Incoming,
    trouble: Option<Trouble>,
}

impl AnswerBody {
    pub(super) fn new(body: Incoming, trouble: Trouble) -> Self {
        Self { body, trouble: Some(trouble) }
    }

    /// Some more, or `None` at its end. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        match timeout(PATIENCE, self.body.frame()).await {
            Err(_) => Err(Broken::Silent),
            Ok(Some(Ok(frame))) => Ok(Some(frame.into_data().unwrap_or_default())),
            Ok(Some(Err(_))) => Err(self.broke_off().await),
            Ok(None) => Ok(None),
        }
    }

    /// With what the kubelet says of the end, if it is there by now.
    pub(super) async fn broke_off(&mut self) -> Broken {
        let Some(trouble) = self.trouble.take() else { return Broken::Closed(None) };
        let said = timeout(Duration::from_millis(500), trouble).await.ok().flatten();
        Broken::Closed(said.map(|said| said.trim().to_owned()))
    }
}

/// All of an answer that must be short.
pub(super) async fn short(mut body: Incoming) -> Result<Vec<u8>, Broken> {
    let mut read = Vec::new();
    loop {
        match timeout(PATIENCE, body.frame()).await {
            Err(_) => return Err(Broken::Silent),
            Ok(None) => return Ok(read),
            Ok(Some(Err(_))) => return Err(Broken::Closed(None)),
            Ok(Some(Ok(frame))) => read.extend(frame.into_data().unwrap_or_default()),
        }
        if read.len() > MAX_BODY {
            return Err(Broken::Protocol(format!("an answer of more than {MAX_BODY} bytes")));
        }
    }
}
