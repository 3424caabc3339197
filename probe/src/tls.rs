//! TLS: a connection, a handshake that takes any certificate, and what the server showed in it.

use std::{cell::RefCell, net::IpAddr, time::Duration};

use netdiag_wire::tls::{TlsAgreed, TlsEnd, TlsEvent, TlsHandshake, TlsPurpose, TlsRequest};
use tokio::{net::TcpStream, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    Probe, ProbeError, clock,
    dial::{Dial, DialSockets},
    names::ResolverFiles,
    sys::route,
};
use netdiag_tls::{BadOffer, Client, Shown, hello, names, scan::Scan, shake, upgraded};

impl Probe for TlsRequest {
    type Sockets = DialSockets;
    type Event = TlsEvent;

    fn open(&self) -> Result<DialSockets, ProbeError> {
        self.check().map_err(ProbeError::Request)?;
        // A name that cannot be offered is told before anything is sent.
        client(self, IpAddr::from([0; 4]))?;
        DialSockets::open(&self.connection())
    }

    async fn run(
        &self,
        sockets: DialSockets,
        files: &ResolverFiles,
        destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        emit: &mut impl FnMut(TlsEvent),
        stop: CancellationToken,
    ) -> Result<(), ProbeError> {
        let probing = async {
            let dial = Dial::new(self.connection(), sockets, files, destination).await?;
            emit(dialing(self, dial.addresses()));
            let mut shaking = Shaking { request: self, dial, emit };
            match self.scan {
                true => shaking.scan().await,
                false => shaking.all().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => Ok(()),
            ended = probing => ended,
        }
    }
}

fn dialing(request: &TlsRequest, addresses: Vec<IpAddr>) -> TlsEvent {
    let source =
        addresses.first().and_then(|first| route::source(*first, request.source_address).ok());
    TlsEvent::Dialing { host: request.host.as_str().into(), port: request.port, addresses, source }
}

fn client(request: &TlsRequest, address: IpAddr) -> Result<Client, ProbeError> {
    Client::new(&request.offer, address, None).map_err(|cause| match cause {
        BadOffer::ServerName => ProbeError::Request(format!("offer.{cause}")),
        BadOffer::Tls(cause) => ProbeError::Request(format!("offer: {cause}")),
    })
}

/// The handshakes with one target, one after the other.
struct Shaking<'a, F> {
    request: &'a TlsRequest,
    dial: Dial,
    emit: &'a mut F,
}

impl<F: FnMut(TlsEvent)> Shaking<'_, F> {
    async fn all(&mut self) -> Result<(), ProbeError> {
        let Some(stream) = self.connect(TlsPurpose::Asked).await? else { return Ok(()) };
        let remote = self.dial.remote().ip();
        let asked = client(self.request, remote)?;
        let end = self.shake(TlsPurpose::Asked, &asked, stream).await;
        if end.is_none() && self.request.resume {
            self.again(TlsPurpose::Resume, &asked).await?;
        }
        if end.is_some_and(|end| may_tell_more(&end)) {
            self.in_the_clear().await?;
        }
        if self.request.without_name && self.request.offer.server_name.is_some() {
            let mut nameless = self.request.clone();
            nameless.offer.server_name = None;
            self.again(TlsPurpose::WithoutName, &client(&nameless, remote)?).await?;
        }
        Ok(())
    }

    async fn again(&mut self, purpose: TlsPurpose, client: &Client) -> Result<(), ProbeError> {
        if let Some(stream) = self.connect(purpose).await? {
            self.shake(purpose, client, stream).await;
        }
        Ok(())
    }

    async fn connect(&mut self, purpose: TlsPurpose) -> Result<Option<TcpStream>, ProbeError> {
        let (attempts, stream) = self.dial.connect().await?;
        for attempt in attempts {
            (self.emit)(TlsEvent::Connection { purpose, attempt });
        }
        Ok(stream)
    }

    /// How it ended, where it was not completed.
    async fn shake(
        &mut self,
        purpose: TlsPurpose,
        client: &Client,
        stream: TcpStream,
    ) -> Option<TlsEnd> {
        let (handshake, shown) = shake(self.request, client, stream, self.until()).await;
        let end = handshake.agreed.is_none().then(|| handshake.end.clone());
        self.show(purpose, &shown);
        self.say(TlsHandshake { purpose, ..handshake });
        end
    }

    /// The library reads no certificate of a server that it cannot agree with; an old ClientHello
    /// gets one all the same.
    async fn in_the_clear(&mut self) -> Result<(), ProbeError> {
        let purpose = TlsPurpose::Clear;
        let Some(mut stream) = self.connect(purpose).await? else { return Ok(()) };
        let (start, until) = (Instant::now(), self.until());
        if upgraded(self.request, &mut stream, until).await.is_err() {
            return Ok(());
        }
        let hello = hello::Hello {
            version: hello::TLS12,
            suites: hello::suites_of(hello::TLS12),
            groups: names::GROUPS.iter().map(|(number, _)| *number).collect(),
            server_name: self.request.offer.server_name.clone(),
        };
        let answer = hello::ask(stream, &hello, until).await;
        let took_us = clock::micros(start.elapsed());
        let mut handshake = TlsHandshake { purpose, took_us, ..TlsHandshake::default() };
        match answer {
            Ok(answer) => {
                handshake.agreed = Some(TlsAgreed {
                    version: names::version(answer.version).into(),
                    cipher_suite: names::cipher_suite(answer.suite).into(),
                    group: answer.group.map(|group| names::group(group).into()),
                    ..TlsAgreed::default()
                });
                self.show(purpose, &Shown { chain: answer.chain, ..Shown::default() });
            }
            Err(end) => handshake.end = end,
        }
        self.say(handshake);
        Ok(())
    }

    async fn scan(&mut self) -> Result<(), ProbeError> {
        if self.connect(TlsPurpose::Asked).await?.is_none() {
            return Ok(());
        }
        let wait = Duration::from_micros(self.request.handshake_us.into());
        let (request, dial) = (self.request, &self.dial);
        let scan = Scan {
            dial: async || {
                let mut stream = dial.once().await?;
                upgraded(request, &mut stream, Instant::now() + wait).await.ok()?;
                Some(stream)
            },
            server_name: request.offer.server_name.clone(),
            wait,
        };
        let emit = RefCell::new(&mut *self.emit);
        scan.run(|taken| emit.borrow_mut()(TlsEvent::Takes(Box::new(taken)))).await;
        Ok(())
    }

    fn until(&self) -> Instant {
        Instant::now() + Duration::from_micros(self.request.handshake_us.into())
    }

    fn say(&mut self, handshake: TlsHandshake) {
        (self.emit)(TlsEvent::Handshake(Box::new(handshake)));
    }

    fn show(&mut self, purpose: TlsPurpose, shown: &Shown) {
        shown.events(purpose).for_each(&mut *self.emit);
    }
}

/// A server that speaks TLS, but not with us.
fn may_tell_more(end: &TlsEnd) -> bool {
    match end {
        TlsEnd::Alert { .. }
        | TlsEnd::Incompatible { .. }
        | TlsEnd::Misbehaved { .. }
        | TlsEnd::Closed
        | TlsEnd::Reset => true,
        TlsEnd::Well
        | TlsEnd::PlainText { .. }
        | TlsEnd::NotUpgraded { .. }
        | TlsEnd::Silence
        | TlsEnd::Unknown => false,
    }
}
