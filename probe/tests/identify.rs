//! What known services are taken for, beside `nmap -sV` in the same run.

pub(crate) mod daemons;
mod nmap;
mod services;
mod stand_ins;

use std::{fmt::Write as _, time::Instant};

use netdiag_probe::{Probe, names::ResolverFiles};
use netdiag_wire::{
    EndReason,
    scan::{Identity, ScanEvent, ScanFold, ScanProtocol, ScanReport, ScanRequest},
};
use tokio_util::sync::CancellationToken;

use crate::{
    lab::{Lab, SERVER, runtime},
    sandbox,
    scan::full,
};
use daemons::Daemons;
use services::{SERVICES, Service};
use stand_ins::StandIns;

#[test]
fn as_many_services_are_known_as_nmap_knows() {
    let lab = Lab::new();
    let daemons = Daemons::start(&lab.server);
    let _stand_ins = StandIns::start(&lab.server);
    services::wait(&lab.client, &daemons);
    let start = Instant::now();
    let mut request = ScanRequest::to(SERVER, services::ports(ScanProtocol::Tcp));
    request.udp = services::ports(ScanProtocol::Udp);
    let ours = identify(&lab, request);
    let our_time = start.elapsed();
    let theirs = nmap::versions(&lab.client);
    let their_time = start.elapsed() - our_time;
    let mut table = String::new();
    let (mut known, mut known_to_nmap) = ([0; 2], [0; 2]);
    for service in SERVICES {
        let (our_line, is_ours) = service.ours(&ours);
        let (their_line, is_theirs) = service.theirs(&theirs);
        let word = |is_right: bool| if is_right { "ok" } else { "--" };
        writeln!(
            table,
            "{:<24} {:>9}  {} {our_line:<64} {} {their_line}",
            service.name,
            service.port(),
            word(is_ours),
            word(is_theirs),
        )
        .unwrap();
        let kind = usize::from(service.is_stand_in);
        known[kind] += usize::from(is_ours);
        known_to_nmap[kind] += usize::from(is_theirs);
    }
    let count = [false, true].map(|is| SERVICES.iter().filter(|one| one.is_stand_in == is).count());
    println!(
        "{table}\nright: of {} daemons netdiag {} and nmap {}, of {} stand-ins netdiag {} and nmap {}; took {our_time:.1?} and {their_time:.1?}",
        count[0], known[0], known_to_nmap[0], count[1], known[1], known_to_nmap[1]
    );
    let guess = &ours.os[..];
    let theirs = nmap::system(&lab.client);
    println!("{guess:?} beside nmap's {theirs:?}");
    // It gives no name where the fingerprint of this kernel is not in its list.
    assert!(theirs.is_empty() || theirs.iter().any(|line| line.contains("Linux")), "{theirs:?}");
    assert!(matches!(guess, [guess] if guess.name.as_bytes() == b"Linux"), "{guess:?}");
    assert!(SERVICES.len() >= 40);
    assert!(known[0] >= known_to_nmap[0], "{table}");
    assert_eq!(known, count, "{table}");
}

/// Behind a number that suggests nothing; MQTT is asked only where the number suggests it.
#[test]
fn services_are_known_by_what_they_say() {
    let lab = Lab::new();
    let daemons = Daemons::start(&lab.server);
    let _stand_ins = StandIns::start(&lab.server);
    services::wait(&lab.client, &daemons);
    let moved = services::moved(&lab.server);
    let ports = |protocol| {
        let of = moved.iter().filter(|service| service.protocol == protocol);
        of.map(|service| service.port).collect()
    };
    let to = ScanRequest::to(SERVER, ports(ScanProtocol::Tcp));
    let report = identify(&lab, ScanRequest { udp: ports(ScanProtocol::Udp), ..to });
    let wrong: Vec<_> = moved
        .iter()
        .map(|service| (service.name, service.ours(&report)))
        .filter(|(name, (_, is_right))| !is_right && *name != "Mosquitto")
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// As the agent's worker has it: without privilege, files or threads.
fn identify(lab: &Lab, mut request: ScanRequest) -> ScanReport {
    request.identify = true;
    let scan = full(request);
    lab.client.enter(|| {
        let sockets = scan.open().unwrap();
        let (runtime, mut fold) = (runtime(), ScanFold::default());
        sandbox::close();
        let (files, stop) = (ResolverFiles::default(), CancellationToken::new());
        let mut emit = |event: ScanEvent| fold.push(&event);
        runtime.block_on(scan.run(sockets, &files, &|_| Ok(()), &mut emit, stop)).unwrap();
        fold.report(Some(EndReason::Completed), None)
    })
}

impl Service {
    /// What we say, and whether it is right.
    fn ours(&self, report: &ScanReport) -> (String, bool) {
        let is_it = |one: &&Identity| (one.protocol, one.port) == (self.protocol, self.port);
        let Some(found) = report.identified.iter().find(is_it) else {
            return ("not identified".into(), false);
        };
        let speaks: Vec<String> = found.speaks.iter().map(ToString::to_string).collect();
        let cell = |cell: &Option<netdiag_wire::Untrusted>| {
            cell.as_ref().map_or(String::new(), |cell| format!(" {cell}"))
        };
        let product = cell(&found.product);
        let is_right = speaks.join(" > ").contains(self.speaks) && product.contains(self.product);
        let has_version = !self.has_version || found.version.is_some();
        let line = format!(
            "{}:{product}{}{}",
            speaks.join(" > "),
            cell(&found.version),
            cell(&found.info)
        );
        (line, is_right && has_version)
    }

    fn theirs(&self, lines: &[nmap::Line]) -> (String, bool) {
        let is_it = |one: &&nmap::Line| (one.protocol, one.port) == (self.protocol, self.port);
        let Some(line) = lines.iter().find(is_it) else { return ("not listed".into(), false) };
        let is_service = self.nmap.split('|').any(|name| line.service == name);
        let product = self.product.to_lowercase().replace('_', " ");
        let said = format!("{}: {}", line.service, line.version);
        let is_product = said.to_lowercase().replace('_', " ").contains(&product);
        (said, is_service && is_product)
    }
}
