use super::*;

fn agent() -> Agent {
    Agent {
        namespace: "netdiag".into(),
        name: "netdiag-x7k2p".into(),
        uid: "uid".into(),
        node: "node-2".into(),
        version: Some("0.0.9".into()),
    }
}

fn missing(resource: &str, right: &str) -> ErrorBody {
    let mut error = ErrorBody::new(ErrorCode::Forbidden, "not allowed");
    error.missing = Some(MissingRight {
        resource: resource.into(),
        right: right.into(),
        namespace: Some("evil; rm -rf".into()),
        user: "whoever".into(),
    });
    error
}

fn said(error: &ErrorBody, namespace: Option<&str>) -> Failure {
    let account = ("shop".to_owned(), "netdiag-user".to_owned());
    let asked =
        Asked { probe: "ping", agent: &agent(), namespace, account: &account, user: Some("alice") };
    failure(error, &asked)
}

fn admin(failure: &Failure) -> Option<String> {
    failure.labels.iter().find_map(|label| match label {
        Label::Admin(command) => Some(command.join(" ")),
        _ => None,
    })
}

#[test]
fn a_missing_right_names_the_rule_and_the_command_that_gives_it() {
    let failure = said(&missing("pods", "scan"), Some("shop"));
    assert_eq!(failure.code, Some(code::NOT_ALLOWED));
    assert_eq!(failure.message, "not allowed: scan from pods in shop");
    assert_eq!(
        failure.labels[..2],
        [
            Label::Seen(
                "the agent on node-2 asked for create pods/scan (API group netdiag.dev), RBAC said no"
                    .into()
            ),
            Label::Seen(
                "you are alice, there acting as system:serviceaccount:shop:netdiag-user".into()
            ),
        ]
    );
    assert_eq!(
        admin(&failure).unwrap(),
        "kubectl create rolebinding netdiag-user-scan -n shop --clusterrole=netdiag-pods-scan \
         --serviceaccount=shop:netdiag-user"
    );
    assert_eq!(
        admin(&said(&missing("nodes", "ping"), None)).unwrap(),
        "kubectl create clusterrolebinding netdiag-user-nodes-ping-shop --clusterrole=netdiag-nodes-ping \
         --serviceaccount=shop:netdiag-user"
    );
}

/// T24: what is pasted into an admin's shell is never the agent's word.
#[test]
fn t24_a_hostile_right_makes_no_command() {
    for (resource, right) in
        [("pods", "scan; curl evil"), ("pods", "--as=root"), ("secrets", "get"), ("pods", "")]
    {
        let failure = said(&missing(resource, right), Some("shop"));
        assert_eq!(admin(&failure), None, "{resource}/{right}");
    }
    let failure = said(&missing("pods", "ping"), Some("shop"));
    assert!(!admin(&failure).unwrap().contains("evil"));
}

#[test]
fn every_code_has_its_block() {
    for (error, wanted) in [
        (ErrorCode::SourceAddress, code::BAD_VALUE),
        (ErrorCode::NameResolution, code::NO_OBJECT),
        (ErrorCode::PodEnded, code::NO_NETWORK),
        (ErrorCode::UidMismatch, code::NO_NETWORK),
        (ErrorCode::LimitExceeded, code::LIMIT),
        (ErrorCode::TooMany, code::BUSY),
        (ErrorCode::Permission, code::AGENT_IMPAIRED),
        (ErrorCode::ApiServerUnreachable, code::API_SERVER),
        (ErrorCode::BadRequest, code::SKEW),
        (ErrorCode::Unknown, code::SKEW),
        (ErrorCode::Forbidden, code::NOT_ALLOWED),
    ] {
        let failure = said(&ErrorBody::new(error, "words"), None);
        assert_eq!(failure.code, Some(wanted), "{error:?}");
        assert!(failure.message.contains("words"), "{failure}");
    }
}

#[test]
fn an_older_agent_is_named_where_it_does_not_know_an_option() {
    let failure = said(&ErrorBody::new(ErrorCode::BadRequest, "unknown field `mark`"), None);
    let note = format!(
        "that agent is 0.0.9, this plugin {}: it may not know an option that was asked for",
        env!("CARGO_PKG_VERSION")
    );
    assert!(failure.labels.contains(&Label::Note(note)), "{failure:?}");
}
