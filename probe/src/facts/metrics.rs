//! The few of kube-proxy's metrics that say when it last wrote its rules
//! (Prometheus text exposition format 0.0.4; `pkg/proxy/metrics/metrics.go`).

use jiff::Timestamp;
use netdiag_wire::facts::{ProxyFamily, ProxySync};

const LAST: &str = "kubeproxy_sync_proxy_rules_last_timestamp_seconds";
const QUEUED: &str = "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds";
/// Of iptables and of nftables.
const FAILED: [&str; 2] = [
    "kubeproxy_sync_proxy_rules_iptables_restore_failures_total",
    "kubeproxy_sync_proxy_rules_nftables_sync_failures_total",
];

/// One line of them.
struct Sample<'a> {
    name: &'a str,
    family: Option<ProxyFamily>,
    value: f64,
}

/// Families in the order that they come in, and the failures of all of them together.
pub(super) fn read(text: &str) -> (Vec<ProxySync>, Option<u64>) {
    let mut syncs: Vec<ProxySync> = Vec::new();
    let mut failed = None;
    for Sample { name, family, value } in text.lines().filter_map(sample) {
        if FAILED.contains(&name) {
            failed = Some(failed.unwrap_or(0) + value as u64);
        }
        if name != LAST && name != QUEUED {
            continue;
        }
        let at = syncs.iter().position(|sync| sync.family == family).unwrap_or_else(|| {
            syncs.push(ProxySync { family, last_at: None, queued_at: None });
            syncs.len() - 1
        });
        let sync = &mut syncs[at];
        let field = if name == LAST { &mut sync.last_at } else { &mut sync.queued_at };
        *field = timestamp(value);
    }
    (syncs, failed)
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let (series, value) = line.trim_end().rsplit_once(' ')?;
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    if !name.starts_with("kubeproxy_sync_proxy_rules_") {
        return None;
    }
    let family = labels.split_once("ip_family=\"").map(|(_, rest)| match rest.split('"').next() {
        Some("IPv4") => ProxyFamily::V4,
        Some("IPv6") => ProxyFamily::V6,
        Some(_) | None => ProxyFamily::Unknown,
    });
    Some(Sample { name, family, value: value.parse().ok()? })
}

/// 0 is never.
fn timestamp(seconds: f64) -> Option<Timestamp> {
    let at = Timestamp::from_millisecond((seconds * 1_000.0) as i64).ok()?;
    (seconds > 0.0).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From kube-proxy 1.36.3 in iptables mode.
    const BY_FAMILY: &str = "\
# HELP kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds [ALPHA] The last time
# TYPE kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds gauge
kubeproxy_sync_proxy_rules_iptables_restore_failures_total{ip_family=\"IPv4\"} 2
kubeproxy_sync_proxy_rules_iptables_restore_failures_total{ip_family=\"IPv6\"} 1
kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family=\"IPv4\"} 1.7954355967241962e+09
kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family=\"IPv6\"} 1.7954355957464516e+09
kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv4\"} 1.7954355970738602e+09
kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv6\"} 0
";

    #[test]
    fn families_are_told_apart_and_zero_is_never() {
        let (syncs, failed) = read(BY_FAMILY);
        let [v4, v6] = &syncs[..] else { panic!("{syncs:?}") };
        assert_eq!((v4.family, v6.family), (Some(ProxyFamily::V4), Some(ProxyFamily::V6)));
        assert_eq!(v4.last_at.unwrap().to_string(), "2026-11-23T12:06:37.073Z");
        assert_eq!(v4.queued_at.unwrap().to_string(), "2026-11-23T12:06:36.724Z");
        assert_eq!((v6.last_at, v6.queued_at.is_some(), failed), (None, true, Some(3)));
    }

    #[test]
    fn an_older_kube_proxy_has_no_families() {
        let (syncs, failed) = read(&format!("{LAST} 1.7e+09\n{QUEUED} 1.7e+09\n"));
        assert_eq!((syncs.len(), syncs[0].family, failed), (1, None, None));
        assert!(syncs[0].last_at == syncs[0].queued_at && syncs[0].last_at.is_some());
    }

    #[test]
    fn whatever_else_answers_there_says_nothing() {
        for text in [
            "",
            "<html>",
            "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
            "kubeproxy_sync_proxy_rules_last_timestamp_seconds x",
            "kubeproxy_sync_proxy_rules_last_timestamp_seconds_more 1",
            "go_goroutines 7",
        ] {
            assert_eq!(read(text), (vec![], None), "{text}");
        }
        for value in ["NaN", "-1", "1e300", "inf"] {
            let (syncs, _) = read(&format!("{LAST}{{ip_family=\"\u{1b}\"}} {value}"));
            assert_eq!((syncs[0].family, syncs[0].last_at), (Some(ProxyFamily::Unknown), None));
        }
    }
}
