//! `connect` as a session or in a pipe: one connection, and the bytes over it.

use std::{io, net::SocketAddr};

use netdiag_wire::{
    EndReason, Event, Line, Untrusted,
    connect::{
        ConnectOutcome,
        stream::{ConnectStreamEvent, ConnectStreamRequest},
    },
};
use rustls::pki_types::ServerName;
use tokio::time::Instant;

use super::{
    Between, Ended, Halt, Input, LineEnd, Local, Looks, Opened, Output, Pieces, Relayed, Road,
    Wish, binary, relay,
    tls::{self, Inside},
    unread, wish,
};
use crate::{
    agent::Piece,
    args::{BytesFlags, ConnectArgs, ProbeArgs},
    code,
    connect::Connect,
    diagnose::{self, Bytes},
    finding::{Failure, Severity, worst},
    plan::{PortProtocol, named_port},
    probe::{self, Ends, interruption},
    render::{self, number},
    session::{Clock, Session, Stopped},
};

/// One connection on its way.
struct Talk<'a> {
    ends: Ends<'a>,
    road: &'a Road<'a>,
    opened: Opened<ConnectStreamEvent>,
    deadline: Option<Instant>,
}

/// How far it came.
#[derive(Debug)]
enum Begun {
    Connected(Connected),
    Not { remote: SocketAddr, took_us: u64, outcome: ConnectOutcome },
    Ended(Ended),
}

#[derive(Debug)]
struct Connected {
    local: SocketAddr,
    remote: SocketAddr,
    intercepted: bool,
}

/// What is done where stdin has nothing.
const INSTEAD: &str = "only the connection is checked";

/// Runs the command; the verdict makes the exit code.
pub(crate) async fn run(
    args: &ConnectArgs,
    session: &mut Session<'_>,
) -> Result<Severity, Stopped> {
    let clock = Clock::now();
    let input =
        match wish(&args.bytes, (args.wants_bytes(), args.is_check()), INSTEAD, session).await? {
            Wish::Bytes(input) => input,
            Wish::Check => return probe::run::<Connect<'_>>(args, session).await,
        };
    let origin = session.origin(args.source().from.as_ref())?;
    let (target, source) = (&args.target()?, args.source());
    let deadline = args.bytes_deadline().map(|deadline| clock.deadline(deadline));
    let between = Between { target, origin: origin.as_ref(), source, deadline };
    let cluster = between.cluster(args.kube(), session)?;
    let (mut road, mut ends) = between.open("connect", cluster.as_ref(), session).await?;
    let request = request(args, &mut ends)?;
    let opened = road.send("connect/stream", request, (&ends.aim, deadline), session).await?;
    let mut talk = Talk { ends, road: &road, opened, deadline };
    let ended = talk.talk(args, input, session).await;
    road.end(ended, &talk.ends.aim).await
}

fn request(args: &ConnectArgs, ends: &mut Ends<'_>) -> Result<ConnectStreamRequest, Failure> {
    let port = named_port(args.port()?.as_ref(), PortProtocol::Tcp, &ends.aim)?.number;
    ends.aim.peer.port = Some(port);
    Ok(args.stream_request(ends.aim.host.clone(), port))
}

impl Talk<'_> {
    async fn talk(
        &mut self,
        args: &ConnectArgs,
        input: Input,
        session: &mut Session<'_>,
    ) -> Result<Severity, Halt> {
        let flags = &args.bytes;
        let mut bytes = Bytes::default();
        let begun = tokio::select! {
            biased;
            () = interruption() => return Err(self.road.cut(&bytes.progress(), "stopped by Ctrl-C or SIGTERM").into()),
            begun = self.begin(session) => begun?,
        };
        let relayed = match begun {
            Begun::Ended(ended) => Relayed::Ended(ended),
            Begun::Not { remote, took_us, outcome } => {
                bytes.not_connected = Some((remote, took_us, outcome));
                Relayed::Quit
            }
            Begun::Connected(connected) => {
                self.ends.meet(connected.local.ip(), connected.remote.ip());
                bytes.connected = Some(connected.remote);
                bytes.intercepted = connected.intercepted;
                match if args.tls { self.tls().await?.map(Some) } else { Ok(None) } {
                    Ok(agreed) => {
                        greet(&connected, agreed.as_deref(), flags, session)?;
                        self.relay(flags, input, &mut bytes, session).await?
                    }
                    Err(why) => {
                        bytes.tls_refused = Some(why);
                        Relayed::Quit
                    }
                }
            }
        };
        self.conclude(relayed, bytes, session)
    }

    fn verdict(&self, bytes: &Bytes, session: &mut Session<'_>) -> Result<Severity, Stopped> {
        let findings = diagnose::bytes(bytes, &self.ends.context(render::Names::default()));
        render::verdict(session.err, &session.screen, &findings)?;
        Ok(worst(&findings))
    }

    /// From here on the bytes are those inside of TLS. What was agreed on, or why nothing was.
    async fn tls(&mut self) -> Result<Result<String, String>, Stopped> {
        let host = self.ends.aim.host.trim_end_matches('.').to_owned();
        let name = ServerName::try_from(host).map_err(|_| {
            Failure::new(code::BAD_VALUE, "--tls: the target is neither a host name nor an address")
        })?;
        let nothing = Pieces::Here(tokio::sync::mpsc::channel(1).1);
        let pieces = std::mem::replace(&mut self.opened.pieces, nothing);
        let begun = tls::begin(pieces, self.opened.upload.clone(), name);
        let Inside { pieces, upload, agreed } =
            begun.map_err(|cause| Failure::new(code::BAD_VALUE, format!("--tls: {cause}")))?;
        (self.opened.pieces, self.opened.upload) = (pieces, upload);
        let ended = Err(io::ErrorKind::UnexpectedEof.into());
        let agreed = tokio::select! {
            biased;
            () = interruption() => {
                let cut = self.road.cut("the TLS handshake", "stopped by Ctrl-C or SIGTERM");
                return Err(cut.into());
            }
            agreed = agreed => agreed.unwrap_or(ended),
        };
        // Whoever cuts the stream off then ends the handshake as well.
        if agreed.is_err() && self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(self.road.cut("the TLS handshake", "the deadline passed").into());
        }
        Ok(agreed.map_err(|cause| Untrusted::from(cause.to_string()).to_string()))
    }

    /// To the connection, or to the end without one.
    async fn begin(&mut self, session: &mut Session<'_>) -> Result<Begun, Stopped> {
        loop {
            let line = match self.opened.pieces.next().await {
                Ok(Piece::Event(line)) => line,
                Ok(Piece::Data(_) | Piece::End) => {
                    return Err(self.road.nonsense("bytes before a connection").into());
                }
                Err(broken) => {
                    return Err(self.road.broken(&Bytes::default().progress(), &broken).into());
                }
            };
            self.road.heard(&line, session)?;
            match line.event {
                Event::Probe(ConnectStreamEvent::Connected {
                    local, remote, intercepted, ..
                }) => {
                    let connected = Connected { local, remote, intercepted };
                    return Ok(Begun::Connected(connected));
                }
                Event::Probe(ConnectStreamEvent::NotConnected {
                    remote,
                    took_us,
                    more,
                    outcome,
                }) => {
                    if !more {
                        return Ok(Begun::Not { remote, took_us, outcome });
                    }
                    let (how, ms) = (outcome.word(), number::took(took_us));
                    writeln!(session.err, "{remote}: {how} after {ms}; trying the next address")?;
                }
                event => {
                    if let Some(ended) = Ended::of(event) {
                        return Ok(Begun::Ended(ended));
                    }
                }
            }
        }
    }

    async fn relay(
        &mut self,
        flags: &BytesFlags,
        input: Input,
        bytes: &mut Bytes,
        session: &mut Session<'_>,
    ) -> Result<Relayed<Ended>, Stopped> {
        let streams = &session.streams;
        let is_typed = flags.interactive && streams.stdin_is_terminal;
        let is_telnet = flags.interactive && !flags.raw;
        let looks = match (streams.stdout_is_terminal, is_telnet) {
            (_, true) => Looks::Escaped,
            (true, false) => Looks::Text,
            (false, false) => Looks::AsTheyAre,
        };
        let line_end = match flags.is_crlf(flags.interactive) {
            true => LineEnd::CrLf,
            false => LineEnd::AsItIs,
        };
        let output = Output::new((streams.stdout)()?, looks);
        let local = Local { input, line_end, is_typed, is_telnet, output };
        #[cfg(unix)]
        let _keys = is_typed.then(|| super::Keys::take(io::stdin())).transpose()?;
        let mut closed = None;
        let take = |line: Line<ConnectStreamEvent>| match line.event {
            Event::Probe(ConnectStreamEvent::Closed { sent, received, end }) => {
                closed = Some((sent, received, end));
                None
            }
            event => Ended::of(event),
        };
        let mut received = 0;
        let relaying =
            relay(&mut self.opened.pieces, self.opened.upload.clone(), local, &mut received, take);
        let relayed = tokio::select! {
            biased;
            () = interruption() => Relayed::Ended(Ended::Reason(EndReason::Cancelled)),
            relayed = relaying => relayed,
        };
        (bytes.received, bytes.closed) = (received, closed);
        Ok(relayed)
    }

    fn conclude(
        &self,
        relayed: Relayed<Ended>,
        mut bytes: Bytes,
        session: &mut Session<'_>,
    ) -> Result<Severity, Halt> {
        bytes.ended = match relayed {
            Relayed::Ended(ended) => Some(self.road.reason(ended, &bytes.progress())?),
            Relayed::Quit => None,
            Relayed::Broken(broken) => {
                return Err(self.road.broken(&bytes.progress(), &broken).into());
            }
            Relayed::Output(cause) if cause.kind() == io::ErrorKind::InvalidData => {
                return Err(binary().into());
            }
            Relayed::Output(cause) => return Err(Stopped::Write(cause).into()),
            Relayed::Input(cause) => return Err(unread(&cause).into()),
        };
        Ok(self.verdict(&bytes, session)?)
    }
}

/// The one line of a session.
fn greet(
    connected: &Connected,
    agreed: Option<&str>,
    flags: &BytesFlags,
    session: &mut Session<'_>,
) -> io::Result<()> {
    if let Some(agreed) = agreed {
        writeln!(session.err, "{agreed}")?;
    }
    if !flags.interactive {
        return Ok(());
    }
    let remote = connected.remote;
    let who = match connected.intercepted {
        false => format!("connected to {remote}"),
        true => format!("taken by a proxy of the source's own, not by {remote}"),
    };
    let keys = match session.streams.stdin_is_terminal {
        true => "; Ctrl-] ends, Ctrl-D half-closes",
        false => "",
    };
    writeln!(session.err, "{who}{keys}")
}
