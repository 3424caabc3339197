//! `openssl s_server` in a pod's network, with a CA and certificates made for the test.

use std::fs;
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use netdiag_tests::{Netns, Pod, command::command, wait};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tempfile::TempDir;

/// A CA of the test's own.
pub(crate) struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: TempDir,
    made: AtomicUsize,
}

/// From when to when a certificate is valid.
#[derive(Clone, Copy)]
pub(crate) enum Valid {
    Now,
    Before,
}

/// Ends with this value.
pub(crate) struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Ca {
    pub(crate) fn new() -> Result<Self> {
        let mut params = CertificateParams::new([])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "shop-root");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let ca = Self { issuer, dir: TempDir::new()?, made: AtomicUsize::new(0) };
        fs::write(ca.path("ca.crt"), ca.issuer.pem())?;
        Ok(ca)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_string_lossy().into_owned()
    }

    /// Files of a certificate for that name and of its key.
    pub(crate) fn files(&self, name: &str, valid: Valid) -> Result<(String, String)> {
        let mut params = CertificateParams::new([name.to_owned()])?;
        (params.not_before, params.not_after) = match valid {
            Valid::Now => (date_time_ymd(2020, 1, 1), date_time_ymd(2120, 1, 1)),
            Valid::Before => (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1)),
        };
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let serial = self.made.fetch_add(1, Ordering::Relaxed);
        let (chain, key_file) =
            (self.path(&format!("{serial}.crt")), self.path(&format!("{serial}.key")));
        fs::write(&chain, certificate.pem())?;
        fs::write(&key_file, key.serialize_pem())?;
        Ok((chain, key_file))
    }

    /// Serves a certificate for that name on a port of the pod.
    pub(crate) fn serve(&self, pod: &Pod, port: u16, name: &str, valid: Valid) -> Result<Server> {
        self.start(pod, port, self.files(name, valid)?, &[])
    }

    /// Serves these files, with further flags of s_server.
    pub(crate) fn start(
        &self,
        pod: &Pod,
        port: u16,
        (chain, key_file): (String, String),
        flags: &[&str],
    ) -> Result<Server> {
        let netns = Netns::of_pod(pod)?;
        let port_word = port.to_string();
        let child = netns.run(|| {
            let mut server = command("openssl");
            server.args(["s_server", "-quiet", "-www", "-accept", &port_word]);
            server.args(["-cert", &chain, "-key", &key_file, "-alpn", "h2,http/1.1"]);
            server.args(flags);
            let quiet = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            Ok(quiet.spawn()?)
        })?;
        let server = Server(child);
        wait::until("the server listens", Duration::from_secs(10), || {
            netns.run(|| Ok(TcpStream::connect(("127.0.0.1", port)).map(drop)?))
        })?;
        Ok(server)
    }
}
