//! Asks the cluster, and the target's own agent, what only they know of the target's ports.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Service;
use kube::api::ListParams;
use netdiag_wire::{
    ErrorBody, ErrorCode, Event, Request, Source, Untrusted,
    scan::ScanProtocol,
    sockets::{
        SocketEntry, SocketProcess, SocketProtocol, SocketsEvent, SocketsFold, SocketsReport,
        SocketsRequest, Which,
    },
};

use super::{Declared, Known, Led, Listener, PortProcess};
use crate::{
    agent::{self, Answer},
    args::Account,
    cluster::{
        Cluster,
        leads::{containers, leads},
    },
    finding::Peer,
    plan::{DeclaredPort, PortProtocol},
};

const SOCKETS: &str = "sockets";

/// Everything at once; what is refused is left out and named.
pub(super) async fn known(
    cluster: Cluster,
    object: Source,
    peer: Peer,
    declared: Vec<DeclaredPort>,
    account: Option<Account>,
) -> Known {
    let namespace = peer.namespace.clone();
    let of_pod = of_pod(&cluster, &object);
    let table = table(&cluster, &object, &peer, account.as_ref());
    let ((led, containers), table) = tokio::join!(of_pod, table);
    let declared = declared.into_iter().filter_map(|port| {
        Some(Declared { protocol: protocol(port.protocol)?, port: port.number, name: port.name })
    });
    let (listeners, skipped) = match table {
        Ok(report) => {
            let skipped = report.skipped.as_ref().map(|missing| {
                not_granted(&missing.resource, &missing.right, namespace.as_deref())
            });
            (Some(listeners(&report, &containers)), skipped)
        }
        Err(why) => (None, Some(why)),
    };
    Known { declared: declared.collect(), led, listeners, skipped }
}

fn protocol(declared: PortProtocol) -> Option<ScanProtocol> {
    match declared {
        PortProtocol::Tcp => Some(ScanProtocol::Tcp),
        PortProtocol::Udp => Some(ScanProtocol::Udp),
        PortProtocol::Other => None,
    }
}

/// The Services that lead to a pod, and its containers by their IDs; of a node there are none.
async fn of_pod(cluster: &Cluster, object: &Source) -> (Vec<Led>, BTreeMap<String, String>) {
    let Source::Pod { namespace, name, .. } = object else { return Default::default() };
    let (pods, services) = (cluster.pods(namespace), cluster.services(namespace));
    let how = ListParams::default();
    let (pod, services) =
        tokio::join!(cluster.ask(pods.get(name)), cluster.ask(services.list(&how)),);
    let Ok(pod) = pod else { return Default::default() };
    let services: Vec<Service> = services.map(|list| list.items).unwrap_or_default();
    let led = leads(&pod, &services).into_iter().filter_map(|lead| {
        Some(Led { protocol: protocol(lead.port.protocol)?, port: lead.target, by: lead.word() })
    });
    (led.collect(), containers(&pod))
}

/// Who listens in the target's network namespace, by the agent of its node; or why that is not
/// told.
async fn table(
    cluster: &Cluster,
    object: &Source,
    peer: &Peer,
    account: Option<&Account>,
) -> Result<SocketsReport, String> {
    let namespace = peer.namespace.as_deref();
    let node = peer.node.as_deref().ok_or("processes: the target is on no node")?;
    let said = |failure: crate::finding::Failure| format!("processes: {}", failure.message);
    let fleet = cluster.fleet().await.map_err(said)?;
    let agent = cluster.agent_on(node, &fleet).await.map_err(said)?;
    let (minted, connection, user) = tokio::join!(
        cluster.mint(&agent, namespace, account),
        agent::connect(cluster, &agent),
        cluster.user(),
    );
    let (minted, connection) = (minted.map_err(said)?, connection.map_err(said)?);
    let probe = SocketsRequest {
        protocols: vec![SocketProtocol::Tcp, SocketProtocol::Udp],
        which: Which::Listening,
        processes: true,
        ..SocketsRequest::default()
    };
    let body = Request { source: object.clone(), deadline_ms: None, claimed_user: user, probe };
    match connection.probe(SOCKETS, &minted.token, &body).await.map_err(said)? {
        Answer::Refused { error, .. } => Err(refused(&error, namespace)),
        Answer::Stream(lines) => read(lines, namespace).await,
    }
}

async fn read(mut lines: agent::Lines, namespace: Option<&str>) -> Result<SocketsReport, String> {
    let mut fold = SocketsFold::default();
    loop {
        let line = lines.next::<SocketsEvent>().await.map_err(|e| format!("processes: {e}"))?;
        match line.map(|line| line.event) {
            Some(Event::Probe(event)) => fold.push(&event),
            Some(Event::End { .. }) => return Ok(fold.report(None, None)),
            Some(Event::Error { error }) => return Err(refused(&error, namespace)),
            Some(Event::Heartbeat | Event::Accepted { .. }) => {}
            None => return Err("processes: the agent's answer broke off".into()),
        }
    }
}

fn refused(error: &ErrorBody, namespace: Option<&str>) -> String {
    match (error.code, &error.missing) {
        (ErrorCode::Forbidden, Some(missing)) => {
            not_granted(&missing.resource, &missing.right, namespace)
        }
        _ => format!("processes: {}", error.message),
    }
}

/// `processes: pods/processes not granted in shop`.
fn not_granted(resource: &Untrusted, right: &Untrusted, namespace: Option<&str>) -> String {
    let place = namespace.map(|namespace| format!(" in {namespace}")).unwrap_or_default();
    format!("processes: {resource}/{right} not granted{place}")
}

fn listeners(report: &SocketsReport, containers: &BTreeMap<String, String>) -> Vec<Listener> {
    let processes: BTreeMap<u32, &SocketProcess> =
        report.processes.iter().map(|process| (process.pid, process)).collect();
    let listener = |entry: &SocketEntry| {
        let local = entry.local?;
        Some(Listener {
            protocol: match entry.protocol {
                SocketProtocol::Tcp => ScanProtocol::Tcp,
                SocketProtocol::Udp => ScanProtocol::Udp,
                SocketProtocol::Raw | SocketProtocol::Unix | SocketProtocol::Unknown => {
                    return None;
                }
            },
            address: local.address,
            port: local.port,
            dual_stack: entry.dual_stack,
            process: entry
                .pids
                .first()
                .and_then(|pid| processes.get(pid).map(|process| named(process, containers))),
        })
    };
    report.entries.iter().filter_map(listener).collect()
}

fn named(process: &SocketProcess, containers: &BTreeMap<String, String>) -> PortProcess {
    let id = process.container_id.as_ref().map(ToString::to_string);
    PortProcess {
        container: id.and_then(|id| containers.get(&id).cloned()),
        name: process.name.clone(),
        pid: process.container_pid.unwrap_or(process.pid),
    }
}
