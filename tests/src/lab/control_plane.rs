//! etcd, the API server, the controllers and the scheduler, in the underlay's namespace.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::pki::{self, Authority};
use super::settings::Settings;
use super::{addresses as plan, daemon, kubeconfig, network, state};
use crate::command::run;
use crate::parts::Parts;
use crate::wait;

/// Who called TokenReview and TokenRequest, for the tests that count them.
const AUDIT_POLICY: &str = include_str!("../../cluster/manifests/audit-policy.yaml");

/// Starts everything and waits until the API server is ready.
pub fn start(
    settings: &Settings,
    parts: &Parts,
    authority: &Authority,
    group: &Path,
) -> Result<()> {
    let control_plane = ControlPlane { settings, parts, group };
    control_plane.etcd()?;
    control_plane.api_server(authority)?;
    control_plane.clients(authority)?;
    wait::until("the API server is ready", Duration::from_secs(60), || {
        kubectl(parts, &["get", "--raw", "/readyz"])
    })
    .with_context(|| daemon::last_words("kube-apiserver"))?;
    // Pods are refused until their namespace has its ServiceAccount.
    wait::until("the default ServiceAccount exists", Duration::from_secs(30), || {
        kubectl(parts, &["get", "serviceaccount", "default"])
    })?;
    Ok(())
}

/// Runs kubectl as the cluster's administrator.
pub fn kubectl(parts: &Parts, args: &[&str]) -> Result<String> {
    let kubeconfig = format!("--kubeconfig={}", state::kubeconfig().display());
    run(parts.program("kubectl"), [&[kubeconfig.as_str()], args].concat())
}

struct ControlPlane<'a> {
    settings: &'a Settings,
    parts: &'a Parts,
    group: &'a Path,
}

impl ControlPlane<'_> {
    fn etcd(&self) -> Result<()> {
        let data = state::root().join("etcd");
        self.spawn(
            "etcd",
            "server",
            vec![
                format!("--data-dir={}", data.display()),
                "--listen-client-urls=http://127.0.0.1:2379".into(),
                "--advertise-client-urls=http://127.0.0.1:2379".into(),
                "--listen-peer-urls=http://127.0.0.1:2380".into(),
                "--initial-advertise-peer-urls=http://127.0.0.1:2380".into(),
                "--initial-cluster=default=http://127.0.0.1:2380".into(),
                // A test cluster that loses power starts anew.
                "--unsafe-no-fsync".into(),
            ],
        )
    }

    fn api_server(&self, authority: &Authority) -> Result<()> {
        let serving = authority.api_server()?;
        let kubelet =
            authority.client("kubelet-client", "kube-apiserver", Some("system:masters"))?;
        let (signing, verifying) = pki::service_account_keys()?;
        let ca = pki::ca_path();
        let policy = state::root().join("audit-policy.yaml");
        state::write(&policy, AUDIT_POLICY)?;
        let files: [(&str, &Path); 9] = [
            ("tls-cert-file", &serving.certificate),
            ("tls-private-key-file", &serving.key),
            ("client-ca-file", &ca),
            ("kubelet-certificate-authority", &ca),
            ("kubelet-client-certificate", &kubelet.certificate),
            ("kubelet-client-key", &kubelet.key),
            ("service-account-key-file", &verifying),
            ("service-account-signing-key-file", &signing),
            ("audit-policy-file", &policy),
        ];
        let mut args: Vec<String> =
            files.iter().map(|(flag, path)| format!("--{flag}={}", path.display())).collect();
        args.extend([
            "--etcd-servers=http://127.0.0.1:2379".into(),
            format!("--advertise-address={}", plan::CONTROL),
            format!(
                "--service-cluster-ip-range={}",
                self.settings.join(plan::SERVICES, plan::SERVICES_V6)
            ),
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local".into(),
            "--authorization-mode=Node,RBAC".into(),
            "--enable-admission-plugins=NodeRestriction".into(),
            "--allow-privileged=true".into(),
            "--kubelet-preferred-address-types=InternalIP".into(),
            format!("--audit-log-path={}", state::audit_log().display()),
        ]);
        self.spawn("kube-apiserver", "kube-apiserver", args)
    }

    /// The controllers, the scheduler and the administrator's kubeconfig.
    fn clients(&self, authority: &Authority) -> Result<()> {
        let admin = authority.client("admin", "admin", Some("system:masters"))?;
        kubeconfig::write(&state::kubeconfig(), "admin", &admin)?;
        let controllers = self.client(authority, "kube-controller-manager")?;
        self.spawn(
            "kube-controller-manager",
            "kube-controller-manager",
            vec![
                format!("--kubeconfig={}", controllers.display()),
                format!("--root-ca-file={}", pki::ca_path().display()),
                format!(
                    "--service-account-private-key-file={}",
                    pki::service_account_key().display()
                ),
                format!("--cluster-signing-cert-file={}", pki::ca_path().display()),
                format!("--cluster-signing-key-file={}", pki::ca_key_path().display()),
                "--use-service-account-credentials=true".into(),
                "--leader-elect=false".into(),
            ],
        )?;
        let scheduler = self.client(authority, "kube-scheduler")?;
        self.spawn(
            "kube-scheduler",
            "kube-scheduler",
            vec![format!("--kubeconfig={}", scheduler.display()), "--leader-elect=false".into()],
        )
    }

    fn client(&self, authority: &Authority, name: &str) -> Result<PathBuf> {
        let pair = authority.client(name, &format!("system:{name}"), None)?;
        let path = state::root().join(format!("{name}.kubeconfig"));
        kubeconfig::write(&path, name, &pair)?;
        Ok(path)
    }

    fn spawn(&self, name: &str, program: &str, args: Vec<String>) -> Result<()> {
        let net = format!("--net={}", network::file(network::CONTROL).display());
        let program = self.parts.program(program).into_os_string();
        let words = ["nsenter".into(), net.into(), program]
            .into_iter()
            .chain(args.into_iter().map(Into::into));
        daemon::spawn(name, self.group, words).map(drop)
    }
}
