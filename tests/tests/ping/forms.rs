//! The forms of an answer: one document, whatever it is written in, and what stdout may hold.

use anyhow::{Context, Result};
use serde_json::Value;

use netdiag_tests::{Pair, turn};

#[test]
#[ignore = "needs a cluster: pings between two nodes"]
fn json_yaml_and_the_last_line_of_ndjson_are_one_document() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let json: Value = pair.ping("-c 2 -i 0.02 -o json")?.exits(0).json();
    let yaml = pair.ping("-c 2 -i 0.02 -o yaml")?.exits(0).stdout;
    let yaml: Value = serde_saphyr::from_str(&yaml)?;
    let ndjson = pair.ping("-c 2 -i 0.02 -o ndjson")?.exits(0).stdout;
    let lines: Vec<Value> = ndjson.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let last = lines.last().context("no line")?;
    assert_eq!(keys(&json), keys(&yaml));
    assert_eq!(keys(&json), keys(last));
    for report in [&json, &yaml, last] {
        assert_eq!(report["apiVersion"], "netdiag.dev/v1alpha1");
        assert_eq!(report["kind"], "PingReport");
        assert_eq!(report["verdict"], "ok");
        assert_eq!(report["source"]["uid"], pair.client.uid.as_str());
        assert_eq!(report["target"]["uid"], pair.server.uid.as_str());
        assert_eq!(report["ping"]["ended"], "completed");
        assert!(report["ping"]["rttUs"]["avg"].is_u64(), "{report}");
    }
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    let echo = ["sent", "replied"];
    let wanted = [&["accepted", "started"][..], &echo, &echo, &["end"]].concat();
    assert_eq!(events, wanted);
    assert!(lines[..lines.len() - 1].iter().all(|line| line["at"].is_string()), "{ndjson}");
    Ok(())
}

/// Every path in the document, without its values.
fn keys(value: &Value) -> Vec<String> {
    let Value::Object(fields) = value else { return Vec::new() };
    let mut paths: Vec<String> = fields
        .iter()
        .flat_map(|(key, value)| {
            let below = keys(value).into_iter().map(move |path| format!("{key}.{path}"));
            std::iter::once(key.clone()).chain(below)
        })
        .collect();
    paths.sort();
    paths
}

#[test]
#[ignore = "needs a cluster: pings between two nodes"]
fn short_forms_print_no_more_than_they_promise() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let run = pair.ping("-c 1 -o verdict")?.exits(0);
    assert_eq!((run.stdout.lines().count(), run.stderr.as_str()), (1, ""));
    assert!(run.stdout.starts_with("OK       1 of 1 echoes replied, rtt "), "{}", run.stdout);
    let run = pair.ping("-c 1 --ttl 1 -o verdict")?.exits(1);
    assert!(run.stdout.lines().count() == 1 && run.stdout.starts_with("FAIL     ND0304  "));
    for (flags, code) in [("-c 1 --quiet", 0), ("-c 1 --ttl 1 --quiet", 1), ("-c 0 --quiet", 2)] {
        let run = pair.ping(flags)?.exits(code);
        assert_eq!(run.stdout, "");
        assert_eq!(run.stderr.is_empty(), code != 2, "{flags}: {}", run.stderr);
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: asks for pods that are not there"]
fn an_error_is_one_object_where_a_program_asks() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    for form in ["json", "ndjson", "yaml"] {
        let run = pair.ping_to("pod/nobody", &format!("-n kube-system -o {form}"))?.exits(2);
        assert_eq!(run.stdout, "");
        let error: Value = match form {
            "yaml" => serde_saphyr::from_str(&run.stderr)?,
            _ => serde_json::from_str(&run.stderr)?,
        };
        assert_eq!((&error["kind"], &error["code"]), (&"Error".into(), &"ND0020".into()));
        assert!(
            error["message"].as_str().is_some_and(|text| text.starts_with("no pod \"nobody\""))
        );
    }
    Ok(())
}
