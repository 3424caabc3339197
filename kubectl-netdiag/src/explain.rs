//! `explain`: what a code means, how it comes and what mends it.

mod codes;

use crate::finding::Failure;

pub fn explain(code: Option<&str>) -> Result<String, Failure> {
    codes::explain(code)
}
