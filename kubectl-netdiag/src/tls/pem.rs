//! Certificates as text (RFC 7468).

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use netdiag_wire::Untrusted;

use crate::{code, finding::Failure};

/// Columns of the text (RFC 7468, section 2).
const COLUMNS: usize = 64;

/// One after the other, as served.
pub(super) fn of(certificates: &[Untrusted]) -> String {
    certificates.iter().map(|one| block(one.as_bytes())).collect()
}

fn block(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(COLUMNS).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// Nothing is ever overwritten.
pub(super) fn check(path: &Path) -> Result<(), Failure> {
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
