//! A port-forward to an agent and plain HTTP through it: what a caller could do without the plugin.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use netdiag_tests::{Agent, Cluster, Pod, wait};
use serde_json::{Value, json};

/// Longer than an agent takes to refuse anything.
const PATIENCE: Duration = Duration::from_secs(15);

/// Open as long as the value lives.
pub(crate) struct Door {
    forward: Child,
    /// kubectl ends when nobody takes its words.
    _words: BufReader<ChildStdout>,
    port: u16,
}

/// What the agent said; a stream that ran is all of its lines.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Door {
    pub(crate) fn open(cluster: &Cluster, agent: &Agent) -> Result<Self> {
        let pod = format!("pod/{}", agent.pod.name);
        let mut kubectl = cluster.kubectl_command(["port-forward", "-n", "netdiag", &pod, ":9443"]);
        let mut forward =
            kubectl.args(["--address", "127.0.0.1"]).stdout(Stdio::piped()).spawn()?;
        let mut words = BufReader::new(forward.stdout.take().context("no standard output")?);
        let mut line = String::new();
        words.read_line(&mut line)?;
        let port = line.strip_prefix("Forwarding from 127.0.0.1:");
        let port = port.and_then(|rest| rest.split(' ').next()?.parse().ok());
        let port = port.with_context(|| format!("kubectl port-forward said {line:?}"))?;
        Ok(Self { forward, _words: words, port })
    }

    /// Asks for a probe with these header lines and reads the whole answer.
    pub(crate) fn ask(&self, probe: &str, headers: &[String], body: &Value) -> Result<Answer> {
        // The first stream of a forward may be reset while the kubelet is still setting it up.
        wait::until("the agent answers", PATIENCE, || {
            let stream = self.begin(probe, headers, body)?;
            Answer::read(stream).context("read the answer")
        })
    }

    /// The same with one bearer token.
    pub(crate) fn ask_with(&self, token: &str, probe: &str, body: &Value) -> Result<Answer> {
        self.ask(probe, &[bearer(token)], body)
    }

    /// Asks and leaves the answer to be read.
    pub(crate) fn begin(&self, probe: &str, headers: &[String], body: &Value) -> Result<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        send(stream, probe, headers, body)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.forward.kill();
        let _ = self.forward.wait();
    }
}

/// Writes one request to an agent's listener.
pub(crate) fn send(
    mut stream: TcpStream,
    probe: &str,
    headers: &[String],
    body: &Value,
) -> Result<TcpStream> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let body = body.to_string();
    let mut request = format!("POST /v1/{probe} HTTP/1.1\r\nhost: agent\r\n");
    for header in headers {
        request.push_str(&format!("{header}\r\n"));
    }
    request.push_str("content-type: application/json\r\n");
    request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}

pub(crate) fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}")
}

/// A probe's request: from a pod, to an address.
pub(crate) fn from_pod(pod: &Pod, part: &Value) -> Value {
    json!({
        "source": { "kind": "pod", "namespace": pod.namespace, "name": pod.name, "uid": pod.uid },
        "probe": part,
    })
}

pub(crate) fn from_node(node: &str, part: &Value) -> Value {
    json!({ "source": { "kind": "node", "name": node }, "probe": part })
}

/// One echo request.
pub(crate) fn one_ping(address: IpAddr) -> Value {
    json!({ "targets": [{ "host": address }], "count": 1 })
}

impl Answer {
    /// Not up to the end of the stream, which a forwarded port has only a second later.
    fn read(mut stream: TcpStream) -> Result<Self> {
        let (mut came, mut buffer) = (Vec::new(), [0; 4_096]);
        while !is_whole(&came) {
            match stream.read(&mut buffer)? {
                0 => break,
                length => came.extend_from_slice(&buffer[..length]),
            }
        }
        Self::parse(&String::from_utf8(came)?)
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        let status = text.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.with_context(|| format!("no HTTP answer: {text:?}"))?;
        Ok(Self { status, text: text.into() })
    }

    /// Every JSON object in it, be it the one of a refusal or the lines of a stream.
    pub(crate) fn objects(&self) -> Vec<Value> {
        self.text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The code of a refusal, or of a stream that failed; empty if there is none.
    pub(crate) fn code(&self) -> String {
        let objects = self.objects();
        let codes = objects.iter().flat_map(|object| [&object["code"], &object["error"]["code"]]);
        codes.filter_map(Value::as_str).next().unwrap_or_default().into()
    }

    /// Whether a probe ran to its end.
    pub(crate) fn ran(&self) -> bool {
        self.status == 200 && self.objects().iter().any(|object| object["event"] == "end")
    }
}

/// Whether that is all of an HTTP answer: as long as its head says, or up to the last chunk.
fn is_whole(came: &[u8]) -> bool {
    let text = String::from_utf8_lossy(came);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let head = head.to_lowercase();
    match head.lines().find_map(|line| line.strip_prefix("content-length: ")) {
        Some(length) => length.parse().is_ok_and(|length: usize| body.len() >= length),
        None => body.ends_with("\r\n0\r\n\r\n"),
    }
}
