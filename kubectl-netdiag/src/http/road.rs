//! How a request gets to its source, and why it may not.

use std::sync::Arc;

use netdiag_wire::{
    ErrorBody,
    connect::stream::ConnectStreamRequest,
    http::{HttpEvent, HttpRequest},
};
use rustls::sign::CertifiedKey;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::keyed;
use crate::{
    agent::{Broken, Upload},
    finding::Failure,
    local,
    plan::Aim,
    probe::{self, way::Way},
    session::{Session, Stopped},
    stream::Pieces,
};

/// Who sends.
pub(super) enum Road<'a> {
    Agent(Box<Way<'a>>),
    Here,
}

/// A request that is sent, and where its events come from.
pub(super) struct Sent {
    pub(super) pieces: Pieces<HttpEvent>,
    pub(super) upload: Upload,
    pub(super) _stop: Option<DropGuard>,
}

/// Why there is none.
pub(super) enum Halt {
    /// By the agent, or by the probe in this process.
    Refused(Box<ErrorBody>),
    /// The stream broke off.
    Cut(String),
    Stopped(Stopped),
}

impl<S: Into<Stopped>> From<S> for Halt {
    fn from(stopped: S) -> Self {
        Self::Stopped(stopped.into())
    }
}

impl Road<'_> {
    pub(super) async fn send(
        &mut self,
        request: &HttpRequest,
        aim: &Aim,
        (key, deadline): (Option<&Arc<CertifiedKey>>, Option<Instant>),
        session: &mut Session<'_>,
    ) -> Result<Sent, Stopped> {
        if let Some(key) = key {
            return self.send_with(key, (request, aim), deadline, session).await;
        }
        match self {
            Self::Here => {
                let stop = CancellationToken::new();
                let (pieces, upload) = local::start_stream(request.clone(), stop.clone())?;
                Ok(Sent { pieces, upload, _stop: Some(stop.drop_guard()) })
            }
            Self::Agent(way) => {
                let asked =
                    way.ask(aim, (request, deadline), session, async |connection, token, body| {
                        connection.bytes("http", token, body).await
                    });
                let (frames, upload) = asked.await?;
                Ok(Sent { pieces: Pieces::Agent(frames), upload, _stop: None })
            }
        }
    }

    /// Over a connection of the source's, by this process.
    async fn send_with(
        &mut self,
        key: &Arc<CertifiedKey>,
        (request, aim): (&HttpRequest, &Aim),
        deadline: Option<Instant>,
        session: &mut Session<'_>,
    ) -> Result<Sent, Stopped> {
        let below = ConnectStreamRequest::of(&request.connection());
        let (below, stop) = match self {
            Self::Here => {
                let stop = CancellationToken::new();
                (local::start_stream(below, stop.clone())?, Some(stop.drop_guard()))
            }
            Self::Agent(way) => {
                let asked =
                    way.ask(aim, (&below, deadline), session, async |connection, token, body| {
                        connection.bytes("connect/stream", token, body).await
                    });
                let (frames, upload) = asked.await?;
                ((Pieces::Agent(frames), upload), None)
            }
        };
        let (pieces, upload) = keyed::start(request, Arc::clone(key), below)?;
        Ok(Sent { pieces, upload, _stop: stop })
    }

    /// The error of what an agent refuses, with what the cluster knows about it.
    pub(super) async fn refused(&self, error: &ErrorBody, aim: &Aim) -> Failure {
        match self {
            Self::Agent(way) => way.refused(error, aim).await,
            Self::Here => {
                let code = crate::agent::refusal::code_of(error.code);
                Failure::new(code, error.message.to_string())
            }
        }
    }

    pub(super) fn broken(&self, broken: &Broken) -> Halt {
        match self {
            Self::Here => Halt::Cut(broken.to_string()),
            Self::Agent(way) => match probe::way::cut_off_cause(broken, &way.start.agent) {
                Ok(cause) => Halt::Cut(cause),
                Err(failure) => Halt::Stopped(failure.into()),
            },
        }
    }
}
