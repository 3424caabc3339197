//! Whom a token names, as TokenReview said it; copied whole into every SubjectAccessReview.

use std::collections::BTreeMap;

use k8s_openapi::api::authentication::v1::UserInfo;

/// Key of `extra` under which API servers name the token (`JTI=…`); joins audit trails.
const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Identity {
    pub(crate) username: String,
    pub(crate) uid: Option<String>,
    pub(crate) groups: Option<Vec<String>>,
    pub(crate) extra: Option<BTreeMap<String, Vec<String>>>,
}

impl Identity {
    pub(crate) fn credential_id(&self) -> Option<&str> {
        self.extra.as_ref()?.get(CREDENTIAL_ID)?.first().map(String::as_str)
    }

    #[cfg(test)]
    pub(crate) fn named(username: &str, credential: &str) -> Self {
        let extra = BTreeMap::from([(CREDENTIAL_ID.into(), vec![credential.into()])]);
        Self { username: username.into(), extra: Some(extra), ..Self::default() }
    }
}

impl From<UserInfo> for Identity {
    fn from(user: UserInfo) -> Self {
        let UserInfo { extra, groups, uid, username } = user;
        Self { username: username.unwrap_or_default(), uid, groups, extra }
    }
}
