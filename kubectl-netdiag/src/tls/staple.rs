//! The verdict on an OCSP response that came with a handshake.

use crate::{
    certificates::{Checked, Moment, Staple, Status, Useless},
    code::certificates as code,
    finding::{Finding, Label, Severity},
};

/// Nothing where it says that all is well.
pub(super) fn judge(staple: &Result<Staple, Useless>, now: Moment) -> Option<Finding> {
    let staple = match staple {
        Ok(staple) => staple,
        Err(why) => return Some(useless(&why.to_string())),
    };
    let is_old = staple.next_update.is_some_and(|until| until < now);
    match (staple.signed, staple.status) {
        (Checked::Bad, _) => Some(useless("it is not signed by the certificate's CA")),
        (Checked::Good, Status::Revoked { at, reason }) => Some(revoked(at, reason)),
        (Checked::Unknown, Status::Revoked { at, reason }) => {
            let note = "its signature cannot be checked: the CA's certificate is not in the chain";
            Some(revoked(at, reason).with(Label::Note(note.into())))
        }
        (_, Status::Unknown) => Some(useless("the CA does not know the certificate")),
        (_, Status::Good) if is_old => {
            let until = staple.next_update.map(|until| until.to_string()).unwrap_or_default();
            Some(useless(&format!("it has expired ({until} UTC)")))
        }
        (_, Status::Good) if staple.this_update > now => {
            Some(useless(&format!("it counts only from {} UTC on", staple.this_update)))
        }
        (_, Status::Good) => None,
    }
}

fn revoked(at: Moment, reason: Option<&str>) -> Finding {
    let reason = reason.map(|reason| format!(", {reason}")).unwrap_or_default();
    let summary = format!("the CA has revoked the certificate ({at} UTC{reason})");
    let means = "Firefox and clients that look at staples refuse; curl and Go do not look unless \
                 told to";
    Finding::new(Severity::Fail, code::REVOKED, summary).with(Label::Means(means.into()))
}

fn useless(why: &str) -> Finding {
    let summary = format!("the OCSP response that is stapled does not count: {why}");
    let means = "Firefox and clients that look at staples may refuse; curl and Go go on";
    Finding::new(Severity::Warn, code::BAD_STAPLE, summary).with(Label::Means(means.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_795_400_000);

    fn judged(status: Status, signed: Checked, until: Option<i64>) -> Option<String> {
        let next_update = until.map(|until| Moment(NOW.0 + until));
        let staple = Staple { status, this_update: Moment(NOW.0 - 60), next_update, signed };
        judge(&Ok(staple), NOW).map(|finding| finding.summary)
    }

    #[test]
    fn a_staple_counts_while_it_is_fresh_and_signed() {
        assert_eq!(judged(Status::Good, Checked::Good, Some(1)), None);
        assert_eq!(judged(Status::Good, Checked::Good, None), None);
        assert_eq!(judged(Status::Good, Checked::Unknown, Some(1)), None);
        let not =
            |why: &str| Some(format!("the OCSP response that is stapled does not count: {why}"));
        let old = judged(Status::Good, Checked::Good, Some(-1));
        assert_eq!(old, not("it has expired (2026-11-23 02:13:19 UTC)"));
        let at = Moment(NOW.0 - 86_400);
        let revoked = Status::Revoked { at, reason: Some("keyCompromise") };
        let forged = judged(revoked, Checked::Bad, Some(1));
        assert_eq!(forged, not("it is not signed by the certificate's CA"));
        assert_eq!(
            judged(revoked, Checked::Good, Some(-1)),
            Some(
                "the CA has revoked the certificate (2026-11-22 02:13:20 UTC, keyCompromise)"
                    .into()
            )
        );
    }
}
