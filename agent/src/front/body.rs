//! A request's JSON, bounded; what is wrong with it is said by field.

use std::time::Duration;

use axum::body::Body;
use http_body_util::{BodyExt, Limited};
use netdiag_wire::{ErrorBody, ErrorCode, Request};
use serde::de::DeserializeOwned;

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
mod tests {
    use netdiag_wire::ping::PingRequest;

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
