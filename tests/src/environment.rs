//! The environment variables that this crate reads.

use std::io;
use std::path::PathBuf;

/// The value of a variable, unless unset or empty.
#[expect(clippy::disallowed_methods, reason = "the one reader of test settings")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where what is slow to build lives: outside the checkout, so that a clean clone pays nothing.
pub fn cache() -> PathBuf {
    let base = variable("XDG_CACHE_HOME").map(PathBuf::from).unwrap_or_else(|| {
        PathBuf::from(variable("HOME").unwrap_or_else(|| "/root".into())).join(".cache")
    });
    base.join("netdiag")
}

/// The checkout that this program was built from.
pub fn checkout() -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    tests.parent().map(Into::into).unwrap_or(tests)
}

/// Another program of this crate, which cargo left beside the running one or, for a test, above it.
pub fn program(name: &str) -> io::Result<PathBuf> {
    let running = std::env::current_exe()?;
    let folder = running.parent().map(Into::into).unwrap_or_else(PathBuf::new);
    let folder = if folder.ends_with("deps") { folder.join("..") } else { folder };
    folder.join(name).canonicalize()
}
