//! A proxy of the source's own between it and the server.

use netdiag_wire::connect::ConnectOutcome;

use super::TlsCase;
use crate::{
    diagnose::labels,
    finding::{Finding, Label},
};

impl TlsCase<'_> {
    /// Through a mesh's proxy nobody knows who it was that failed.
    pub(super) fn intercepted(&self, finding: Finding) -> Finding {
        if !self.is_taken() {
            return finding;
        }
        labels::behind_a_proxy("TLS", finding)
    }

    /// What came back tells of whoever has the certificate's key, and nothing of the way there.
    pub(super) fn through_a_proxy(&self) -> Option<Label> {
        let note = "a proxy in the source's own namespace took the connection: the certificate is \
                    its own or came through it";
        self.is_taken().then(|| Label::Note(note.into()))
    }

    fn is_taken(&self) -> bool {
        let last = self.report.attempts.last().map(|last| &last.outcome);
        last == Some(&ConnectOutcome::Intercepted)
    }
}

#[cfg(test)]
mod tests {
    use netdiag_wire::{
        connect::ConnectAttempt,
        tls::{TlsEnd, TlsHandshake, TlsReport, TlsRequest, TlsServed},
    };

    use super::*;
    use crate::{
        diagnose::Context,
        finding::{Code, Severity},
    };

    const INTERCEPTED: Code = Code(609);

    fn findings(outcome: ConnectOutcome, end: TlsEnd) -> Vec<Finding> {
        let attempt = ConnectAttempt {
            target: 0,
            round: 1,
            remote: "10.244.2.7:443".parse().unwrap(),
            local: None,
            took_us: 500,
            mss: None,
            beside: false,
            outcome,
        };
        let handshake = Some(TlsHandshake { end, ..TlsHandshake::default() });
        let asked = Some(TlsServed { handshake, ..TlsServed::default() });
        let report = TlsReport { attempts: vec![attempt], asked, ..TlsReport::default() };
        let (request, context) = (TlsRequest::to("10.244.2.7", 443), Context::default());
        TlsCase { report: &report, request: &request, context: &context }.findings(Vec::new())
    }

    #[test]
    fn a_proxy_of_the_sources_own_is_said_whatever_came_of_the_handshake() {
        let connected = || ConnectOutcome::Connected { banner: None, closed: false };
        let [well] = &findings(connected(), TlsEnd::Well)[..] else { panic!("one finding") };
        assert!(well.labels.is_empty(), "{well:?}");
        let [taken] = &findings(ConnectOutcome::Intercepted, TlsEnd::Well)[..] else {
            panic!("one finding")
        };
        let is_said = |label: &Label| matches!(label, Label::Note(note) if note.contains("proxy"));
        assert!(taken.labels.iter().any(is_said), "{taken:?}");
        let [failed] = &findings(ConnectOutcome::Intercepted, TlsEnd::Closed)[..] else {
            panic!("one finding")
        };
        assert_eq!((failed.code, failed.severity), (Some(INTERCEPTED), Severity::Unknown));
    }
}
