//! PORT: by its number, or by the name that the target gives it.

use super::{Aim, DeclaredPort, PortProtocol};
use crate::{
    args::Port,
    code,
    finding::{Failure, Label},
};

/// The port that is meant; a number need not be declared.
pub(crate) fn declared_port(
    asked: &Port,
    wanted: Option<PortProtocol>,
    aim: &Aim,
) -> Result<DeclaredPort, Failure> {
    let fits = |port: &&DeclaredPort| wanted.is_none_or(|wanted| port.protocol == wanted);
    let mut declared = aim.ports.iter().filter(fits);
    match asked {
        Port::Number(number) => {
            let number = number.get();
            let found = declared.find(|port| port.number == number).cloned();
            let protocol = wanted.unwrap_or(PortProtocol::Tcp);
            Ok(found.unwrap_or(DeclaredPort { name: None, number, protocol }))
        }
        Port::Name(name) => declared
            .find(|port| port.name.as_ref() == Some(name))
            .cloned()
            .ok_or_else(|| no_such_port(name, aim)),
    }
}

/// The same, where one must be named; without one the target's own are offered.
pub(crate) fn named_port(
    asked: Option<&Port>,
    wanted: PortProtocol,
    aim: &Aim,
) -> Result<DeclaredPort, Failure> {
    let Some(asked) = asked else {
        let message = format!("a port is missing: {}:PORT; {}", aim.peer.word(), declares(aim));
        return Err(Failure::new(code::BAD_VALUE, message));
    };
    declared_port(asked, Some(wanted), aim)
}

/// The same of a Service, whose rules know its own ports and no others.
pub(crate) fn service_port(
    asked: &Port,
    wanted: Option<PortProtocol>,
    aim: &Aim,
) -> Result<DeclaredPort, Failure> {
    let port = declared_port(asked, wanted, aim).ok().filter(|port| aim.ports.contains(port));
    port.ok_or_else(|| {
        let protocol = match wanted {
            Some(PortProtocol::Udp) => "UDP ",
            Some(PortProtocol::Tcp) => "TCP ",
            Some(PortProtocol::Other) | None => "",
        };
        let (target, declares) = (aim.peer.word(), declares(aim));
        let message = format!("{target} has no {protocol}port {asked}; {declares}");
        Failure::new(code::BAD_VALUE, message)
    })
}

fn declares(aim: &Aim) -> String {
    let known = aim.ports.iter().map(|port| match &port.name {
        Some(name) => format!("{name} ({})", port.number),
        None => port.number.to_string(),
    });
    let known: Vec<_> = known.collect();
    match known.is_empty() {
        true => "it declares none".to_owned(),
        false => format!("it declares {}", known.join(", ")),
    }
}

fn no_such_port(name: &str, aim: &Aim) -> Failure {
    let (target, declares) = (aim.peer.word(), declares(aim));
    let note = "a number need not be declared".to_owned();
    Failure::new(code::BAD_VALUE, format!("{target} has no such port {name:?}; {declares}"))
        .with(Label::Note(note))
}
