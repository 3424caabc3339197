//! A table as its document has it, and sockets that a test opens in a pod's namespace.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

use anyhow::Result;
use netdiag_tests::{Cluster, Netns, Pod, Run};
use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
use serde_json::Value;

/// `sockets WORDS`.
pub(crate) fn sockets(cluster: &Cluster, words: &str) -> Result<Run> {
    cluster.netdiag(["sockets"].into_iter().chain(words.split_whitespace()))
}

/// The document of a look that ends with `code`.
pub(crate) fn document(cluster: &Cluster, words: &str, code: i32) -> Result<Value> {
    let document: Value = sockets(cluster, &format!("{words} -o json"))?.exits(code).json();
    assert_eq!(document["kind"], "SocketsReport");
    Ok(document)
}

/// Protocol, state and both ends, as ss has them.
pub(crate) type Row = (String, String, String, String);

/// The Internet's sockets of a report.
pub(crate) fn rows(document: &Value) -> BTreeSet<Row> {
    let entries = document["sockets"]["entries"].as_array().into_iter().flatten();
    let inet = entries.filter(|entry| entry["protocol"] != "unix");
    inet.map(|entry| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut local = end(&entry["local"]);
        if entry["dualStack"] == true {
            local = local.replace("[::]", "*");
        }
        let interface = entry["interface"].as_str().map(|name| format!("%{name}:"));
        if let (Some(interface), Some(at)) = (interface, local.rfind(':')) {
            local.replace_range(at..=at, &interface);
        }
        (text(&entry["protocol"]), state(&text(&entry["state"])).into(), local, end(&entry["peer"]))
    })
    .collect()
}

fn end(value: &Value) -> String {
    let Some(address) = value["address"].as_str() else { return "*".into() };
    let port = value["port"].as_u64().filter(|port| *port != 0);
    let port = port.map_or_else(|| "*".to_owned(), |port| port.to_string());
    match address.contains(':') {
        true => format!("[{address}]:{port}"),
        false => format!("{address}:{port}"),
    }
}

/// ss's word.
fn state(word: &str) -> &'static str {
    match word {
        "listen" => "LISTEN",
        "unconnected" | "closed" => "UNCONN",
        "established" => "ESTAB",
        "synSent" => "SYN-SENT",
        "synReceived" => "SYN-RECV",
        "finWait1" => "FIN-WAIT-1",
        "finWait2" => "FIN-WAIT-2",
        "timeWait" => "TIME-WAIT",
        "closeWait" => "CLOSE-WAIT",
        "lastAck" => "LAST-ACK",
        "closing" => "CLOSING",
        _ => "?",
    }
}

/// A TCP socket that listens in the pod's namespace with this backlog, and accepts nobody.
pub(crate) fn listener(pod: &Pod, address: IpAddr, port: u16, backlog: i32) -> Result<OwnedFd> {
    Netns::of_pod(pod)?.run(|| {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = socket(family, SocketType::STREAM, None)?;
        bind(&socket, &SocketAddr::new(address, port))?;
        listen(&socket, backlog)?;
        Ok(socket)
    })
}
