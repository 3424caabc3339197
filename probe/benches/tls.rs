//! `make bench`: the TLS engine beside openssl and nmap, each as a process of its own, against the
//! same server in the same run.
//!
//! Each round runs both, so that a busy moment of the machine hits both alike.

#[path = "tls/once.rs"]
mod once;
#[path = "../../tests/benches/ping/samples.rs"]
mod samples;

use std::{
    env,
    error::Error,
    ffi::OsStr,
    io::{self, BufRead, BufReader, Write},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use samples::Samples;
use tempfile::TempDir;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROUNDS: usize = 40;
/// nmap takes seconds for one.
const SCAN_ROUNDS: usize = 5;

/// `openssl s_server`, ended on drop.
struct Server {
    child: Child,
    port: String,
    keys: TempDir,
}

fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip_while(|word| word != "once").collect();
    if let [_, port, what, ..] = &words[..] {
        return once::run(port.parse()?, what == "scan");
    }
    show("| TLS on loopback, each a process | median (middle half) of runs | beside it | goal |")?;
    show("| --- | --- | --- | --- |")?;
    for version in ["-tls1_3", "-tls1_2"] {
        let server = Server::start(version)?;
        let what = format!("handshake and report, s_server {version}");
        // It trusts this one CA, or most of its time would be the reading of the system's.
        let client = format!(
            "openssl s_client -showcerts -CAfile {} -no-CApath -no-CAstore -connect 127.0.0.1:{}",
            server.keys.path().join("cert.pem").display(),
            server.port
        );
        beside(&server, (&what, "shake"), &client, (ROUNDS, "at most 1 x its time"))?;
    }
    let server = Server::start("-cipher ALL:@SECLEVEL=0")?;
    let nmap = "nmap -n -Pn --script ssl-enum-ciphers 127.0.0.1 -p";
    let nmap = format!("{nmap} {}", server.port);
    beside(&server, ("every version and suite", "scan"), &nmap, (SCAN_ROUNDS, "at most 0.2 x"))
}

fn show(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}

fn beside(
    server: &Server,
    (what, ours): (&str, &str),
    peer: &str,
    (rounds, goal): (usize, &str),
) -> Result<()> {
    let (mut own, mut theirs) = (Vec::new(), Vec::new());
    let program = env::current_exe()?;
    for _ in 0..rounds {
        own.push(took(command(&program).args(["once", &server.port, ours]), "TLS")?);
        let mut words = peer.split(' ');
        let name = words.next().unwrap_or_default();
        theirs.push(took(command(name).args(words), "TLS")?);
    }
    let (own, theirs) = (Samples::of(&own), Samples::of(&theirs));
    let ratio = own.median() / theirs.median();
    let name = peer.split(" -").next().unwrap_or_default();
    show(&format!("| {what} | {own} | `{name}`: {theirs}; ours {ratio:.2} x its time | {goal} |"))?;
    Ok(())
}

/// To its end, with these letters in what it says.
fn took(command: &mut Command, says: &str) -> Result<Duration> {
    let begin = Instant::now();
    let Output { status, stdout, .. } = command.stdin(Stdio::null()).output()?;
    let took = begin.elapsed();
    let said = String::from_utf8_lossy(&stdout);
    if !status.success() || !said.contains(says) {
        return Err(format!("{command:?}: {status}: {said}").into());
    }
    Ok(took)
}

impl Server {
    /// At a port of its own choosing.
    fn start(flags: &str) -> Result<Self> {
        let keys = TempDir::new()?;
        let path = |name: &str| keys.path().join(name).display().to_string();
        let (key, pem) = (path("key.pem"), path("cert.pem"));
        let made = openssl(&format!(
            "req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {pem} -days 30 -subj /CN=shop.test"
        ))
        .output()?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into());
        }
        let line = format!("s_server -accept 127.0.0.1:0 -www -key {key} -cert {pem} {flags}");
        let mut child = openssl(&line).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let stdout = child.stdout.take().ok_or("no stdout")?;
        let mut lines = BufReader::new(stdout).lines().map_while(std::result::Result::ok);
        let port = lines.find_map(|line| Some(line.strip_prefix("ACCEPT 127.0.0.1:")?.to_owned()));
        thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, port: port.ok_or("s_server does not listen")?, keys })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(program: impl AsRef<OsStr>) -> Command {
    #[expect(clippy::disallowed_methods, reason = "a benchmark runs what it compares")]
    Command::new(program)
}

fn openssl(line: &str) -> Command {
    let mut command = command("openssl");
    // Debian's own settings forbid what old servers still do.
    command.args(line.split_whitespace()).env("OPENSSL_CONF", "/dev/null").stdin(Stdio::null());
    command
}
