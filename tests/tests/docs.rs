//! What the pages under `docs/` name is there.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Result, ensure};
use netdiag_tests::environment::checkout;

/// Seen to fail with a letter of a path changed.
#[test]
fn every_file_that_a_page_names_exists() -> Result<()> {
    let mut named = BTreeSet::new();
    for page in ["security.md", "reliability.md", "audit.md"] {
        let text = fs::read_to_string(checkout().join("docs").join(page))?;
        let words = text.split('`').skip(1).step_by(2);
        let paths = words.filter(|word| word.contains('/') && word.ends_with(".rs"));
        named.extend(paths.map(str::to_owned));
    }
    ensure!(named.len() >= 30, "{named:?}");
    let missing: Vec<_> = named.iter().filter(|path| !checkout().join(path).exists()).collect();
    ensure!(missing.is_empty(), "{missing:?}");
    Ok(())
}
