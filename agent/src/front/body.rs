//! A request's JSON, bounded; what is wrong with it is said by field.

use std::{io, pin::Pin, time::Duration};

use axum::body::Body;
use futures_util::TryStreamExt;
use http_body_util::{BodyExt, Limited};
use netdiag_wire::{ErrorBody, ErrorCode, Request};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};
use tokio_util::io::StreamReader;

use crate::ipc::MAX_BODY_BYTES;

/// A caller that dribbles holds a connection this long.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) async fn read<P: DeserializeOwned>(body: Body) -> Result<Request<P>, ErrorBody> {
    let collected =
        tokio::time::timeout(TIMEOUT, Limited::new(body, MAX_BODY_BYTES).collect()).await;
    let collected = collected.map_err(|_| bad(format!("body: not complete within {TIMEOUT:?}")))?;
    let collected =
        collected.map_err(|cause| match cause.is::<http_body_util::LengthLimitError>() {
            true => bad(format!("body: more than {MAX_BODY_BYTES} bytes")),
            false => bad("body: broke off or is not framed as HTTP/1.1 has it".into()),
        })?;
    parse(&collected.to_bytes())
}

/// What a caller sends after its request's line.
pub(crate) type Upload = Pin<Box<dyn AsyncBufRead + Send>>;

/// A request on one line, and what follows it in the body.
pub(crate) async fn read_line<P: DeserializeOwned>(
    body: Body,
) -> Result<(Request<P>, Upload), ErrorBody> {
    let data = TryStreamExt::map_err(body.into_data_stream(), io::Error::other);
    let mut upload: Upload = Box::pin(StreamReader::new(data));
    let mut line = Vec::new();
    let mut bounded = (&mut upload).take(MAX_BODY_BYTES as u64 + 1);
    let read = tokio::time::timeout(TIMEOUT, bounded.read_until(b'\n', &mut line)).await;
    read.map_err(|_| bad(format!("body: no line within {TIMEOUT:?}")))?
        .map_err(|_| bad("body: broke off or is not framed as HTTP/1.1 has it".into()))?;
    if line.pop_if(|last| *last == b'\n').is_none() {
        return Err(match line.len() {
            0..=MAX_BODY_BYTES => bad("body: ends before its first line does".into()),
            _ => bad(format!("body: a first line of more than {MAX_BODY_BYTES} bytes")),
        });
    }
    Ok((parse(&line)?, upload))
}

pub(crate) fn bad(message: String) -> ErrorBody {
    ErrorBody::new(ErrorCode::BadRequest, message)
}

fn parse<P: DeserializeOwned>(bytes: &[u8]) -> Result<Request<P>, ErrorBody> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let request = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let cause = in_numbers(&error.inner().to_string());
        match error.path().iter().next() {
            Some(_) => bad(format!("{}: {cause}", error.path())),
            None => bad(cause),
        }
    })?;
    json.end().map_err(|cause| bad(cause.to_string()))?;
    Ok(request)
}

/// serde names Rust's types where people want the bound.
fn in_numbers(message: &str) -> String {
    const BOUNDS: [(&str, &str); 7] = [
        ("a nonzero u8", "1 to 255"),
        ("a nonzero u32", "1 to 4294967295"),
        ("a nonzero u64", "1 to 18446744073709551615"),
        ("u8", "0 to 255"),
        ("u16", "0 to 65535"),
        ("u32", "0 to 4294967295"),
        ("u64", "0 to 18446744073709551615"),
    ];
    let Some((said, expected)) = message.rsplit_once(", expected ") else { return message.into() };
    let bound = BOUNDS.iter().find(|(type_name, _)| {
        expected
            .strip_prefix(type_name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    });
    match bound {
        Some((type_name, bound)) => {
            format!("{said}, must be {bound}{}", &expected[type_name.len()..])
        }
        None => message.into(),
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use netdiag_wire::{
        Source,
        dns::{DnsRequest, RecordType},
        ping::PingRequest,
        trace::TraceRequest,
    };

    use super::*;

    /// B13: the field, and the bound.
    #[test]
    fn absurd_values_are_refused_by_field_and_bound() {
        let table = [
            (r#""count":4294967296"#, "probe.count: ", "1 to 4294967295"),
            (r#""count":0"#, "probe.count: ", "1 to 4294967295"),
            (r#""count":-1"#, "probe.count: ", "1 to 4294967295"),
            (r#""count":1.5"#, "probe.count: ", "1 to 4294967295"),
            (r#""count":1e400"#, "probe.count: ", "out of range"),
            (r#""count":"3""#, "probe.count: ", "1 to 4294967295"),
            (r#""count":true"#, "probe.count: ", "1 to 4294967295"),
            (r#""count":[1]"#, "probe.count: ", "1 to 4294967295"),
            (r#""ttl":0"#, "probe.ttl: ", "1 to 255"),
            (r#""ttl":256"#, "probe.ttl: ", "1 to 255"),
            (r#""ttl":-1"#, "probe.ttl: ", "1 to 255"),
            (r#""size":65536"#, "probe.size: ", "0 to 65535"),
            (r#""size":-1"#, "probe.size: ", "0 to 65535"),
            (r#""size":null"#, "probe.size: ", "0 to 65535"),
            (r#""intervalUs":-200000"#, "probe.intervalUs: ", "0 to 4294967295"),
            (r#""intervalUs":99999999999"#, "probe.intervalUs: ", "0 to 4294967295"),
            (r#""waitUs":-1"#, "probe.waitUs: ", "0 to 4294967295"),
            (r#""waitUs":{}"#, "probe.waitUs: ", "0 to 4294967295"),
            (r#""once":"yes""#, "probe.once: ", "a boolean"),
            (r#""dontFragment":1"#, "probe.dontFragment: ", "a boolean"),
            (r#""family":"v5""#, "probe.family: ", "`v4`"),
            (r#""sourceAddress":"10.0.0.256""#, "probe.sourceAddress: ", "IP address"),
            (r#""sourceAddress":167772161"#, "probe.sourceAddress: ", "IP address"),
            (r#""colour":"red""#, "probe.colour: ", "unknown field `colour`"),
            (r#""count":1,"count":2"#, "probe", "duplicate field `count`"),
        ];
        for (part, field, bound) in table {
            let body = format!(
                r#"{{"source":{{"kind":"node","name":"n"}},"probe":{{"targets":[{{"host":"a"}}],{part}}}}}"#
            );
            let message = parse::<PingRequest>(body.as_bytes()).unwrap_err().message.to_string();
            assert!(message.starts_with(field) && message.contains(bound), "{part}: {message}");
        }
    }

    /// What a body's probe is refused with, by parsing or by its own check.
    fn refusal<P: crate::front::probe::Probe>(probe: &str) -> String {
        let body = format!(r#"{{"source":{{"kind":"node","name":"n"}},"probe":{probe}}}"#);
        match parse::<P>(body.as_bytes()) {
            Err(refusal) => refusal.message.to_string(),
            Ok(request) => format!("probe.{}", request.probe.check().unwrap_err()),
        }
    }

    #[test]
    fn absurd_traces_are_refused_by_field_and_bound() {
        let table = [
            (r#""protocol":"sctp""#, "probe.protocol: ", "`udp`"),
            (r#""protocol":"udp","port":0"#, "probe.port: ", "1 to 65535"),
            (r#""protocol":"udp","port":65536"#, "probe.port: ", "0 to 65535"),
            (r#""protocol":"icmp","port":53"#, "probe.port: ", "ICMP has no ports"),
            (r#""protocol":"udp","firstTtl":0"#, "probe.firstTtl: ", "1 to 30"),
            (r#""protocol":"udp","firstTtl":31"#, "probe.firstTtl: ", "1 to 30"),
            (r#""protocol":"udp","firstTtl":9,"maxTtl":8"#, "probe.firstTtl: ", "1 to 8"),
            (r#""protocol":"udp","maxTtl":0"#, "probe.maxTtl: ", "1 to 255"),
            (r#""protocol":"udp","maxTtl":256"#, "probe.maxTtl: ", "0 to 255"),
            (r#""protocol":"udp","queries":0"#, "probe.queries: ", "1 to 100"),
            (r#""protocol":"udp","queries":101"#, "probe.queries: ", "1 to 100"),
            (r#""protocol":"udp","flows":65"#, "probe.flows: ", "1 to 64"),
            (r#""protocol":"udp","flows":64,"queries":100"#, "probe.flows x TTLs", "at most 20000"),
            (r#""protocol":"udp","flows":2,"mtu":true"#, "probe.flows: ", "1 with mtu"),
            (r#""protocol":"udp","waitUs":999"#, "probe.waitUs: ", "1000 to 60000000"),
            (r#""protocol":"udp","size":27"#, "probe.size: ", "28 to 65535"),
            (r#""protocol":"udp","host":"""#, "probe", "duplicate field `host`"),
            (r#""protocol":"udp","hops":3"#, "probe.hops: ", "unknown field `hops`"),
            (r#""port":80"#, "probe", "missing field `protocol`"),
        ];
        for (part, field, bound) in table {
            let message = refusal::<TraceRequest>(&format!(r#"{{"host":"a",{part}}}"#));
            assert!(message.starts_with(field) && message.contains(bound), "{part}: {message}");
        }
    }

    #[test]
    fn absurd_questions_are_refused_by_field_and_bound() {
        let table = [
            (r#""types":["BANANA"]"#, "probe.types[0]: ", "BANANA"),
            (r#""types":"A""#, "probe.types: ", "sequence"),
            (r#""class":"XX""#, "probe.class: ", "XX"),
            (r#""mode":"guess""#, "probe.mode: ", "`walk`"),
            (r#""mode":"ask","servers":[{"host":""}]"#, "probe.servers.host: ", "1 to 253"),
            (r#""mode":"ask","servers":[{"host":"a","port":0}]"#, "probe.servers.port: ", "65535"),
            (r#""servers":[{"host":"10.96.0.10"}]"#, "probe.servers: ", "finds its own"),
            (r#""mode":"ask","servers":["10.96.0.10"]"#, "probe.servers[0]: ", "DnsServer"),
            (r#""sourcePort":65536"#, "probe.sourcePort: ", "0 to 65535"),
            (r#""sourceAddress":"10.0.0.256""#, "probe.sourceAddress: ", "IP address"),
            (r#""options":{"tries":0}"#, "probe.options.tries: ", "1 to 10"),
            (r#""options":{"bufsize":65536}"#, "probe.options.bufsize: ", "0 to 65535"),
            (r#""options":{"timeoutUs":1}"#, "probe.options.timeoutUs: ", "1000 to 60000000"),
            (r#""options":{"cookie":"zz"}"#, "probe.options.cookie: ", "hexadecimal"),
            (r#""options":{"ca":""}"#, "probe.options.ca: ", "1 to 32768"),
            (r#""options":{"tcp":true}"#, "probe.options.tcp: ", "unknown field `tcp`"),
            (r#""recurse":true"#, "probe.recurse: ", "unknown field `recurse`"),
        ];
        for (part, field, bound) in table {
            let message = refusal::<DnsRequest>(&format!(r#"{{"name":"a",{part}}}"#));
            assert!(message.starts_with(field) && message.contains(bound), "{part}: {message}");
        }
    }

    /// The longest CA file, all of line ends, and as it goes on to the worker.
    #[test]
    fn a_ca_file_fits_into_body_and_order() {
        use crate::ipc::{MAX_ORDER_BYTES, ProbeOrder, WorkerOrder};
        let mut request = DnsRequest::ask("example.com", RecordType::A, "10.96.0.10");
        request.options.ca = Some("a\n".repeat(16 * 1024));
        let source = Source::Node { name: "n".repeat(253) };
        let asked = Request { source, deadline_ms: None, claimed_user: None, probe: request };
        let body = serde_json::to_vec(&asked).unwrap();
        assert!(body.len() < MAX_BODY_BYTES, "{}", body.len());
        let request = parse::<DnsRequest>(&body).unwrap().probe;
        request.check().unwrap();
        let order = WorkerOrder {
            deadline_ms: Some(u64::MAX),
            deadline_is_limit: false,
            may_metadata: false,
            may_loopback: false,
            is_node: false,
            probe: ProbeOrder::Dns(Box::new(request)),
        };
        let line = serde_json::to_vec(&order).unwrap();
        assert!(line.len() < MAX_ORDER_BYTES && line.len() < body.len() + 1024, "{}", line.len());
    }

    #[test]
    fn the_envelope_is_refused_by_field_too() {
        let probe = r#""probe":{"targets":[{"host":"a"}]}"#;
        let source = r#""source":{"kind":"node","name":"n"}"#;
        let table = [
            (format!(r#"{{{source},{probe},"deadlineMs":0}}"#), "deadlineMs: "),
            (format!(r#"{{{source},{probe},"deadlineMs":-5}}"#), "deadlineMs: "),
            (format!(r#"{{{source},{probe},"admin":true}}"#), "admin: unknown field `admin`"),
            (format!(r#"{{"source":{{"kind":"host","name":"n"}},{probe}}}"#), "source"),
            (format!(r#"{{"source":{{"kind":"node","name":7}},{probe}}}"#), "source"),
            (format!("{{{probe}}}"), "missing field `source`"),
            (format!("{{{source}}}"), "missing field `probe`"),
            (
                format!(r#"{{{source},"probe":{{"targets":[{{"host":"a","port":1}}]}}}}"#),
                "probe.targets[0].port: ",
            ),
            (format!(r#"{{{source},"probe":{{"targets":"a"}}}}"#), "probe.targets: "),
            (format!("{{{source},{probe}}} extra"), "trailing characters"),
            (String::new(), "EOF"),
        ];
        for (body, said) in table {
            let message = parse::<PingRequest>(body.as_bytes()).unwrap_err().message.to_string();
            assert!(message.contains(said), "{body}: {message}");
        }
        for hostile in [&b"{\"source\":\"\xff\xfe\"}"[..], "[".repeat(60_000).as_bytes()] {
            assert!(parse::<PingRequest>(hostile).is_err());
        }
    }
}
