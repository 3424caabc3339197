//! Tokens that the API server would never mint, made with its own key or with another.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use netdiag_tests::lab::pki;
use rcgen::{KeyPair, SigningKey};
use serde_json::{Value, json};

/// A JWT in its parts.
#[derive(Clone)]
pub(crate) struct Jwt {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    pub(crate) signature: String,
}

impl Jwt {
    pub(crate) fn parse(token: &str) -> Result<Self> {
        let parts: Vec<&str> = token.split('.').collect();
        ensure!(parts.len() == 3, "a token of {} parts", parts.len());
        let read = |part: &str| -> Result<Value> {
            Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
        };
        let (header, claims) = (read(parts[0])?, read(parts[1])?);
        Ok(Self { header, claims, signature: parts[2].into() })
    }

    pub(crate) fn text(&self) -> String {
        format!("{}.{}", self.unsigned(), self.signature)
    }

    /// Other claims, and the old signature.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    /// Valid for `life` seconds from `age` seconds ago.
    pub(crate) fn lasting(self, age: i64, life: i64) -> Result<Self> {
        let issued = self.claims["iat"].as_i64().context("iat")? - age;
        Ok(self.with("iat", issued).with("nbf", issued).with("exp", issued + life))
    }

    /// No signature, and a header that says so.
    pub(crate) fn unprotected(mut self) -> Self {
        self.header = json!({ "alg": "none", "typ": "JWT" });
        self.signature = String::new();
        self
    }

    /// Signed as the API server signs.
    pub(crate) fn signed_by_the_cluster(self) -> Result<Self> {
        let pem = std::fs::read_to_string(pki::service_account_key())?;
        self.signed(&KeyPair::from_pem(&pem)?)
    }

    pub(crate) fn signed_by_a_stranger(self) -> Result<Self> {
        self.signed(&KeyPair::generate()?)
    }

    fn signed(mut self, key: &KeyPair) -> Result<Self> {
        ensure!(self.header["alg"] == "ES256", "the cluster signs by {}", self.header["alg"]);
        let der = key.sign(self.unsigned().as_bytes())?;
        self.signature = URL_SAFE_NO_PAD.encode(fixed(&der)?);
        Ok(self)
    }

    fn unsigned(&self) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", part(&self.header), part(&self.claims))
    }
}

/// From ECDSA-Sig-Value (RFC 3279) to the two numbers of 32 bytes that a JWT has (RFC 7518 §3.4).
fn fixed(der: &[u8]) -> Result<Vec<u8>> {
    let mut rest = der.get(2..).context("a short signature")?;
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let length = usize::from(*rest.get(1).context("a short signature")?);
        let number = rest.get(2..2 + length).context("a short signature")?;
        rest = &rest[2 + length..];
        let number = &number[number.iter().take_while(|byte| **byte == 0).count()..];
        ensure!(number.len() <= 32, "a number of {} bytes", number.len());
        numbers.extend(std::iter::repeat_n(0, 32 - number.len()).chain(number.iter().copied()));
    }
    Ok(numbers)
}
