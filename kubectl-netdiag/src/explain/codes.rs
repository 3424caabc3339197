//! Every code.
use crate::finding::Failure;
pub(super) fn explain(_code: Option<&str>) -> Result<String, Failure> {
    Ok(String::new())
}
