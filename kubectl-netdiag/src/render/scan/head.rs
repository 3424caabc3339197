//! The header: who scans whom, which ports, and how fast.

use super::*;
use crate::render::header;

/// Printed before the first answer; `started` is the event that says what runs.
pub(crate) fn scan_header(
    out: &mut dyn Write,
    screen: &Screen,
    request: &ScanRequest,
    started: &ScanEvent,
    (from, to): (&Peer, &Peer),
) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    header(out, screen, from, std::slice::from_ref(to))?;
    let ScanEvent::Started { method, lane, addresses, off_limits, other_addresses, .. } = started
    else {
        return Ok(());
    };
    let what = [asked(request, *addresses), pace(request, lane, from, to)];
    let how = matches!(method, ScanMethod::Connect).then(|| ", by whole connections".to_owned());
    let off_limits = (*off_limits > 0).then(|| {
        format!(
            "; {} off limits and left out",
            number::counted(*off_limits, "address", "addresses")
        )
    });
    let line: String =
        [what.concat(), how.unwrap_or_default(), off_limits.unwrap_or_default()].concat();
    writeln!(out, "{}", screen.safe(&line))?;
    match &other_addresses[..] {
        [] => Ok(()),
        others => writeln!(out, "not scanned, of the same name: {}", listed(others)),
    }
}

/// The first of them, and how many there are.
fn listed(addresses: &[IpAddr]) -> String {
    const MOST: usize = 5;
    let shown = addresses.iter().take(MOST).map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
    match addresses.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// `TCP 1-65535`, `366 TCP ports and UDP 53 of 254 addresses`.
fn asked(request: &ScanRequest, addresses: u32) -> String {
    let of = match addresses {
        0 | 1 => String::new(),
        many => format!(" of {} addresses", number::count(many.into())),
    };
    let lists = [("TCP", &request.tcp), ("UDP", &request.udp)];
    let lists = lists.into_iter().filter(|(_, ports)| !ports.is_empty());
    let lists: Vec<String> = lists.map(|(protocol, ports)| list(protocol, ports)).collect();
    match lists.is_empty() {
        true => format!("host discovery{of}"),
        false => format!("{}{of}", lists.join(" and ")),
    }
}

/// The ports themselves where they are few words, else how many.
fn list(protocol: &str, ports: &Ports) -> String {
    const SHORT: usize = 30;
    let shown = ports.to_string();
    match shown.len() <= SHORT {
        true => format!("{protocol} {shown}"),
        false => format!("{} {protocol} ports", number::count(ports.len() as u64)),
    }
}

fn pace(request: &ScanRequest, lane: &ScanLane, from: &Peer, to: &Peer) -> String {
    let rate = request.rate.map(std::num::NonZeroU32::get);
    match (lane, rate) {
        (ScanLane::Held { rate: held, .. }, own) if own.is_none_or(|own| own >= *held) => {
            format!(", held to {}/s (limits.scan)", number::count((*held).into()))
        }
        (_, Some(rate)) => format!(", at most {}/s (--rate)", number::count(rate.into())),
        (ScanLane::Full, None) => format!(" at full speed{}", by_what_right(from, to)),
        (ScanLane::Held { .. } | ScanLane::Unknown, None) => String::new(),
    }
}

fn by_what_right(from: &Peer, to: &Peer) -> String {
    let is_hosted = to.words.iter().any(|word| word == "hostNetwork");
    match (to.kind, &to.namespace) {
        _ if from.kind == PeerKind::Local => String::new(),
        (PeerKind::Pod, Some(namespace)) if is_hosted => {
            format!(
                ": a hostNetwork pod of {namespace}, and you hold pods/scan there and nodes/scan"
            )
        }
        (PeerKind::Pod, Some(namespace)) => {
            format!(": a pod of {namespace}, where you hold pods/scan")
        }
        (PeerKind::Node, _) => ": a node, and you hold nodes/scan".into(),
        (_, _) => String::new(),
    }
}
