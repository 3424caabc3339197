//! The road of a byte stream: through an agent, or within this process.

use netdiag_wire::{EndReason, ErrorBody, Line};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Ended, Halt, Pieces};
use crate::{
    agent::{Broken, Upload, nonsense, refusal},
    args::{KubeFlags, Object, Origin, SourceFlags, Target},
    cluster::Cluster,
    code,
    diagnose::cut_off,
    finding::{Failure, Peer, Severity},
    local::{self, Engine, StreamEngine},
    plan::{Aim, Start, target},
    probe::{
        self, Ends, Events, is_cut_off,
        way::{self, Route, Way},
        within,
    },
    session::{Session, Stopped},
};

/// Who sends.
pub(crate) enum Road<'a> {
    Agent(Box<Way<'a>>),
    Here,
}

/// A request that was sent, and what comes of it; dropped, it ends.
pub(crate) struct Opened<E> {
    pub(crate) pieces: Pieces<E>,
    pub(crate) upload: Upload,
    /// Of what this process runs itself.
    pub(crate) stop: Option<DropGuard>,
}

/// From where to where a command was asked to go.
pub(crate) struct Between<'a> {
    pub(crate) target: &'a Target,
    /// The default where nothing is said.
    pub(crate) origin: Option<&'a Origin>,
    pub(crate) source: &'a SourceFlags,
    pub(crate) deadline: Option<Instant>,
}

impl Between<'_> {
    /// None where this machine asks for what the cluster need not be asked about.
    pub(crate) fn cluster(
        &self,
        kube: &KubeFlags,
        session: &Session<'_>,
    ) -> Result<Option<Cluster>, Failure> {
        match (self.origin, self.target) {
            (Some(Origin::Local), Target::Address(_) | Target::Host(_)) => Ok(None),
            _ => Cluster::open(kube, &session.surroundings).map(Some),
        }
    }

    /// Looks both ends up, and opens the road; `right` is what the source's agent must allow.
    pub(crate) async fn open<'a>(
        &self,
        right: &'static str,
        cluster: Option<&'a Cluster>,
        session: &mut Session<'_>,
    ) -> Result<(Road<'a>, Ends<'a>), Stopped> {
        match cluster {
            Some(cluster) if self.origin != Some(&Origin::Local) => {
                let route = Route::Between(self.target, self.origin.and_then(Origin::object));
                let (road, aim) =
                    Road::through(right, (cluster, route, self.source), self.deadline, session)
                        .await?;
                let (from, is_default) = (road.start.peer.clone(), road.start.is_default);
                let account = Some(road.account());
                let ends = Ends { from, aim, is_default, cluster: Some(cluster), account };
                Ok((Road::Agent(road), ends))
            }
            _ => {
                let aim = match cluster {
                    Some(cluster) => {
                        let found = target::find(cluster, self.target, self.source.family());
                        within(self.deadline, found).await?
                    }
                    None => target::unlooked(self.target),
                };
                let from = local::peer();
                let ends = Ends { from, aim, is_default: false, cluster, account: None };
                Ok((Road::Here, ends))
            }
        }
    }
}

impl<'a> Road<'a> {
    /// To a place that is looked into; without one, into this machine.
    pub(crate) async fn within(
        right: &'static str,
        place: Option<(&'a Cluster, &Object)>,
        source: &SourceFlags,
        session: &mut Session<'_>,
    ) -> Result<(Self, Aim), Stopped> {
        let Some((cluster, place)) = place else {
            return Ok((Self::Here, Aim::at_place(&local::peer())));
        };
        let route = Route::Within(place);
        let (way, aim) = Self::through(right, (cluster, route, source), None, session).await?;
        Ok((Self::Agent(way), aim))
    }

    async fn through(
        right: &'static str,
        (cluster, route, source): (&'a Cluster, Route<'_>, &SourceFlags),
        deadline: Option<Instant>,
        session: &mut Session<'_>,
    ) -> Result<(Box<Way<'a>>, Aim), Stopped> {
        let opened = within(deadline, way::open(right, cluster, route, source));
        let (aim, way) = session.waiting("asking the API server", opened).await?;
        Ok((Box::new(way), aim))
    }

    /// Sends `request` to the probe of this name.
    pub(crate) async fn send<R, E>(
        &mut self,
        name: &str,
        request: R,
        (aim, deadline): (&Aim, Option<Instant>),
        session: &mut Session<'_>,
    ) -> Result<Opened<E>, Stopped>
    where
        R: StreamEngine<E> + Clone + Serialize,
        E: DeserializeOwned + Send + 'static,
    {
        match self {
            Self::Here => {
                let stop = CancellationToken::new();
                let (pieces, upload) = local::start_stream(request, stop.clone(), deadline)?;
                Ok(Opened { pieces, upload, stop: Some(stop.drop_guard()) })
            }
            Self::Agent(way) => {
                let asked =
                    way.ask(aim, (&request, deadline), session, async |connection, token, body| {
                        connection.bytes(name, token, body).await
                    });
                let (frames, upload) = asked.await?;
                Ok(Opened { pieces: Pieces::Agent(frames), upload, stop: None })
            }
        }
    }

    /// The same, of a probe that only tells.
    pub(crate) async fn ask<R, E>(
        &mut self,
        name: &str,
        request: R,
        (aim, deadline): (&Aim, Option<Instant>),
        session: &mut Session<'_>,
    ) -> Result<Events<E>, Stopped>
    where
        R: Engine<E> + Clone + Serialize,
        E: Send + 'static,
    {
        match self {
            Self::Here => {
                let stop = CancellationToken::new();
                let lines = local::start(request, stop.clone(), deadline)?;
                Ok(Events::Here { lines, _stop: stop.drop_guard() })
            }
            Self::Agent(way) => {
                let asked =
                    way.ask(aim, (&request, deadline), session, async |connection, token, body| {
                        connection.probe(name, token, body).await
                    });
                Ok(Events::Agent(asked.await?))
            }
        }
    }

    /// The agent that answers must be the one that was asked.
    pub(crate) fn heard<E>(
        &self,
        line: &Line<E>,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        match self {
            Self::Here => Ok(()),
            Self::Agent(way) => probe::accepted(&way.start.agent, line, session),
        }
    }

    /// The error of a stream that broke off.
    pub(crate) fn broken(&self, progress: &str, broken: &Broken) -> Failure {
        let cause = match self {
            Self::Here => Ok(broken.to_string()),
            Self::Agent(way) => way::cut_off_cause(broken, &way.start.agent),
        };
        match cause {
            Ok(cause) => self.cut(progress, &cause),
            Err(nonsense) => nonsense,
        }
    }

    /// The error of a probe that was ended before its end.
    pub(crate) fn cut(&self, progress: &str, cause: &str) -> Failure {
        cut_off(progress, &self.start(), cause)
    }

    /// The error of what no agent says.
    pub(crate) fn nonsense(&self, what: &str) -> Failure {
        match self {
            Self::Here => Failure::new(code::PROTOCOL, what),
            Self::Agent(way) => nonsense(&way.start.agent, what),
        }
    }

    /// Of a stream's last event; an error where that is one.
    pub(crate) fn reason(&self, ended: Ended, progress: &str) -> Result<EndReason, Halt> {
        match ended {
            Ended::Reason(reason) => Ok(reason),
            Ended::Error(error) if is_cut_off(error.code) => {
                Err(self.cut(progress, &error.message.to_string()).into())
            }
            Ended::Error(error) => Err(Halt::Refused(Box::new(error))),
        }
    }

    /// What ended without a verdict, with what the cluster knows about a refusal.
    pub(crate) async fn end(
        &self,
        ended: Result<Severity, Halt>,
        aim: &Aim,
    ) -> Result<Severity, Stopped> {
        match ended {
            Ok(severity) => Ok(severity),
            Err(Halt::Stopped(stopped)) => Err(stopped),
            Err(Halt::Refused(error)) => Err(self.refused(&error, aim).await.into()),
        }
    }

    async fn refused(&self, error: &ErrorBody, aim: &Aim) -> Failure {
        match self {
            Self::Here => Failure::new(refusal::code_of(error.code), error.message.to_string()),
            Self::Agent(way) => way.refused(error, aim).await,
        }
    }

    /// Who sends, where that is an agent.
    pub(crate) fn way(&self) -> Option<&Start> {
        match self {
            Self::Here => None,
            Self::Agent(way) => Some(&way.start),
        }
    }

    /// Where it begins.
    pub(crate) fn start(&self) -> Peer {
        match self {
            Self::Here => local::peer(),
            Self::Agent(way) => way.start.peer.clone(),
        }
    }
}
