//! front and broker as processes of their own, as the DaemonSet runs them. They share a PID namespace
//! with a PID 1 whose /proc is readable, as every node's is and a container's may not be.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    apiserver::ApiServer,
    client::{self, Answer},
};

pub(crate) const UID: &str = "6f1c1a52-8d1b-4d8e-9e7c-0a1b2c3d4e5f";
pub(crate) const USER: &str = "system:serviceaccount:shop:netdiag-user";

pub(crate) struct Agent {
    pub(crate) address: SocketAddr,
    pub(crate) api: ApiServer,
    node: Child,
    front: Child,
    broker: Child,
    audit: Arc<Mutex<Vec<String>>>,
    log: Arc<Mutex<Vec<String>>>,
    _dir: TempDir,
}

impl Agent {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With further flags for front.
    pub(crate) async fn start_with(flags: &[&str]) -> Self {
        let (mut agent, audit) = Self::start_unread(flags).await;
        agent.audit = lines(audit);
        agent
    }

    /// Nobody reads the audit lines until a test does.
    pub(crate) async fn start_unread(flags: &[&str]) -> (Self, ChildStdout) {
        let dir = tempfile::tempdir().unwrap();
        let api = ApiServer::start(dir.path()).await;
        let socket = dir.path().join("broker.sock");
        let socket = socket.to_str().unwrap();
        let node = command("unshare", &["--pid", "--fork", "--mount-proc", "--kill-child=KILL"])
            .args(["sleep", "infinity"])
            .spawn()
            .unwrap();
        let broker =
            agent(&node, &["broker", "--socket", socket, "--front-uid", "0"]).spawn().unwrap();
        let address = free_port();
        let mut front = agent(&node, &["front", "--node-name", "node-1"])
            .args(["--pod-name", "netdiag-x7k2p"])
            .args(["--pod-uid", UID, "--broker-socket", socket])
            .args(["--listen", &address.to_string()])
            .env("KUBERNETES_SERVICE_HOST", api.address.ip().to_string())
            .env("KUBERNETES_SERVICE_PORT", api.address.port().to_string())
            .args(["--token-dir", dir.path().to_str().unwrap(), "--log", "debug"])
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = front.stdout.take().unwrap();
        let audit = Arc::default();
        let log = lines(front.stderr.take().unwrap());
        let agent = Self { address, api, node, front, broker, audit, log, _dir: dir };
        // Upkeep has reached the API server through broker when it has asked for the endpoints.
        agent.wait("front and broker are up", || agent.api.count("endpointslices") > 0).await;
        (agent, stdout)
    }

    /// A token that the API server accepts for `user`, of a usual life.
    pub(crate) fn token(&self, user: &str) -> String {
        let now = Timestamp::now().as_second();
        let token = jwt(&json!({
            "aud": [format!("netdiag.dev/agent/{UID}")], "iat": now, "exp": now + 600, "sub": user,
        }));
        self.accept(&token, user);
        token
    }

    /// The API server authenticates `token` for this agent from now on.
    pub(crate) fn accept(&self, token: &str, user: &str) {
        let status = json!({
            "authenticated": true,
            "audiences": [format!("netdiag.dev/agent/{UID}")],
            "user": {
                "username": user, "uid": "u-1",
                "groups": ["system:serviceaccounts", "system:authenticated"],
                "extra": {"authentication.kubernetes.io/credential-id": [format!("JTI={user}")]},
            },
        });
        self.api.tell(|script| {
            script.tokens.insert(token.into(), status);
        });
    }

    pub(crate) fn allow(&self, rights: &[&str]) {
        self.api.tell(|script| script.allowed.extend(rights.iter().map(|right| (*right).into())));
    }

    pub(crate) async fn ping(&self, token: &str, request: &Value) -> Answer {
        client::post(self.address, "/v1/ping", Some(token), &request.to_string()).await
    }

    /// Audit lines so far.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let lines = self.audit.lock().unwrap();
        lines
            .iter()
            .map(|line| serde_json::from_str(line).expect("an audit line is JSON"))
            .collect()
    }

    /// All that front ever wrote, on both streams.
    pub(crate) fn written(&self) -> String {
        [self.audit.lock().unwrap().join("\n"), self.log.lock().unwrap().join("\n")].join("\n")
    }

    /// The node's resolv.conf is on a file system that never answers, as long as the file lives.
    pub(crate) fn kill_resolv_conf(&self) -> File {
        let fuse = File::options().read(true).write(true).open("/dev/fuse").unwrap();
        let init = only_child(self.node.id()).to_string();
        let mounted = command("nsenter", &["--mount", "--target", &init, "--"])
            .args(["mount", "-i", "-t", "fuse", "-o"])
            .arg("fd=0,rootmode=100444,user_id=0,group_id=0,allow_other")
            .args(["fuse", "/etc/resolv.conf"])
            .stdin(fuse.try_clone().unwrap())
            .status();
        assert!(mounted.unwrap().success());
        fuse
    }

    pub(crate) async fn wait(&self, what: &str, is_so: impl Fn() -> bool) {
        let until = Instant::now() + Duration::from_secs(20);
        while !is_so() {
            assert!(Instant::now() < until, "{what}: not within 20 s\n{}", self.written());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn workers(&self) -> usize {
        children(only_child(self.broker.id())).len()
    }

    /// Probes that were started, by their audit lines.
    pub(crate) fn started(&self) -> usize {
        self.audit().iter().filter(|line| line["audit"] == "start").count()
    }

    pub(crate) fn front_rss_kib(&self) -> u64 {
        let status = format!("/proc/{}/status", only_child(self.front.id()));
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// What kubelet's exec probe would say.
    pub(crate) fn is_live(&self) -> bool {
        let args = ["live", "--listen", &self.address.to_string()];
        command(env!("CARGO_BIN_EXE_netdiag-agent"), &args).status().unwrap().success()
    }

    pub(crate) fn terminate(&self) {
        let front = Pid::from_raw(only_child(self.front.id()) as i32).unwrap();
        kill_process(front, Signal::TERM).unwrap();
    }

    /// Waits for front to end by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.front.wait().unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // All others die with PID 1 of their namespace, and that one with its parent.
        let _ = self.node.kill();
        for child in [&mut self.node, &mut self.front, &mut self.broker] {
            let _ = child.wait();
        }
    }
}

/// An address whose SYNs are dropped: its accept queue is full for good.
pub(crate) struct Silent {
    pub(crate) address: SocketAddr,
    _listener: TcpListener,
    _queued: TcpStream,
}

impl Silent {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let address = listener.local_addr().unwrap();
        let queued = TcpStream::connect(address).unwrap();
        let brief = Duration::from_millis(50);
        let dropped = TcpStream::connect_timeout(&address, brief);
        assert_eq!(dropped.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
        Self { address, _listener: listener, _queued: queued }
    }
}

/// The node itself pings its own loopback.
pub(crate) fn node_ping(part: &Value) -> Value {
    let mut probe = json!({"targets": [{"host": "127.0.0.1"}], "count": 1});
    merge(&mut probe, part);
    json!({"source": {"kind": "node", "name": "node-1"}, "probe": probe})
}

pub(crate) fn merge(into: &mut Value, part: &Value) {
    for (name, value) in part.as_object().into_iter().flatten() {
        into[name] = value.clone();
    }
}

pub(crate) fn jwt(claims: &Value) -> String {
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    let header = part(json!({"alg": "RS256", "kid": "k"}).to_string());
    format!("{header}.{}.{}", part(claims.to_string()), part("signature-of-a-test".into()))
}

#[expect(clippy::disallowed_methods, reason = "the agent's processes are what is tested")]
fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    command
}

/// The agent's binary in the PID namespace of `node`.
fn agent(node: &Child, args: &[&str]) -> Command {
    let init = only_child(node.id()).to_string();
    let mut command = command("nsenter", &["--pid", "--mount", "--target", &init, "--"]);
    command.arg(env!("CARGO_BIN_EXE_netdiag-agent")).args(args);
    command
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn lines(stream: impl Read + Send + 'static) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let shared = lines.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            shared.lock().unwrap().push(line);
        }
    });
    lines
}

/// What `unshare` and `nsenter` forked, once it has become the program that they start.
fn only_child(parent: u32) -> u32 {
    let until = Instant::now() + Duration::from_secs(5);
    let name = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/comm")).ok();
    loop {
        match children(parent)[..] {
            [child] if name(child) != name(parent) => return child,
            _ => assert!(Instant::now() < until, "no child of {parent} within 5 s"),
        }
        std::thread::yield_now();
    }
}

/// Living children; zombies wait to be reaped and are none.
fn children(parent: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    let lives = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    let listed = listed.unwrap_or_default();
    listed.split_whitespace().map(|pid| pid.parse().unwrap()).filter(lives).collect()
}
