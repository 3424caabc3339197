//! What front must know of scan: its name, its rights, its events, and how fast it may be.
//!
//! Full speed is for what the caller shows a right over: a pod or node of the cluster, named in the
//! request, by a second token that holds `scan` there, and with the targets' addresses as the API
//! has them. Everything else is held to `limits.scan`.

use std::net::IpAddr;

use http::HeaderMap;
use netdiag_wire::{
    ErrorBody, ErrorCode, Source, Untrusted,
    scan::{Discovery, Scan, ScanEvent, ScanLane, ScanRequest, ScanTarget, targets},
};

use super::{
    Front,
    audit::{RequestFacts, ScanFacts},
    authorize::Right,
    body,
    config::ScanLimits,
    identity::Identity,
    probe::{Probe, Settled},
    source::{self, PodFacts},
    token::Token,
};
use crate::ipc::ProbeOrder;

impl Probe for ScanRequest {
    const NAME: &str = "scan";
    type Event = ScanEvent;

    fn check(&self) -> Result<(), String> {
        Self::check(self)?;
        self.object.as_ref().map_or(Ok(()), |object| {
            source::check_names(object).map_err(|why| why.replacen("source", "object", 1))
        })
    }

    fn further_rights(&self) -> &'static [&'static str] {
        &[]
    }

    fn targets(&self) -> Vec<Untrusted> {
        self.targets.iter().map(|target| target.as_str().into()).collect()
    }

    fn is_known(event: &ScanEvent) -> bool {
        !matches!(event, ScanEvent::Unknown)
    }

    /// Held to nothing at all: [`Self::settle`] decides the lane.
    fn into_order(self) -> ProbeOrder {
        order(self, ScanLane::Held { rate: 0, hosts: 0 })
    }

    async fn settle(
        self,
        front: &Front,
        headers: &HeaderMap,
        facts: &mut RequestFacts,
    ) -> Result<Settled, ErrorBody> {
        let size = Size::of(&self).map_err(|why| body::bad(format!("probe.{why}")))?;
        let has_right = match Token::of_target(headers)? {
            Some(token) => front.may_scan(&self, &token).await?,
            None => false,
        };
        let limits = &front.limits.scan;
        let lane = if has_right { ScanLane::Full } else { held(limits) };
        facts.scan =
            Some(ScanFacts { lane: lane.clone(), addresses: size.addresses, ports: size.ports });
        let slow_lane = match has_right {
            true => None,
            false => {
                size.check(limits)?;
                Some(front.gate.slow_lane().await?)
            }
        };
        Ok(Settled { order: order(self, lane), slow_lane })
    }
}

fn order(request: ScanRequest, lane: ScanLane) -> ProbeOrder {
    ProbeOrder::Scan(Box::new(Scan { request, lane }))
}

fn held(limits: &ScanLimits) -> ScanLane {
    ScanLane::Held { rate: limits.rate.get(), hosts: limits.hosts.get() }
}

impl Front {
    /// Whether the token holds `scan` over the object, and the object has all the targets' addresses.
    async fn may_scan(&self, request: &ScanRequest, token: &Token) -> Result<bool, ErrorBody> {
        // A token is judged even where it could change nothing: a wrong one is never just ignored.
        let who = self.authenticator.identify(token).await?;
        let (Some(object), Some(wanted)) = (&request.object, addresses(request)) else {
            return Ok(false);
        };
        let own = match object {
            Source::Pod { namespace, name, uid } => {
                self.pod_to_scan(&who, namespace, name, uid.as_deref()).await?
            }
            Source::Node { name } => self.node_to_scan(&who, name).await?,
        };
        Ok(wanted.iter().all(|address| own.contains(address)))
    }

    /// Its addresses; none without the right, which is asked for first.
    async fn pod_to_scan(
        &self,
        who: &Identity,
        namespace: &str,
        name: &str,
        uid: Option<&str>,
    ) -> Result<Vec<IpAddr>, ErrorBody> {
        let right = Right::Pod { right: ScanRequest::NAME, namespace, name };
        if !self.authorizer.allows(who, right).await? {
            return Ok(Vec::new());
        }
        let Some(pod) = self.api.pod(namespace, name).await? else { return Ok(Vec::new()) };
        if uid.is_some_and(|uid| pod.metadata.uid.as_deref() != Some(uid)) {
            return Ok(Vec::new());
        }
        let spec = pod.spec.as_ref();
        let node = spec.and_then(|spec| spec.node_name.as_deref()).unwrap_or_default();
        // Such a pod's addresses are its node's.
        let is_hosted = spec.and_then(|spec| spec.host_network).unwrap_or(false);
        let right = Right::Node { right: ScanRequest::NAME, name: node };
        if is_hosted && !self.authorizer.allows(who, right).await? {
            return Ok(Vec::new());
        }
        Ok(PodFacts::live_addresses(&pod))
    }

    async fn node_to_scan(&self, who: &Identity, name: &str) -> Result<Vec<IpAddr>, ErrorBody> {
        let right = Right::Node { right: ScanRequest::NAME, name };
        if !self.authorizer.allows(who, right).await? {
            return Ok(Vec::new());
        }
        let node = self.api.node(name).await?.unwrap_or_default();
        let addresses = node.status.and_then(|status| status.addresses).unwrap_or_default();
        let is_own = |kind: &str| matches!(kind, "InternalIP" | "ExternalIP");
        let own = addresses.iter().filter(|address| is_own(&address.type_));
        Ok(own.filter_map(|address| address.address.parse().ok()).collect())
    }
}

/// None with a name among them: what it will be resolved to is nobody's word yet.
fn addresses(request: &ScanRequest) -> Option<Vec<IpAddr>> {
    let targets = targets(&request.targets, &request.exclude).ok()?;
    let address = |target| match target {
        ScanTarget::Address(address) => Some(address),
        ScanTarget::Name(_) => None,
    };
    targets.into_iter().map(address).collect()
}

/// How much is asked.
struct Size {
    /// Names count as the one address that they resolve to.
    addresses: usize,
    /// Of each address.
    ports: usize,
    /// Ports are asked only of addresses where somebody is.
    discovers: bool,
    /// What the ports are of, in the words of the refusal.
    what: String,
}

impl Size {
    fn of(request: &ScanRequest) -> Result<Self, String> {
        let found = targets(&request.targets, &request.exclude)?;
        let addresses = found.len();
        let discovers = match request.discovery {
            Discovery::Auto => addresses > 1,
            Discovery::Always => true,
            Discovery::Never => false,
        };
        let what = match (&request.object, &found[..]) {
            (Some(Source::Pod { namespace, name, .. }), _) => {
                format!("pod {namespace}/{name}, over which you show no right scan")
            }
            (Some(Source::Node { name }), _) => {
                format!("node {name}, over which you show no right scan")
            }
            (None, [ScanTarget::Address(_)]) => "a bare address".into(),
            (None, [ScanTarget::Name(_)]) => "a name".into(),
            (None, _) => format!("each of {} addresses", with_commas(addresses)),
        };
        Ok(Self { addresses, ports: request.tcp.len() + request.udp.len(), discovers, what })
    }

    /// 422 with the bound and the chart's value, where one is passed.
    fn check(&self, limits: &ScanLimits) -> Result<(), ErrorBody> {
        let Self { addresses, ports, what, .. } = self;
        let beyond = |what: String, limit: u32, value: &str| {
            let limit = with_commas(limit as usize);
            let message = format!("{what}: the limit is {limit} (chart: limits.scan.{value})");
            Err(ErrorBody::new(ErrorCode::LimitExceeded, message))
        };
        let asks_all = *ports > 0 && !self.discovers;
        if *ports > limits.ports.get() as usize {
            let what = format!("{} ports of {what}", with_commas(*ports));
            return beyond(what, limits.ports.get(), "ports");
        }
        if asks_all && *addresses > limits.hosts.get() as usize {
            let what = format!("ports of {} addresses", with_commas(*addresses));
            return beyond(what, limits.hosts.get(), "hosts");
        }
        if *addresses > limits.discovery.get() as usize {
            let what = format!("{} addresses", with_commas(*addresses));
            return beyond(what, limits.discovery.get(), "discovery");
        }
        Ok(())
    }
}

fn with_commas(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    groups.iter().map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(request: &ScanRequest) -> Option<String> {
        let limits = ScanLimits::of_the_chart();
        Size::of(request).unwrap().check(&limits).err().map(|body| body.message.to_string())
    }

    fn scan(target: &str, ports: &str) -> ScanRequest {
        let ports = if ports.is_empty() { Default::default() } else { ports.parse().unwrap() };
        ScanRequest::to(target, ports)
    }

    #[test]
    fn the_slow_lane_has_bounds_that_are_named() {
        for (target, ports, said) in [
            ("10.0.0.1", "1-1024", None),
            (
                "10.0.0.1",
                "-",
                Some(
                    "65,535 ports of a bare address: the limit is 1,024 (chart: limits.scan.ports)",
                ),
            ),
            (
                "web",
                "1-1025",
                Some("1,025 ports of a name: the limit is 1,024 (chart: limits.scan.ports)"),
            ),
            ("10.0.0.0/22", "80", None),
            (
                "10.0.0.0/28",
                "1-1025",
                Some(
                    "1,025 ports of each of 14 addresses: the limit is 1,024 (chart: limits.scan.ports)",
                ),
            ),
            ("10.0.0.0/22", "", None),
            (
                "10.0.0.0/21",
                "",
                Some("2,046 addresses: the limit is 1,024 (chart: limits.scan.discovery)"),
            ),
            (
                "10.0.0.0/16",
                "80",
                Some("65,534 addresses: the limit is 1,024 (chart: limits.scan.discovery)"),
            ),
        ] {
            assert_eq!(refusal(&scan(target, ports)).as_deref(), said, "{target} {ports}");
        }
    }

    #[test]
    fn without_discovery_every_address_is_a_host() {
        let never = |target| ScanRequest { discovery: Discovery::Never, ..scan(target, "80") };
        assert_eq!(refusal(&never("10.0.0.0/28")), None);
        let said = "ports of 30 addresses: the limit is 16 (chart: limits.scan.hosts)";
        assert_eq!(refusal(&never("10.0.0.0/27")).as_deref(), Some(said));
    }

    #[test]
    fn both_protocols_count() {
        let both = ScanRequest { udp: "1-1000".parse().unwrap(), ..scan("10.0.0.1", "1-1000") };
        assert!(refusal(&both).unwrap().starts_with("2,000 ports of a bare address"));
    }

    #[test]
    fn a_name_is_nobodys_address_yet() {
        assert_eq!(addresses(&scan("web", "80")), None);
        assert_eq!(addresses(&scan("10.0.0.1/32", "80")), Some(vec![[10, 0, 0, 1].into()]));
    }
}
