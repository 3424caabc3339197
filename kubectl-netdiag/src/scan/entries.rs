//! `.scan.ports[]` of the document: the agent's entries, and what is known of each besides.

use netdiag_wire::scan::ScanPort;
use serde::Serialize;
use serde_json::Value;

use super::{Known, PortProcess};
use crate::{finding::Peer, session::Stopped};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(flatten)]
    port: &'a ScanPort,
    #[serde(skip_serializing_if = "Option::is_none")]
    declared_as: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<&'a PortProcess>,
    #[serde(skip_serializing_if = "Option::is_none")]
    led_to_by: Option<Vec<&'a str>>,
}

pub(super) fn of(ports: &[ScanPort], known: &Known, to: &Peer) -> Result<Value, Stopped> {
    let entry = |port: &ScanPort| {
        let ScanPort { protocol, address, port: number, .. } = *port;
        // Of a network nothing is known port by port.
        let is_target = to.address == Some(address);
        let led: Vec<&str> = known.led(protocol, number).filter(|_| is_target).collect();
        serde_json::to_value(Entry {
            port,
            declared_as: known
                .declared(protocol, number)
                .filter(|_| is_target)
                .map(super::Declared::word),
            process: known
                .listener(protocol, address, number)
                .and_then(|listener| listener.process.as_ref()),
            led_to_by: (!led.is_empty()).then_some(led),
        })
    };
    let entries: Result<Vec<Value>, _> = ports.iter().map(entry).collect();
    Ok(Value::Array(entries.map_err(std::io::Error::from)?))
}
