//! HTTP on 127.0.0.1: who asks, whether they may, and which broker order follows from it.

use std::{
    net::TcpListener,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use jiff::Timestamp;
use netdiag_wire::{About, about::Problem};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

mod api;
mod apiserver;
mod audit;
mod auth;
mod authorize;
mod body;
mod broker;
mod cache;
mod config;
mod connect;
mod connect_stream;
mod dns;
mod facts;
mod form;
mod head;
mod http;
mod identity;
mod limits;
mod listen;
mod listener;
mod live;
mod ping;
mod place;
mod probe;
mod relay;
mod sandbox;
mod scan;
mod selftest;
mod sockets;
mod source;
mod tls;
mod token;
mod trace;
mod upkeep;

pub use config::Args;
pub use live::{LiveArgs, live};
pub use selftest::{SelftestArgs, selftest};

use self::{
    apiserver::{ApiServer, Credentials, Link, Route},
    audit::{Audit, RequestFacts},
    auth::Authenticator,
    authorize::Authorizer,
    broker::Broker,
    config::Limits,
    limits::Gate,
    relay::Accepted,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// For the audit lines of probes that ended with the agent.
const LAST_LINES: Duration = Duration::from_secs(2);

/// What every request needs.
struct Front {
    node: String,
    agent: String,
    started_at: Timestamp,
    limits: Limits,
    api: ApiServer,
    authenticator: Authenticator,
    authorizer: Authorizer,
    gate: Arc<Gate>,
    broker: Broker,
    audit: Audit,
    kept: facts::Kept,
    problems: RwLock<Vec<Problem>>,
    draining: CancellationToken,
    requests: AtomicU64,
}

/// Serves until SIGTERM.
pub fn run(args: Args) -> anyhow::Result<()> {
    log_to_stderr(&args.log)?;
    // The one provider of this binary; nobody else can have installed another before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let listener =
        TcpListener::bind(args.listen).with_context(|| format!("listen on {}", args.listen))?;
    listener.set_nonblocking(true)?;
    let sandboxed = sandbox::enter(&args.api.token_dir).context("enter the sandbox")?;
    let credentials = Credentials::read(&args.api.token_dir)?;
    let (audit, writer) = audit::writer(std::io::stdout())?;
    // One thread: front waits, and what it computes is small.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(args, listener, credentials, audit, sandboxed))?;
    drop(runtime);
    writer.finish(LAST_LINES);
    Ok(())
}

async fn serve(
    args: Args,
    listener: TcpListener,
    credentials: Credentials,
    audit: Audit,
    sandboxed: Option<Problem>,
) -> anyhow::Result<()> {
    let draining = drain_at_signal()?;
    let broker = Broker::at(args.broker_socket.clone());
    let route = Route::new(apiserver::Dial::Broker(broker.clone()), args.api.addresses());
    let (route, credentials) = (Arc::new(route), Arc::new(credentials));
    let api = ApiServer::new(Link::new(route.clone(), credentials.clone()));
    let front = Arc::new(Front {
        authenticator: Authenticator::new(api.clone(), args.audience()),
        authorizer: Authorizer::new(api.clone()),
        gate: Gate::new(&args.limits),
        node: args.node_name,
        agent: args.pod_name,
        started_at: Timestamp::now(),
        limits: args.limits,
        problems: RwLock::new(sandboxed.clone().into_iter().collect()),
        requests: AtomicU64::new(0),
        draining: draining.clone(),
        api,
        broker,
        audit,
        kept: facts::Kept::default(),
    });
    let upkeep = tokio::spawn(upkeep::run(front.clone(), route, credentials, sandboxed));
    let socket = tokio::net::TcpListener::from_std(listener)?;
    tracing::info!(version = VERSION, node = front.node, "front serves");
    listener::serve(socket, api::routes(front), draining).await;
    upkeep.abort();
    tracing::info!("front ends");
    Ok(())
}

impl Front {
    fn facts(&self, probe: &str) -> RequestFacts {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        RequestFacts {
            probe_id: format!("{}-{:x}-{number}", self.agent, self.started_at.as_millisecond()),
            agent: self.agent.clone(),
            node: self.node.clone(),
            probe: Some(probe.into()),
            ..RequestFacts::default()
        }
    }

    fn accepted(&self, probe_id: String) -> Accepted {
        Accepted {
            probe_id: probe_id.into(),
            agent: self.agent.as_str().into(),
            node: self.node.as_str().into(),
            version: VERSION.into(),
        }
    }

    fn about(&self) -> About {
        About {
            version: VERSION.into(),
            node: self.node.as_str().into(),
            agent: self.agent.as_str().into(),
            kernel: rustix::system::uname().release().to_bytes().to_vec().into(),
            now_at: Timestamp::now(),
            started_at: self.started_at,
            probes: api::PROBES.map(Into::into).to_vec(),
            problems: self.problems.read().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

/// Cancelled at SIGTERM, which kubelet sends, and at SIGINT.
fn drain_at_signal() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut term, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = CancellationToken::new();
    let draining = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        draining.cancel();
    });
    Ok(token)
}

fn log_to_stderr(filter: &str) -> anyhow::Result<()> {
    let filter: Targets = filter.parse().context("read --log")?;
    let lines = tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines).with(filter).init();
    Ok(())
}
