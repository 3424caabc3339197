//! The upgrade to WebSocket (RFC 6455, section 4).

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use netdiag_wire::http::{HttpAnswer, field};

/// A nonce guards against caches, of which there are none on a connection of its own.
pub(super) const KEY: &str = "bmV0ZGlhZyBhc2tzIHRoZQ==";
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Why it is no upgrade.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum NotUpgraded {
    /// Another status.
    Status,
    /// The status, but not the proof that the key was read.
    NotProven,
}

pub(crate) fn check(answer: &HttpAnswer) -> Result<(), NotUpgraded> {
    if answer.status != 101 {
        return Err(NotUpgraded::Status);
    }
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, format!("{KEY}{GUID}").as_bytes());
    let proof = BASE64.encode(hash);
    match field(&answer.fields, "sec-websocket-accept") {
        Some(value) if value.as_bytes() == proof.as_bytes() => Ok(()),
        _ => Err(NotUpgraded::NotProven),
    }
}

#[cfg(test)]
mod tests {
    use netdiag_wire::http::HttpField;

    use super::*;

    #[test]
    fn an_upgrade_is_proven_by_the_key() {
        let answer = |status, proof: &str| HttpAnswer {
            status,
            fields: vec![HttpField::new("sec-websocket-accept", proof)],
            ..HttpAnswer::default()
        };
        assert_eq!(check(&answer(200, "")), Err(NotUpgraded::Status));
        assert_eq!(check(&answer(101, "x")), Err(NotUpgraded::NotProven));
        let hash =
            digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, format!("{KEY}{GUID}").as_bytes());
        assert_eq!(check(&answer(101, &BASE64.encode(hash))), Ok(()));
    }
}
