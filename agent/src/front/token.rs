//! A caller's bearer token: what can be seen of it without asking anybody.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, header::AUTHORIZATION};
use jiff::Timestamp;
use netdiag_wire::scan::TARGET_TOKEN_HEADER;
use serde::Deserialize;
use zeroize::Zeroizing;

/// Longest life of a token that is accepted, in seconds.
const MAX_LIFETIME: i64 = 3_600;
/// TokenReview is the judge of expiry; this only spares the API server what is long dead by any
/// clock, for a node whose clock is wrong must stay diagnosable.
const CLOCK_LEEWAY: i64 = 3_600;
/// Tokens of ServiceAccounts are about 1 KiB.
const MAX_BYTES: usize = 8 * 1024;

/// Never printed, never logged, wiped when dropped.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Token(Zeroizing<String>);

/// Why a token is refused before the API server is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ShapeError {
    #[error("no bearer token in the Authorization header")]
    Missing,
    #[error("more than one Authorization header")]
    Several,
    #[error("more than one {TARGET_TOKEN_HEADER} header, or what it holds is no token")]
    Target,
    #[error("the bearer token is no ServiceAccount token")]
    NotJwt,
    #[error("the token is not for this agent alone: its audience must be exactly this agent's")]
    Audience,
    #[error("the token lives longer than {MAX_LIFETIME} s")]
    Lifetime,
    #[error("the token has expired")]
    Expired,
}

#[derive(Deserialize)]
struct Claims {
    aud: Audience,
    exp: i64,
    iat: i64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Token {
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Self, ShapeError> {
        let mut values = headers.get_all(AUTHORIZATION).into_iter();
        let value = values.next().ok_or(ShapeError::Missing)?;
        if values.next().is_some() {
            return Err(ShapeError::Several);
        }
        let (scheme, token) =
            value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(ShapeError::Missing)?;
        match scheme.eq_ignore_ascii_case("bearer") && token.len() <= MAX_BYTES {
            true => Ok(Self(Zeroizing::new(token.into()))),
            false => Err(ShapeError::Missing),
        }
    }

    /// The token that shows a right over the target, where there is one.
    pub(crate) fn of_target(headers: &HeaderMap) -> Result<Option<Self>, ShapeError> {
        let mut values = headers.get_all(TARGET_TOKEN_HEADER).into_iter();
        let Some(value) = values.next() else { return Ok(None) };
        let token = value.to_str().map_err(|_| ShapeError::Target)?;
        match values.next().is_none() && token.len() <= MAX_BYTES {
            true => Ok(Some(Self(Zeroizing::new(token.into())))),
            false => Err(ShapeError::Target),
        }
    }

    /// Whether it is worth a TokenReview by the agent of this audience.
    pub(crate) fn check_shape(&self, audience: &str, now: Timestamp) -> Result<(), ShapeError> {
        let claims = self.claims().ok_or(ShapeError::NotJwt)?;
        let is_ours = match &claims.aud {
            Audience::One(one) => one == audience,
            Audience::Several(several) => several.as_slice() == [audience],
        };
        let now = now.as_second();
        if !is_ours {
            return Err(ShapeError::Audience);
        }
        if !matches!(claims.exp.checked_sub(claims.iat), Some(0..=MAX_LIFETIME)) {
            return Err(ShapeError::Lifetime);
        }
        if claims.exp.saturating_add(CLOCK_LEEWAY) <= now {
            return Err(ShapeError::Expired);
        }
        Ok(())
    }

    /// For the TokenReview and nothing else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    fn claims(&self) -> Option<Claims> {
        let mut parts = self.0.split('.');
        let [header, payload, signature] = [parts.next()?, parts.next()?, parts.next()?];
        if parts.next().is_some() || header.is_empty() || signature.is_empty() {
            return None;
        }
        // RFC 7519 has claims in UTF-8; serde_json looks at the text of claims that are read alone.
        serde_json::from_str(&String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?).ok()
    }
}

impl Hash for Token {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OWN: &str = "netdiag.dev/agent/0f1e";

    fn token(claims: &serde_json::Value) -> Token {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let text = format!("{}.{}.c2ln", part(r#"{"alg":"RS256"}"#), part(&claims.to_string()));
        Token(Zeroizing::new(text))
    }

    #[test]
    fn shapes_are_judged_without_the_api_server() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let (iat, exp) = (1_800_000_000, 1_800_000_600);
        let table = [
            (json!({"aud": [OWN], "iat": iat, "exp": exp}), Ok(())),
            (json!({"aud": OWN, "iat": iat, "exp": exp}), Ok(())),
            (json!({"aud": [OWN], "iat": iat, "exp": iat + 3_600}), Ok(())),
            (json!({"aud": [OWN], "iat": iat, "exp": iat + 3_601}), Err(ShapeError::Lifetime)),
            (json!({"aud": [OWN], "iat": iat, "exp": iat + 2_592_000}), Err(ShapeError::Lifetime)),
            (json!({"aud": [OWN], "iat": exp, "exp": iat}), Err(ShapeError::Lifetime)),
            (json!({"aud": [OWN], "iat": i64::MIN, "exp": i64::MAX}), Err(ShapeError::Lifetime)),
            (json!({"aud": [OWN, "other"], "iat": iat, "exp": exp}), Err(ShapeError::Audience)),
            (json!({"aud": [OWN, OWN], "iat": iat, "exp": exp}), Err(ShapeError::Audience)),
            (json!({"aud": [], "iat": iat, "exp": exp}), Err(ShapeError::Audience)),
            (
                json!({"aud": ["netdiag.dev/agent/"], "iat": iat, "exp": exp}),
                Err(ShapeError::Audience),
            ),
            (
                json!({"aud": [OWN], "iat": iat - 9_000, "exp": iat - 7_200}),
                Err(ShapeError::Expired),
            ),
            (json!({"aud": [OWN], "iat": iat, "exp": "soon"}), Err(ShapeError::NotJwt)),
            (json!({"aud": [OWN], "iat": iat}), Err(ShapeError::NotJwt)),
            (json!([]), Err(ShapeError::NotJwt)),
        ];
        for (claims, want) in table {
            assert_eq!(token(&claims).check_shape(OWN, now), want, "{claims}");
        }
        for garbage in ["", "abc", "a.b", "a.b.c", "a.b.c.d", "..", "💥.💥.💥"] {
            let garbage = Token(Zeroizing::new(garbage.into()));
            assert_eq!(garbage.check_shape(OWN, now), Err(ShapeError::NotJwt));
        }
    }

    #[test]
    fn a_token_does_not_print() {
        let token = token(&json!({"aud": OWN, "iat": 0, "exp": 1}));
        assert_eq!(format!("{token:?} {:#?}", Some(&token)), "*** Some(\n    ***,\n)");
    }

    #[test]
    fn one_bearer_header_is_wanted() {
        let headers = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            headers
        };
        let read = |values: &[&str]| Token::from_headers(&headers(values)).map(|_| ());
        assert_eq!(read(&["Bearer a.b.c"]), Ok(()));
        assert_eq!(read(&["bearer a.b.c"]), Ok(()));
        assert_eq!(read(&[]), Err(ShapeError::Missing));
        assert_eq!(read(&["Basic YTpi"]), Err(ShapeError::Missing));
        assert_eq!(read(&["Bearer"]), Err(ShapeError::Missing));
        assert_eq!(read(&["Bearer a", "Bearer b"]), Err(ShapeError::Several));
        assert_eq!(read(&[&format!("Bearer {}", "a".repeat(9_000))]), Err(ShapeError::Missing));
    }
}
