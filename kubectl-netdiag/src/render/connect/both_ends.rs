//! What was sent, and below it how it arrived.

use std::{
    io::{self, Write},
    net::SocketAddr,
};

use netdiag_wire::{
    connect::{ConnectAttempt, ConnectProtocol},
    listen::AcceptedConnection,
};

use super::Screen;

/// `sent` and `arrived`; where nothing was taken the attempt has a line of its own, and only that
/// nothing arrived is left to say.
pub(crate) fn both_ends(
    out: &mut dyn Write,
    screen: &Screen,
    protocol: ConnectProtocol,
    (attempt, arrived): (&ConnectAttempt, Option<&AcceptedConnection>),
    came: usize,
) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    let protocol = match protocol {
        ConnectProtocol::Tcp => "TCP",
        ConnectProtocol::Udp => "UDP",
    };
    let sent = attempt.local.filter(|_| attempt.outcome.is_well() || arrived.is_some());
    let sent = sent.map(|local| local.to_string());
    let from = arrived.map(|arrived| end(arrived.from.address, arrived.from.port));
    let width = sent.iter().chain(&from).map(String::len).max().unwrap_or_default();
    if let Some(local) = sent {
        let looks = looks(protocol, attempt.mss, None);
        writeln!(out, "sent     {local:width$} -> {}   {looks}", attempt.remote)?;
    }
    match (arrived, from) {
        (Some(arrived), Some(from)) => {
            let looks = looks(protocol, arrived.arrival.mss, arrived.arrival.ttl);
            let to = match arrived.to.address.is_unspecified() {
                true => attempt.remote.to_string(),
                false => end(arrived.to.address, arrived.to.port),
            };
            writeln!(out, "arrived  {from:width$} -> {to}   {looks}")
        }
        _ if came == 0 => writeln!(out, "arrived  nothing"),
        _ => writeln!(out, "arrived  {came} from elsewhere"),
    }
}

fn looks(protocol: &str, mss: Option<u16>, ttl: Option<u8>) -> String {
    let mss = mss.map(|mss| format!(", MSS {mss}")).unwrap_or_default();
    let ttl = ttl.map(|ttl| format!(", TTL {ttl}")).unwrap_or_default();
    format!("{protocol}{mss}{ttl}")
}

fn end(address: std::net::IpAddr, port: u16) -> String {
    SocketAddr::new(address, port).to_string()
}
