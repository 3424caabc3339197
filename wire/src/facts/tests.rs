use super::*;

const GOLDEN: &str = r#"{"event":"facts","kernel":"6.12.0","nowAt":"2026-11-23T12:00:00Z","ipForwardV4":true,"interfaces":[{"name":"eth0"},{"name":"vethab12","kind":"veth"}],"kubeProxy":{"mode":"nftables","syncs":[{"family":"IPv4","lastAt":"2026-11-23T11:59:59Z","queuedAt":"2026-11-23T11:59:58Z"}],"failedSyncs":0,"healthy":true},"notKnown":[{"fact":"ipForwardV6","why":"no such file"}]}"#;

fn golden() -> NodeFacts {
    match serde_json::from_str(GOLDEN).unwrap() {
        FactsEvent::Facts(facts) => facts,
        FactsEvent::Unknown => panic!("{GOLDEN}"),
    }
}

#[test]
fn golden_facts_read_back() {
    let facts = golden();
    assert_eq!(facts.kube_proxy.mode, Some(ProxyMode::Nftables));
    assert_eq!(facts.why_not(Fact::IpForwardV6).unwrap().to_string(), "no such file");
    assert_eq!(facts.why_not(Fact::Interfaces), None);
    assert_eq!(serde_json::to_string(&FactsEvent::Facts(facts)).unwrap(), GOLDEN);
}

#[test]
fn a_newer_agent_is_read_by_an_older_plugin() {
    let newer = GOLDEN
        .replace(r#""nftables""#, r#""ebpf""#)
        .replace("IPv4", "IPv8")
        .replace(r#""ipForwardV6""#, r#""moonPhase""#)
        .replace(r#""kernel""#, r#""more":[],"kernel""#);
    let FactsEvent::Facts(facts) = serde_json::from_str(&newer).unwrap() else { panic!("{newer}") };
    assert_eq!(facts.kube_proxy.mode, Some(ProxyMode::Unknown));
    assert_eq!(facts.kube_proxy.syncs[0].family, Some(ProxyFamily::Unknown));
    assert_eq!(facts.not_known[0].fact, Fact::Unknown);
}

#[test]
fn the_request_takes_no_options() {
    assert_eq!(serde_json::to_string(&FactsRequest {}).unwrap(), "{}");
    assert!(serde_json::from_str::<FactsRequest>(r#"{"shell":true}"#).is_err());
}

#[test]
fn only_a_change_after_the_last_sync_waits() {
    let mut sync = golden().kube_proxy.syncs.remove(0);
    let now = golden().now_at;
    assert_eq!(sync.behind_ms(now), None);
    sync.last_at = Some("2026-11-23T11:59:30Z".parse().unwrap());
    assert_eq!(sync.behind_ms(now), Some(2_000));
    sync.last_at = None;
    assert_eq!(sync.behind_ms(now), None);
}
