//! Short-lived tokens, each for one agent pod and for nobody else.

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{Api, api::PostParams};
use netdiag_wire::AUDIENCE_PREFIX;

use super::{Cluster, Unanswered, agents::Agent, bindings};
use crate::{
    args::{Account, Secret},
    code,
    finding::{Failure, Label},
};

/// Holds a tenant's rights, in the tenant's namespace.
pub(crate) const USER: &str = "netdiag-user";
/// Holds the operators' rights, in the agents' namespace.
pub(crate) const OPERATOR: &str = "netdiag-operator";
/// The least that the API server grants.
const SECONDS: i64 = 600;

/// A token and whom it names.
#[derive(Debug)]
pub(crate) struct Minted {
    pub(crate) token: Secret,
    pub(crate) account: (String, String),
}

impl Cluster {
    /// The token for a probe from `namespace` (absent: from a node): the tenant's account first,
    /// then the operators', unless a flag says which.
    pub(crate) async fn mint(
        &self,
        agent: &Agent,
        namespace: Option<&str>,
        chosen: Option<&Account>,
    ) -> Result<Minted, Failure> {
        let operator = (self.agents.clone(), OPERATOR.to_owned());
        let wanted = match (chosen, namespace) {
            (Some(account), namespace) => {
                let place = account.namespace.as_deref().or(namespace).unwrap_or(&self.agents);
                (place.to_owned(), account.name.clone())
            }
            (None, Some(namespace)) => (namespace.to_owned(), USER.to_owned()),
            (None, None) => operator.clone(),
        };
        let first = match self.token(agent, &wanted).await {
            Ok(token) => return Ok(Minted { token, account: wanted }),
            Err(refusal) => refusal,
        };
        let may_fall_back = chosen.is_none() && wanted != operator;
        if may_fall_back
            && (first.is_forbidden() || first.is_not_found())
            && let Ok(token) = self.token(agent, &operator).await
        {
            return Ok(Minted { token, account: operator });
        }
        Err(self.may_not_mint(&first, &wanted).await)
    }

    async fn token(&self, agent: &Agent, account: &(String, String)) -> Result<Secret, Unanswered> {
        let (namespace, name) = account;
        let accounts: Api<ServiceAccount> = self.namespaced(namespace);
        let request = TokenRequest {
            spec: TokenRequestSpec {
                audiences: vec![format!("{AUDIENCE_PREFIX}{}", agent.uid)],
                expiration_seconds: Some(SECONDS),
                bound_object_ref: None,
            },
            ..TokenRequest::default()
        };
        let how = PostParams::default();
        let answer = self.ask(accounts.create_token_request(name, &how, &request)).await?;
        Ok(answer.status.map(|status| status.token).unwrap_or_default().into())
    }

    async fn may_not_mint(&self, refusal: &Unanswered, account: &(String, String)) -> Failure {
        let (namespace, name) = account;
        let doing = format!("mint the token of serviceaccount {name} in {namespace}");
        if refusal.is_not_found() {
            let message =
                format!("no serviceaccount {name} in {namespace} whose token could be minted");
            let advice = match name.as_str() {
                USER => format!("add {namespace} to the chart's tenants, then helm upgrade"),
                OPERATOR => {
                    "install the chart there, or name its namespace: --agent-namespace".into()
                }
                _ => format!("kubectl create serviceaccount {name} -n {namespace}"),
            };
            return Failure::new(code::MAY_NOT_MINT, message).with(Label::AdminText(advice));
        }
        if !refusal.is_forbidden() {
            return refusal.failure(&doing);
        }
        let user = self.user().await.unwrap_or_else(|| "USER".into());
        let command = bindings::in_namespace(namespace, "--clusterrole=netdiag-mint", &user);
        Failure::new(code::MAY_NOT_MINT, format!("not allowed: {user} may not {doing}"))
            .with(refusal.said())
            .with(Label::Admin(command))
    }
}
