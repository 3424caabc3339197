//! Whether it is a clock and not the certificate: the source's, the API server's, this machine's.

use jiff::Timestamp;

use crate::{
    code::certificates as code,
    finding::{Finding, Label, Peer, PeerKind},
    probe::{Ends, NAMING},
};

/// The API server tells whole seconds.
const AGREE_MS: i64 = 2_000;

/// Others' clocks minus this machine's, in milliseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Clocks {
    /// Who, and how far off.
    others: Vec<(String, i64)>,
}

/// Whether dates decide anything here.
pub(super) fn matter(findings: &[Finding]) -> bool {
    let dates = [code::EXPIRED, code::NOT_YET_VALID];
    findings.iter().any(|finding| finding.code.is_some_and(|code| dates.contains(&code)))
}

impl Clocks {
    /// `node_off_ms` as an event of its agent had it.
    pub(super) async fn ask(ends: &Ends<'_>, node_off_ms: Option<i64>) -> Self {
        let node = node_of(&ends.from).zip(node_off_ms);
        let api = match ends.cluster {
            Some(cluster) => {
                tokio::time::timeout(NAMING, cluster.clock_off_ms()).await.ok().flatten()
            }
            None => None,
        };
        let api = api.map(|off| ("the API server".to_owned(), off));
        Self { others: node.into_iter().chain(api).collect() }
    }

    /// Below the findings that dates make.
    pub(super) fn tell(&self, findings: &mut [Finding]) {
        let Some(label) = self.label() else { return };
        for finding in findings {
            if matter(std::slice::from_ref(finding)) {
                finding.labels.insert(0, label.clone());
            }
        }
    }

    fn label(&self) -> Option<Label> {
        let off: Vec<&(String, i64)> =
            self.others.iter().filter(|(_, off)| off.abs() > AGREE_MS).collect();
        if self.others.is_empty() {
            return None;
        }
        if off.is_empty() {
            let names: Vec<&str> = self.others.iter().map(|(name, _)| name.as_str()).collect();
            let names = names.join(", ");
            let text = format!("it is not a clock: {names} and this machine agree within 2 s");
            return Some(Label::Seen(text));
        }
        let words: Vec<String> =
            off.iter().map(|(name, off)| format!("{name}'s is {}", by(*off))).collect();
        let text = format!("it may be a clock: {} this machine's", words.join(", "));
        Some(Label::Seen(text))
    }
}

/// Of an event, as it came.
pub(super) fn off_ms(at: Timestamp) -> i64 {
    at.as_millisecond() - Timestamp::now().as_millisecond()
}

fn node_of(from: &Peer) -> Option<String> {
    match from.kind {
        PeerKind::Node => Some(from.name.clone()),
        _ => from.node.clone(),
    }
}

fn by(off_ms: i64) -> String {
    let seconds = off_ms.unsigned_abs() / 1_000;
    let side = if off_ms < 0 { "behind" } else { "ahead of" };
    match seconds {
        0..120 => format!("{seconds} s {side}"),
        120..7_200 => format!("{} min {side}", seconds / 60),
        _ => format!("{} h {side}", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    #[test]
    fn only_dates_are_told_of_clocks() {
        let told = |others: &[(&str, i64)]| {
            let others = others.iter().map(|(name, off)| ((*name).to_owned(), *off)).collect();
            let mut findings = [code::EXPIRED, code::WRONG_NAME]
                .map(|code| Finding::new(Severity::Fail, code, "it"));
            Clocks { others }.tell(&mut findings);
            assert!(findings[1].labels.is_empty());
            findings[0].labels.clone()
        };
        let seen = |text: &str| vec![Label::Seen(text.into())];
        assert_eq!(told(&[]), vec![]);
        assert_eq!(
            told(&[("node-1", -3), ("the API server", 900)]),
            seen("it is not a clock: node-1, the API server and this machine agree within 2 s")
        );
        assert_eq!(
            told(&[("node-1", -10_800_000), ("the API server", 0)]),
            seen("it may be a clock: node-1's is 3 h behind this machine's")
        );
    }
}
