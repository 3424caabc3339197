//! What a Secret or ConfigMap holds under one of its keys, read with the user's own rights.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::ResourceExt;

use super::{Cluster, Unanswered};
use crate::{
    args::{Holder, HolderKind},
    code,
    finding::{Failure, Label},
};

/// Those that are taken where none is named, the first that is there.
const USUAL: [&str; 2] = ["tls.crt", "ca.crt"];

/// One key of an object.
pub(crate) struct Content {
    /// `shop/secret/checkout-tls`.
    pub(crate) name: String,
    pub(crate) resource_version: String,
    pub(crate) key: String,
    pub(crate) bytes: Vec<u8>,
    /// The object's other keys.
    pub(crate) beside: BTreeMap<String, Vec<u8>>,
}

impl Cluster {
    pub(crate) async fn held(&self, holder: &Holder) -> Result<Content, Failure> {
        let namespace = holder.namespace.as_deref().unwrap_or(&self.namespace);
        let name = format!("{namespace}/{}/{}", holder.kind, holder.name);
        let read = match holder.kind {
            HolderKind::Secret => self.secret(namespace, &holder.name).await,
            HolderKind::ConfigMap => self.config_map(namespace, &holder.name).await,
        };
        let (resource_version, data) = read.map_err(|refusal| missing(&refusal, holder, &name))?;
        choose(holder, name, resource_version, data)
    }

    async fn secret(&self, namespace: &str, name: &str) -> Result<Read, Unanswered> {
        let secret = self.ask(self.namespaced::<Secret>(namespace).get(name)).await?;
        let version = secret.resource_version().unwrap_or_default();
        let data = secret.data.unwrap_or_default();
        Ok((version, data.into_iter().map(|(key, value)| (key, value.0)).collect()))
    }

    async fn config_map(&self, namespace: &str, name: &str) -> Result<Read, Unanswered> {
        let map = self.ask(self.namespaced::<ConfigMap>(namespace).get(name)).await?;
        let version = map.resource_version().unwrap_or_default();
        let texts = map.data.unwrap_or_default();
        let texts = texts.into_iter().map(|(key, value)| (key, value.into_bytes()));
        let bytes = map.binary_data.unwrap_or_default();
        let bytes = bytes.into_iter().map(|(key, value)| (key, value.0));
        Ok((version, texts.chain(bytes).collect()))
    }
}

/// Version and data.
type Read = (String, BTreeMap<String, Vec<u8>>);

fn missing(refusal: &Unanswered, holder: &Holder, name: &str) -> Failure {
    if refusal.is_not_found() {
        return Failure::new(code::NO_OBJECT, format!("no {name}"));
    }
    let failure = refusal.failure(&format!("read {name}"));
    if !refusal.is_forbidden() {
        return failure;
    }
    let kind = holder.kind;
    failure.with(Label::AdminText(format!(
        "a {kind} is read with your own rights: a Role with verb get on {kind}s, resourceNames {}",
        holder.name
    )))
}

fn choose(
    holder: &Holder,
    name: String,
    resource_version: String,
    mut data: BTreeMap<String, Vec<u8>>,
) -> Result<Content, Failure> {
    let is_there = |key: &&str| data.contains_key(*key);
    let only = data.keys().next().filter(|_| data.len() == 1);
    let usual = || USUAL.into_iter().find(is_there).map(str::to_owned).or_else(|| only.cloned());
    let key = holder.key.clone().or_else(usual);
    let removed = key.and_then(|key| data.remove_entry(&key));
    let Some((key, bytes)) = removed else { return Err(no_key(holder, &name, &data)) };
    Ok(Content { name, resource_version, key, bytes, beside: data })
}

fn no_key(holder: &Holder, name: &str, data: &BTreeMap<String, Vec<u8>>) -> Failure {
    const SHOWN: usize = 10;
    let keys = data.keys().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let more = data.len().saturating_sub(SHOWN);
    let message = match (&holder.key, data.len()) {
        (_, 0) => format!("{name} is empty"),
        (Some(key), _) => format!("{name} has no key {key}"),
        (None, _) => format!("{name} has neither tls.crt nor ca.crt: say which key, {name}:KEY"),
    };
    let keys = if more > 0 {
        format!("its keys: {keys} and {more} more")
    } else {
        format!("its keys: {keys}")
    };
    let failure = Failure::new(code::NO_OBJECT, message);
    if data.is_empty() { failure } else { failure.with(Label::Seen(keys)) }
}
