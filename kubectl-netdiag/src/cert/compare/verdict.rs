//! What it means that a server shows another certificate than the one that is kept.

use super::{super::Judged, Outcome, started::Started};
use crate::{
    certificates::Certificate,
    code::certificates::NOT_SERVED,
    finding::{Finding, Label, Severity},
    render::{Cell, Column, Mood, Table},
};

/// Of the comparison, and what is wrong with what is kept.
pub(super) fn findings(
    held: &Judged,
    served: &[Certificate],
    (outcome, started): (Outcome, Option<Started>),
) -> Vec<Finding> {
    let name = &held.source.name;
    let first = match outcome {
        Outcome::Same => Finding::ok(format!("the server serves what {name} holds")),
        Outcome::OtherChain => other_chain(name, &held.chain, served),
        Outcome::OtherCertificate => other_certificate(name, (&held.chain, served), started),
    };
    let flaws = held.findings.iter().filter(|finding| finding.severity == Severity::Fail).cloned();
    let mut findings: Vec<Finding> = flaws.collect();
    if first.severity != Severity::Ok || findings.is_empty() {
        findings.insert(0, first);
    }
    findings
}

fn other_certificate(
    name: &str,
    (held, served): (&[Certificate], &[Certificate]),
    started: Option<Started>,
) -> Finding {
    let (own, shown) = (&held[0], &served[0]);
    let fail = |summary: String| Finding::new(Severity::Fail, NOT_SERVED, summary);
    if let Some(at) = held.iter().position(|one| one.der == shown.der) {
        return fail(format!("the server serves certificate {at} of {name}, not the first"));
    }
    if own.subject.der != shown.subject.der || own.names != shown.names {
        let seen = format!("served: {}, of {}", shown.subject.text, shown.issuer.text);
        return fail(format!(
            "the server serves a certificate for somebody else than {name} holds"
        ))
        .with(Label::Seen(seen));
    }
    let (since, shown_since) = (own.not_before, shown.not_before);
    let seen = format!("{name}'s is valid since {since}, the one served since {shown_since}");
    let dated = |summary: String| fail(summary).with(Label::Seen(seen));
    if since < shown_since {
        return dated(format!("the server serves a newer certificate than {name} holds"));
    }
    if since == shown_since {
        return dated(format!("the server serves another certificate than {name} holds"));
    }
    let newer = format!("{name} holds a newer certificate than the one served");
    match started {
        None => dated(newer),
        Some(started) if started.last < since => {
            let (who, last) = (who(started.pods), started.last);
            let seen = format!("{who} started before that: the last container at {last}");
            dated(format!("{newer}: {who} did not reload")).with(Label::Seen(seen))
        }
        Some(started) => {
            let seen = format!("a container started after that ({})", started.last);
            dated(newer).with(Label::Seen(seen))
        }
    }
}

fn who(pods: usize) -> String {
    match pods {
        1 => "the pod".into(),
        many => format!("the {many} pods"),
    }
}

fn other_chain(name: &str, held: &[Certificate], served: &[Certificate]) -> Finding {
    let summary = format!("the server serves the certificate of {name} with another chain");
    let lacking = |all: &[Certificate], others: &[Certificate]| -> Vec<String> {
        let is_absent = |one: &&Certificate| !others.iter().any(|other| other.der == one.der);
        all.iter().filter(is_absent).map(|one| one.subject.text.clone()).collect()
    };
    let mut finding = Finding::new(Severity::Warn, NOT_SERVED, summary);
    let sides = [("not served", lacking(held, served)), ("served besides", lacking(served, held))];
    for (what, names) in sides {
        if !names.is_empty() {
            finding.labels.push(Label::Seen(format!("{what}: {}", names.join(", "))));
        }
    }
    if finding.labels.is_empty() {
        let seen = "the same certificates, in another order or twice";
        finding.labels.push(Label::Seen(seen.into()));
    }
    finding
}

/// `#  SUBJECT  SERIAL  VALID UNTIL (UTC)  SERVED`.
pub(super) fn table(held: &[Certificate], served: &[Certificate]) -> Table {
    let row = |(at, one): (usize, &Certificate)| {
        vec![
            at.to_string().into(),
            one.subject.text.as_str().into(),
            one.serial_text().into(),
            one.not_after.to_string().into(),
            is_served(at, one, served),
        ]
    };
    Table {
        columns: vec![
            Column { right: true, ..Column::new("#") },
            Column::new("SUBJECT"),
            Column::new("SERIAL"),
            Column::new("VALID UNTIL (UTC)"),
            Column::new("SERVED"),
        ],
        rows: held.iter().enumerate().map(row).collect(),
    }
}

fn is_served(at: usize, one: &Certificate, served: &[Certificate]) -> Cell {
    if served.iter().any(|other| other.der == one.der) {
        return "yes".into();
    }
    let text = match served.first().filter(|_| at == 0) {
        Some(first) => format!("no: {}", first.serial_text()),
        None => "no".into(),
    };
    Cell { text, mood: Mood::Bad }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;
    use crate::certificates::Moment;

    const MARCH: i64 = 1_772_323_200;
    const DAY: i64 = 24 * 3600;

    fn since(month: u8) -> Vec<Certificate> {
        let mut params = CertificateParams::new(vec!["web.shop.svc".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2026, month, 1);
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        vec![Certificate::parse(made.der()).unwrap()]
    }

    #[test]
    fn a_server_did_not_reload_only_where_its_containers_are_older() {
        let (old, new) = (since(2), since(3));
        let said = |started| {
            let finding = other_certificate("s", (&new, &old), started);
            (finding.summary, finding.labels.last().cloned())
        };
        let started = |pods, days| Some(Started { pods, last: Moment(MARCH + days * DAY) });
        let newer = "s holds a newer certificate than the one served";
        let seen = |text: &str| Some(Label::Seen(text.into()));
        let (summary, last) = said(started(3, -1));
        assert_eq!(summary, format!("{newer}: the 3 pods did not reload"));
        let text = "the 3 pods started before that: the last container at 2026-02-28 00:00:00";
        assert_eq!(last, seen(text));
        assert_eq!(said(started(1, -1)).0, format!("{newer}: the pod did not reload"));
        let (summary, last) = said(started(1, 1));
        assert_eq!(summary, newer);
        assert_eq!(last, seen("a container started after that (2026-03-02 00:00:00)"));
        assert_eq!(said(None).0, newer);
    }
}
