//! Certificates as text (RFC 7468).

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

use netdiag_wire::Untrusted;

use crate::{certificates::armour, code, finding::Failure};

/// One after the other, as served.
pub(super) fn of(certificates: &[Untrusted]) -> String {
    certificates.iter().map(|one| armour(one.as_bytes())).collect()
}

/// Nothing is ever overwritten.
pub(crate) fn check(path: &Path) -> Result<(), Failure> {
    match path.symlink_metadata() {
        Ok(_) => Err(unsaved(path, "it is there already; name a new file")),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(unsaved(path, &cause.to_string())),
    }
}

pub(super) fn save(path: &Path, certificates: &[Untrusted]) -> Result<(), Failure> {
    let opened = File::options().write(true).create_new(true).open(path);
    let written = opened.and_then(|mut file| file.write_all(of(certificates).as_bytes()));
    written.map_err(|cause| unsaved(path, &cause.to_string()))
}

fn unsaved(path: &Path, why: &str) -> Failure {
    Failure::new(code::BAD_VALUE, format!("--save {}: {why}", path.display()))
}
