//! `--cert` and `--key`: a client's key stays where the plugin runs, and of the source a connection
//! is all that is asked.

use anyhow::Result;
use netdiag_tests::{Pair, Run, turn};

use crate::server::{Ca, Server, Valid};

/// A pod that serves clients of this CA alone, and an account that may connect and nothing else.
struct Place {
    pair: Pair,
    ca: Ca,
    _server: Server,
}

impl Place {
    fn new() -> Result<Self> {
        let (pair, ca) = (Pair::start()?, Ca::new()?);
        let (own, root) = (ca.files("shop.test", Valid::Now)?, ca.path("ca.crt"));
        let strict = ["-verifyCAfile", &root, "-Verify", "2", "-verify_return_error"];
        let server = ca.start(&pair.server, 8443, own, &strict)?;
        let place = pair.cluster.namespace();
        pair.cluster.kubectl(["create", "serviceaccount", "guest", "-n", place])?;
        let (role, account) =
            ("--clusterrole=netdiag-pods-connect", format!("--serviceaccount={place}:guest"));
        pair.cluster.kubectl(["create", "rolebinding", "g", "-n", place, role, &account])?;
        Ok(Self { pair, ca, _server: server })
    }

    fn ask(&self, command: &str, files: &(String, String), more: &str) -> Result<Run> {
        let (place, (certificate, key)) = (self.pair.cluster.namespace(), files);
        let root = self.ca.path("ca.crt");
        self.pair.from_client(&format!(
            "{command} --cacert {root} --cert {certificate} --key {key} \
             --service-account {place}/guest {more}"
        ))
    }
}

#[test]
#[ignore = "needs a cluster: serves clients that show a certificate"]
fn tls_shows_a_client_by_a_key_that_stays_here() -> Result<()> {
    let _turn = turn::share();
    let place = Place::new()?;
    let line = format!("tls {}:8443 --servername shop.test", place.pair.server.target());
    let own = place.ca.files("client.test", Valid::Now)?;
    let run = place.ask(&line, &own, "")?.exits(0);
    println!("{}", run.stdout);
    let run = run.says("a client certificate asked for and sent").says("the key stays here");
    let _ = run.says("\nOK       strict clients accept it");
    let secret = std::fs::read_to_string(&own.1)?;
    let middle = secret.lines().nth(1).unwrap_or_default();
    let run = place.ask(&line, &own, "-o json")?.exits(0);
    assert!(middle.len() > 40 && !run.stdout.contains(middle), "{}", run.stdout);

    let foreign = Ca::new()?;
    let run = place.ask(&line, &foreign.files("client.test", Valid::Now)?, "")?.exits(1);
    println!("{}", run.stdout);
    let _ = run.says("\nFAIL     ND0738  ");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: serves clients that show a certificate"]
fn http_shows_a_client_by_a_key_that_stays_here() -> Result<()> {
    let _turn = turn::share();
    let place = Place::new()?;
    let to = format!(
        "http https://shop.test:8443/ --http1.1 --connect-to ::{}:8443",
        place.pair.server.ip()
    );
    let own = place.ca.files("client.test", Valid::Now)?;
    let run = place.ask(&to, &own, "--body")?.exits(0);
    // What `openssl s_server -www` tells of its client.
    assert!(
        run.stdout.contains("CN=client.test") || run.stdout.contains("CN = client.test"),
        "{}",
        run.stdout
    );
    assert!(run.stderr.contains("\nOK       answered: 200 "), "{}", run.stderr);
    let run = place.ask(&to, &Ca::new()?.files("client.test", Valid::Now)?, "")?.exits(1);
    println!("{}", run.stdout);
    let _ = run.says("\nFAIL     ND0738  ");
    // Without the key the source would make the handshake, which is another right.
    let line = format!("{to} --service-account {}/guest", place.pair.cluster.namespace());
    let run = place.pair.from_client(&line)?.exits(2);
    assert!(run.stderr.contains("not allowed: http from pods in "), "{}", run.stderr);
    Ok(())
}
