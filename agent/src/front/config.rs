//! What front is told at start: the chart's flags and the names of its own pod (downward API).

use std::{
    net::{IpAddr, SocketAddr},
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use netdiag_wire::{AGENT_PORT, AUDIENCE_PREFIX};

use crate::ipc::SOCKET;

/// Arguments of `netdiag-agent front`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The node that this agent serves
    #[arg(long, env = "NODE_NAME")]
    pub node_name: String,
    /// The agent's own pod
    #[arg(long, env = "POD_NAME")]
    pub pod_name: String,
    /// UID of the agent's own pod; tokens name it as their audience
    #[arg(long, env = "POD_UID")]
    pub pod_uid: String,
    #[command(flatten)]
    pub api: ApiArgs,
    /// Unix socket of the broker
    #[arg(long, default_value = SOCKET)]
    pub broker_socket: PathBuf,
    /// Where to listen; a loopback address, reached by port-forward
    #[arg(long, default_value_t = SocketAddr::from(([127, 0, 0, 1], AGENT_PORT)), value_parser = loopback)]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub limits: Limits,
    /// What is logged on stderr, as tracing's filters have it
    #[arg(long, env = "NETDIAG_LOG", default_value = "info")]
    pub log: String,
}

impl Args {
    /// The only audience whose tokens this agent accepts.
    pub(crate) fn audience(&self) -> String {
        format!("{AUDIENCE_PREFIX}{}", self.pod_uid)
    }
}

/// Where the API server is and who the agent is to it.
#[derive(Clone, Debug, clap::Args)]
pub struct ApiArgs {
    /// The API server as ADDRESS:PORT, tried before the address of its Service
    #[arg(long)]
    pub api_server: Option<SocketAddr>,
    /// Set by kubelet
    #[arg(long, env = "KUBERNETES_SERVICE_HOST", hide = true)]
    pub service_host: Option<IpAddr>,
    /// Set by kubelet
    #[arg(long, env = "KUBERNETES_SERVICE_PORT", hide = true, default_value_t = 443)]
    pub service_port: u16,
    /// Directory of the agent's API token and the cluster's CA
    #[arg(long, default_value = "/var/run/secrets/kubernetes.io/serviceaccount")]
    pub token_dir: PathBuf,
}

impl ApiArgs {
    /// The addresses known before the API server was ever reached, the chart's first.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let service = self.service_host.map(|host| SocketAddr::new(host, self.service_port));
        self.api_server.into_iter().chain(service).collect()
    }
}

/// How much may run at once, and for how long.
#[derive(Clone, Debug, clap::Args)]
pub struct Limits {
    #[command(flatten)]
    pub scan: ScanLimits,
    /// Probes of this agent that may run at once
    #[arg(long, default_value = "50")]
    pub max_running: NonZeroUsize,
    /// Probes of one token that may run at once
    #[arg(long, default_value = "8")]
    pub max_per_token: NonZeroUsize,
    /// Probes of one ServiceAccount that may run at once
    #[arg(long, default_value = "32")]
    pub max_per_account: NonZeroUsize,
    /// Requests a second of one ServiceAccount
    #[arg(long, default_value = "20")]
    pub rate: NonZeroU32,
    /// Requests of one ServiceAccount that may come at once
    #[arg(long, default_value = "60")]
    pub burst: NonZeroU32,
    /// Longest time that a probe may run, as 90s, 30m or 1h
    #[arg(long, default_value = "1h", value_parser = duration)]
    pub max_duration: Duration,
}

/// What holds a scan whose target the caller has shown no right over; `limits.scan` of the chart.
#[derive(Clone, Debug, clap::Args)]
pub struct ScanLimits {
    /// Ports of each address of a scan whose caller shows no right over the target
    #[arg(id = "scan_ports", long = "scan-ports", default_value = "1024", value_name = "N")]
    pub ports: NonZeroU32,
    /// Hosts whose ports such a scan asks
    #[arg(id = "scan_hosts", long = "scan-hosts", default_value = "16", value_name = "N")]
    pub hosts: NonZeroU32,
    /// Addresses of which such a scan finds out whether anybody is there
    #[arg(
        id = "scan_discovery",
        long = "scan-discovery",
        default_value = "1024",
        value_name = "N"
    )]
    pub discovery: NonZeroU32,
    /// Probes a second of such a scan; one at a time has this rate to itself
    #[arg(id = "scan_rate", long = "scan-rate", default_value = "200", value_name = "N")]
    pub rate: NonZeroU32,
}

#[cfg(test)]
impl ScanLimits {
    /// Its defaults.
    pub(crate) fn of_the_chart() -> Self {
        let [ports, hosts, discovery, rate] =
            [1_024, 16, 1_024, 200].map(|n| NonZeroU32::new(n).unwrap());
        Self { ports, hosts, discovery, rate }
    }
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "must be ADDRESS:PORT".to_owned())?;
    match address.ip().is_loopback() {
        true => Ok(address),
        false => {
            Err("must be a loopback address: nothing may reach the agent but a port-forward".into())
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let signed: jiff::SignedDuration = text.parse().map_err(|e: jiff::Error| e.to_string())?;
    match Duration::try_from(signed) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("must be more than nothing".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_listened_on() {
        assert!(loopback("127.0.0.1:9443").is_ok() && loopback("[::1]:9443").is_ok());
        for refused in ["0.0.0.0:9443", "10.244.1.3:9443", "[::]:9443", "localhost:9443"] {
            assert!(loopback(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn durations_are_written_as_kubernetes_does() {
        assert_eq!(duration("1h"), Ok(Duration::from_secs(3600)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        for refused in ["0s", "-1s", "soon", "1"] {
            assert!(duration(refused).is_err(), "{refused}");
        }
    }
}
