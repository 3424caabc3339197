//! The part of `-o json`: each endpoint with what it answered.

use std::{collections::BTreeMap, net::IpAddr};

use netdiag_wire::ping::PingReport;
use serde::Serialize;

use super::Carrier;
use super::{
    backends::{Endpoint, ServicePort},
    doors::Door,
    probes::{Measured, Plan, Tally},
};
use crate::{data_plane::DataPlane, finding::Severity};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceReport<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_plane: Option<&'a DataPlane>,
    ports: Vec<PortReport<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    doors: Vec<DoorReport<'a>>,
    endpoints: Vec<EndpointReport<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PortReport<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    port: u16,
    target_port: &'a str,
    /// Through the Service's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<TallyReport>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EndpointReport<'a> {
    #[serde(flatten)]
    endpoint: &'a Endpoint,
    verdict: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    echo: Option<&'a PingReport>,
    asked: Vec<AskedReport<'a>>,
}

/// A node port, a load balancer's or an external address.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DoorReport<'a> {
    #[serde(flatten)]
    door: &'a Door,
    asked: Vec<AskedReport<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AskedReport<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(flatten)]
    tally: TallyReport,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TallyReport {
    tried: usize,
    well: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    median_us: Option<u64>,
    /// By the outcome's word.
    ill: BTreeMap<&'static str, usize>,
}

impl<'a> ServiceReport<'a> {
    pub(super) fn of(
        all: &'a [Endpoint],
        plan: &'a Plan,
        carrier: &'a Carrier,
        measured: &'a Measured,
    ) -> Self {
        let ports = plan.ports.iter().enumerate();
        let ports = ports.map(|(at, port)| {
            let through = measured.ports.get(at).map(|answers| &answers.through);
            PortReport {
                name: port.name(),
                port: port.declared.number,
                target_port: &port.target,
                through: through.filter(|tally| tally.tries() > 0).map(TallyReport::of),
            }
        });
        let endpoints = all.iter().map(|endpoint| EndpointReport::of(endpoint, plan, measured));
        Self {
            address: plan.address,
            data_plane: carrier.plane.as_ref(),
            ports: ports.collect(),
            doors: plan
                .doors
                .iter()
                .enumerate()
                .map(|it| DoorReport::of(it, plan, measured))
                .collect(),
            endpoints: endpoints.collect(),
        }
    }
}

impl<'a> DoorReport<'a> {
    fn of((at, door): (usize, &'a Door), plan: &'a Plan, measured: &'a Measured) -> Self {
        let ports = plan.ports.iter().zip(&measured.ports);
        let asked = ports.filter_map(|(port, answers)| {
            let tally = answers.doors.get(at).filter(|tally| tally.tries() > 0)?;
            Some(AskedReport { name: port.name(), tally: TallyReport::of(tally) })
        });
        Self { door, asked: asked.collect() }
    }
}

impl<'a> EndpointReport<'a> {
    fn of(endpoint: &'a Endpoint, plan: &'a Plan, measured: &'a Measured) -> Self {
        let at = plan.endpoints.iter().position(|asked| asked == endpoint);
        let of_port = |(port, answers): (&'a ServicePort, &'a super::Answers)| {
            let tally = answers.endpoints.get(at?).filter(|tally| tally.tries() > 0)?;
            Some((port.name(), tally))
        };
        let asked: Vec<_> = plan.ports.iter().zip(&measured.ports).filter_map(of_port).collect();
        let verdict = match () {
            () if asked.is_empty() => Severity::Unknown,
            () if asked.iter().any(|(_, tally)| tally.is_dead()) => Severity::Fail,
            () if endpoint.ready && asked.iter().all(|(_, tally)| tally.is_well()) => Severity::Ok,
            () => Severity::Warn,
        };
        let asked = asked
            .into_iter()
            .map(|(name, tally)| AskedReport { name, tally: TallyReport::of(tally) });
        let echo = at.and_then(|at| measured.echoes.get(at));
        Self { endpoint, verdict, echo, asked: asked.collect() }
    }
}

impl TallyReport {
    fn of(tally: &Tally) -> Self {
        let ill = tally.ill().into_iter();
        let ill = ill.map(|(count, attempt)| (attempt.outcome.word(), count));
        Self {
            tried: tally.tries(),
            well: tally.well(),
            median_us: tally.median_us(),
            ill: ill.collect(),
        }
    }
}
