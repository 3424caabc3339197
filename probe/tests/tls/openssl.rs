//! `openssl s_server`, one a port, with keys made for the test.

use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::wait_for;
use crate::lab::Netns;

/// Servers in one namespace; they end with it.
pub(crate) struct Servers {
    pub(crate) namespace: Netns,
    dir: TempDir,
    running: Vec<Child>,
}

impl Servers {
    pub(crate) fn new() -> Self {
        let servers =
            Self { namespace: Netns::new(), dir: TempDir::new().unwrap(), running: Vec::new() };
        for (kind, arguments) in
            [("rsa", "-newkey rsa:2048"), ("ec", "-newkey ec -pkeyopt ec_paramgen_curve:P-256")]
        {
            let path = |name: &str| servers.path(&format!("{kind}.{name}"));
            servers.run(&format!(
                "req -x509 {arguments} -nodes -keyout {} -out {} -days 30 -subj /CN=shop.test",
                path("key"),
                path("pem")
            ));
        }
        servers
    }

    /// Of this kind of key, with further flags.
    pub(crate) fn start(&mut self, port: u16, kind: &str, flags: &str) {
        let (key, pem) = (self.path(&format!("{kind}.key")), self.path(&format!("{kind}.pem")));
        let line = format!("s_server -accept {port} -quiet -www -key {key} -cert {pem} {flags}");
        let child = self.namespace.enter(|| {
            command(&line).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
        });
        self.running.push(child.unwrap());
        wait_for(&self.namespace, port);
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// To its end.
    pub(crate) fn run(&self, line: &str) {
        let output = command(line).output().unwrap();
        assert!(output.status.success(), "openssl {line}: {output:?}");
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn command(line: &str) -> Command {
    #[expect(clippy::disallowed_methods, reason = "openssl is the server, and the judge")]
    let mut command = Command::new("openssl");
    // Debian's own settings forbid what old servers still do.
    command.args(line.split(' ').filter(|word| !word.is_empty())).env("OPENSSL_CONF", "/dev/null");
    command
}
