//! The document of `-o json`: the same envelope around every probe's report.

use std::io::{self, Write};

use jiff::Timestamp;
use netdiag_wire::API_VERSION;
use serde::Serialize;
use serde_json::Value;

mod entry;

pub(super) use entry::Action;
use entry::FindingEntry;

use super::{Screen, json};
use crate::finding::{Finding, Peer, Severity, worst};

/// What one run found: the envelope, the verdict, and the probe's own report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document {
    api_version: &'static str,
    kind: String,
    started_at: Timestamp,
    took_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Peer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Peer>,
    verdict: Severity,
    summary: String,
    findings: Vec<FindingEntry>,
    skipped: Vec<FindingEntry>,
    #[serde(flatten)]
    part: serde_json::Map<String, Value>,
}

/// When and how long a command ran.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub started_at: Timestamp,
    pub took_us: u64,
}

impl Document {
    /// A document of `kind` about `findings`, none of which is lost: `SKIP` goes to `skipped`.
    pub(crate) fn new(kind: &str, span: Span, findings: &[Finding]) -> Self {
        let mut sorted: Vec<_> = findings.iter().collect();
        sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let summary = sorted.iter().find(|finding| finding.severity != Severity::Skip);
        let (skipped, stated): (Vec<_>, Vec<_>) =
            sorted.iter().partition(|finding| finding.severity == Severity::Skip);
        Self {
            api_version: API_VERSION,
            kind: kind.into(),
            started_at: span.started_at,
            took_us: span.took_us,
            source: None,
            target: None,
            verdict: worst(findings),
            summary: summary.map(|finding| finding.summary.clone()).unwrap_or_default(),
            findings: stated.into_iter().map(FindingEntry::of).collect(),
            skipped: skipped.into_iter().map(FindingEntry::of).collect(),
            part: serde_json::Map::new(),
        }
    }

    #[must_use]
    pub(crate) fn from(mut self, source: Peer) -> Self {
        self.source = Some(source);
        self
    }

    #[must_use]
    pub(crate) fn to(mut self, target: Peer) -> Self {
        self.target = Some(target);
        self
    }

    /// The probe's own part under the probe's name.
    pub(crate) fn part(mut self, name: &str, part: &impl Serialize) -> serde_json::Result<Self> {
        self.part.insert(name.into(), serde_json::to_value(part)?);
        Ok(self)
    }
}

/// The report as JSON, YAML or the last line of ndjson; nothing on a screen for people.
pub(crate) fn document(
    out: &mut dyn Write,
    screen: &Screen,
    document: &Document,
) -> io::Result<()> {
    if screen.quiet || !screen.is_machine() {
        return Ok(());
    }
    json::write(out, screen.format, document)
}

#[cfg(test)]
mod tests {
    use netdiag_wire::ping::PingReport;

    use super::*;
    use crate::finding::{Code, Label, Object};
    use crate::render::{Format, scene};

    fn report() -> Document {
        let next = ["kubectl", "netdiag", "ping", "shop/pod/foo", "--from", "node/node-2"];
        let object = Object {
            kind: "Pod".into(),
            namespace: Some("shop".into()),
            name: "foo".into(),
            resource_version: "88410".into(),
        };
        let findings = [
            Finding::new(Severity::Skip, Code(12), "nodes cannot be read"),
            Finding::new(Severity::Fail, Code(302), "silence: 0 of 3 echoes replied")
                .with(Label::SeenOf { text: "the pod lives".into(), object })
                .with(Label::Unless("only echoes are dropped".into()))
                .with(Label::Next(next.map(String::from).into())),
        ];
        let span = Span { started_at: "2026-11-22T03:07:11Z".parse().unwrap(), took_us: 6_520_113 };
        let ping =
            PingReport { host: "10.244.2.7".into(), sent: 3, silent: 3, ..PingReport::default() };
        Document::new("PingReport", span, &findings)
            .from(scene::node_peer(1))
            .to(scene::pod_peer("foo", [10, 244, 2, 7]))
            .part("ping", &ping)
            .unwrap()
    }

    fn shown(format: Format, report: &Document) -> String {
        let mut out = Vec::new();
        document(&mut out, &Screen { format, ..Screen::default() }, report).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_envelope_is_stable() {
        insta::assert_snapshot!(shown(Format::Yaml, &report()), @r#"
        apiVersion: netdiag.dev/v1alpha1
        findings:
        - admin: []
          code: ND0302
          next:
          - argv:
            - kubectl
            - netdiag
            - ping
            - shop/pod/foo
            - --from
            - node/node-2
            line: kubectl netdiag ping shop/pod/foo --from node/node-2
          notes: []
          seen:
          - object:
              kind: Pod
              name: foo
              namespace: shop
              resourceVersion: "88410"
            text: the pod lives
          severity: fail
          summary: "silence: 0 of 3 echoes replied"
          unless: only echoes are dropped
        kind: PingReport
        ping:
          corrupted: 0
          duplicates: 0
          host: "10.244.2.7"
          late: 0
          lostSeqs: []
          notSent: 0
          pending: 0
          redirects: []
          refusals: []
          rejected: 0
          rejections: []
          reordered: 0
          replied: 0
          sent: 3
          silent: 3
          wrongData: 0
        skipped:
        - admin: []
          code: ND0012
          next: []
          notes: []
          seen: []
          severity: skip
          summary: nodes cannot be read
        source:
          address: "10.89.0.11"
          kind: node
          name: node-1
        startedAt: "2026-11-22T03:07:11Z"
        summary: "silence: 0 of 3 echoes replied"
        target:
          address: "10.244.2.7"
          kind: pod
          name: foo
          namespace: shop
          node: node-2
        tookUs: 6520113
        verdict: fail
        "#);
        let ndjson = shown(Format::Ndjson, &report());
        assert_eq!(ndjson.lines().count(), 1);
        let json: Value = serde_json::from_str(&shown(Format::Json, &report())).unwrap();
        assert_eq!(json, serde_json::from_str::<Value>(&ndjson).unwrap());
        assert_eq!(json, serde_saphyr::from_str::<Value>(&shown(Format::Yaml, &report())).unwrap());
    }

    #[test]
    fn what_is_unknown_is_absent_and_lists_are_always_there() {
        let span = Span { started_at: Timestamp::UNIX_EPOCH, took_us: 0 };
        let document = Document::new("PingReport", span, &[Finding::ok("3 of 3 echoes replied")]);
        let json = serde_json::to_value(&document).unwrap();
        assert_eq!(json["skipped"], Value::Array(Vec::new()));
        assert_eq!(json["findings"][0]["next"], Value::Array(Vec::new()));
        let keys: Vec<_> = json["findings"][0].as_object().unwrap().keys().collect();
        assert!(!keys.iter().any(|key| *key == "code" || *key == "unless"), "{keys:?}");
        assert!(json.get("source").is_none());
    }

    #[test]
    fn people_get_no_document() {
        assert_eq!(shown(Format::Text, &report()), "");
        assert_eq!(shown(Format::Verdict, &report()), "");
    }
}
