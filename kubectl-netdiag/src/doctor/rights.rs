//! What the user may do, asked of the API server and never guessed.
//!
//! A probe needs three things: to reach the agents, to mint the token of a ServiceAccount, and that
//! this ServiceAccount has the probe's right.

use k8s_openapi::api::{
    authorization::v1::{
        ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
        SubjectAccessReview, SubjectAccessReviewSpec,
    },
    core::v1::ServiceAccount,
};
use kube::{Api, api::PostParams};
use netdiag_wire::API_GROUP;
use serde::Serialize;

use crate::cluster::{
    Cluster,
    tokens::{OPERATOR, USER},
};

/// Every right of this release, one line of the table each.
pub(super) const RIGHTS: [&str; 11] = [
    "ping",
    "trace",
    "dns",
    "connect",
    "tls",
    "sockets",
    "files",
    "scan",
    "fast-ping",
    "listen",
    "processes",
];

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Answer {
    Yes,
    No,
    /// The API server would not say.
    Unknown,
}

/// What the user may do from pods of one namespace, or from nodes.
#[derive(Clone, Debug)]
pub(super) struct Access {
    /// Namespace and name of the ServiceAccount whose token would be minted; absent: none.
    pub(super) account: Option<(String, String)>,
    /// One a right, in the order of [`RIGHTS`].
    pub(super) rights: Vec<Answer>,
}

#[derive(Clone, Debug)]
pub(super) struct Rights {
    pub(super) reach: Answer,
    pub(super) pods: Access,
    pub(super) nodes: Access,
}

/// Asks all of it, as much as possible at once.
pub(super) async fn ask(cluster: &Cluster, namespace: &str) -> Rights {
    let (reach, pods, nodes) =
        tokio::join!(reach(cluster), pods(cluster, namespace), nodes(cluster));
    Rights { reach, pods, nodes }
}

/// Whether the user may scan the namespace's pods at full speed, as far as the API server says.
pub(crate) async fn may_scan(cluster: &Cluster, namespace: &str) -> bool {
    let access = pods(cluster, namespace).await;
    let scan = RIGHTS.iter().position(|right| *right == "scan");
    scan.and_then(|at| access.rights.get(at)) == Some(&Answer::Yes)
}

async fn reach(cluster: &Cluster) -> Answer {
    let agents = Some(cluster.agents.clone());
    let pods = |verb: &str, subresource: Option<&str>| ResourceAttributes {
        namespace: agents.clone(),
        resource: Some("pods".into()),
        subresource: subresource.map(str::to_owned),
        verb: Some(verb.into()),
        ..ResourceAttributes::default()
    };
    let (list, forward) = tokio::join!(
        may(cluster, pods("list", None)),
        may(cluster, pods("create", Some("portforward"))),
    );
    list.and(forward)
}

async fn pods(cluster: &Cluster, namespace: &str) -> Access {
    let (user, operator) = tokio::join!(
        may_mint(cluster, namespace, USER),
        may_mint(cluster, &cluster.agents, OPERATOR)
    );
    let account = match (user, operator) {
        (Answer::Yes, _) => Some((namespace.to_owned(), USER.to_owned())),
        (_, Answer::Yes) => Some((cluster.agents.clone(), OPERATOR.to_owned())),
        (_, _) => None,
    };
    access(cluster, account, "pods", Some(namespace)).await
}

async fn nodes(cluster: &Cluster) -> Access {
    let may = may_mint(cluster, &cluster.agents, OPERATOR).await == Answer::Yes;
    let account = may.then(|| (cluster.agents.clone(), OPERATOR.to_owned()));
    access(cluster, account, "nodes", None).await
}

async fn access(
    cluster: &Cluster,
    account: Option<(String, String)>,
    resource: &str,
    namespace: Option<&str>,
) -> Access {
    let rights = match &account {
        None => vec![Answer::No; RIGHTS.len()],
        Some(account) => {
            let asked = RIGHTS.map(|right| has(cluster, account, resource, right, namespace));
            futures_util::future::join_all(asked).await
        }
    };
    Access { account, rights }
}

/// Whether the user may mint the token of an account that is there.
async fn may_mint(cluster: &Cluster, namespace: &str, name: &str) -> Answer {
    let mint = ResourceAttributes {
        namespace: Some(namespace.to_owned()),
        resource: Some("serviceaccounts".into()),
        subresource: Some("token".into()),
        name: Some(name.to_owned()),
        verb: Some("create".into()),
        ..ResourceAttributes::default()
    };
    let accounts: Api<ServiceAccount> = cluster.namespaced(namespace);
    let (may, there) = tokio::join!(may(cluster, mint), cluster.ask(accounts.get_metadata(name)));
    // A tenant may mint it without being allowed to read it.
    match there {
        Err(refusal) if refusal.is_not_found() => Answer::No,
        Ok(_) | Err(_) => may,
    }
}

async fn may(cluster: &Cluster, what: ResourceAttributes) -> Answer {
    let reviews: Api<SelfSubjectAccessReview> = Api::all(cluster.client.clone());
    let spec =
        SelfSubjectAccessReviewSpec { resource_attributes: Some(what), ..Default::default() };
    let review = SelfSubjectAccessReview { spec, ..Default::default() };
    match cluster.ask(reviews.create(&PostParams::default(), &review)).await {
        Ok(answer) => Answer::of(answer.status.map(|status| status.allowed)),
        Err(_) => Answer::Unknown,
    }
}

/// What the ServiceAccount may do at an agent: the review that the agent itself makes.
async fn has(
    cluster: &Cluster,
    (namespace, name): &(String, String),
    resource: &str,
    right: &str,
    in_namespace: Option<&str>,
) -> Answer {
    let reviews: Api<SubjectAccessReview> = Api::all(cluster.client.clone());
    let attributes = ResourceAttributes {
        group: Some(API_GROUP.into()),
        resource: Some(resource.into()),
        subresource: Some(right.into()),
        namespace: in_namespace.map(str::to_owned),
        verb: Some("create".into()),
        ..ResourceAttributes::default()
    };
    let groups = [
        "system:serviceaccounts",
        &format!("system:serviceaccounts:{namespace}"),
        "system:authenticated",
    ];
    let spec = SubjectAccessReviewSpec {
        user: Some(format!("system:serviceaccount:{namespace}:{name}")),
        groups: Some(groups.map(str::to_owned).to_vec()),
        resource_attributes: Some(attributes),
        ..SubjectAccessReviewSpec::default()
    };
    let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
    match cluster.ask(reviews.create(&PostParams::default(), &review)).await {
        Ok(answer) => Answer::of(answer.status.map(|status| status.allowed)),
        Err(_) => Answer::Unknown,
    }
}

impl Answer {
    fn of(allowed: Option<bool>) -> Self {
        match allowed {
            Some(true) => Self::Yes,
            Some(false) => Self::No,
            None => Self::Unknown,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "?",
        }
    }
}
