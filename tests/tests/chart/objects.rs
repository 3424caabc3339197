//! Reading rendered YAML.

use anyhow::{Context, Result};
use serde_json::Value;

/// Every object of a stream of YAML documents.
pub(crate) fn parse(yaml: &str) -> Result<Vec<Value>> {
    let objects: Vec<Value> = serde_saphyr::from_multiple(yaml).context("parse the YAML")?;
    Ok(objects.into_iter().filter(|object| !object.is_null()).collect())
}

/// The one object of this kind and name.
pub(crate) fn find<'a>(objects: &'a [Value], kind: &str, name: &str) -> Result<&'a Value> {
    let is_it = |o: &&Value| o["kind"] == kind && o["metadata"]["name"] == name;
    objects.iter().find(is_it).with_context(|| format!("no {kind} {name}"))
}
