//! Packets to the DNS that a policy forbids.

use anyhow::Result;
use netdiag_tests::{Pair, lab::addresses, turn};

use crate::lookup::{dns, policed};

#[test]
#[ignore = "needs a cluster: forbids a pod its DNS"]
fn a_default_deny_on_the_source_is_silence() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    policed(&pair, "policyTypes: [Egress]")?;
    let name = "kubernetes.default.svc.cluster.local";
    let run = dns(&pair, &format!("{name}."))?.exits(1);
    println!("{}", run.stdout);
    let _ = run.says("silence").says("\nFAIL     ND0502  ");
    let named = dns(&pair, &format!("{name} @{} +time=1 +tries=2", addresses::CLUSTER_DNS))?;
    println!("{}", named.stdout);
    let _ = named.exits(1).says("\nFAIL     ND0502  ");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: forbids a pod its DNS over UDP"]
fn udp_alone_may_be_broken() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    policed(&pair, "policyTypes: [Egress], egress: [{ports: [{protocol: TCP}]}]")?;
    let words = format!("kubernetes.default.svc.cluster.local @{}", addresses::CLUSTER_DNS);
    let _ = dns(&pair, &format!("{words} +time=1 +tries=1"))?.exits(1);
    let run = dns(&pair, &format!("{words} +tcp +time=2"))?.exits(0);
    println!("{}", run.stdout);
    let _ = run.says("(TCP)");
    Ok(())
}
