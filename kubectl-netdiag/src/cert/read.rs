//! The bytes of a file, of stdin or of an object, and the certificates in them.

use std::{
    fs::File,
    io::{self, Read},
};

use netdiag_wire::Untrusted;
use zeroize::Zeroizing;

use crate::{
    args::Held,
    certificates::{Blocks, Certificate, blocks},
    cluster::{Cluster, held::Content},
    code,
    finding::{Failure, Label},
};

/// Ten thousand certificates, and more than any bundle of CAs.
const MAX_BYTES: u64 = 16 << 20;
const MAX_CERTIFICATES: usize = 10_000;

/// What was read, and from where.
pub(super) struct Source {
    /// `shop/secret/checkout-tls:tls.crt`, `tls.crt`, `stdin`.
    pub(super) name: String,
    pub(super) resource_version: Option<String>,
    /// May hold a private key, and so is wiped.
    bytes: Zeroizing<Vec<u8>>,
    /// `tls.key` of a Secret whose `tls.crt` was read.
    beside: Option<Zeroizing<Vec<u8>>>,
    /// The object's other keys have a CA's certificate.
    pub(super) has_ca: bool,
    object: Option<String>,
    key: Option<String>,
}

impl Source {
    /// `tls.crt` of a Secret is a server's, whatever it says.
    pub(super) fn is_server(&self) -> bool {
        self.key.as_deref() == Some("tls.crt")
    }

    /// Where a private key is, if there is one.
    pub(super) fn private_key(&self) -> Option<&[u8]> {
        const WORDS: &[u8] = b"PRIVATE KEY-----";
        let own = || self.bytes.windows(WORDS.len()).any(|bytes| bytes == WORDS);
        let beside = self.beside.as_ref().map(|bytes| bytes.as_slice());
        beside.or_else(|| own().then_some(self.bytes.as_slice()))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// `tls.key`, or the key in the same file.
    pub(super) fn key_name(&self) -> &'static str {
        if self.beside.is_some() { "tls.key" } else { "the private key in it" }
    }

    /// `shop/secret/checkout-tls:ca.crt`.
    pub(super) fn ca(&self) -> String {
        format!("{}:ca.crt", self.object.as_deref().unwrap_or_default())
    }
}

pub(super) async fn read(held: &Held, cluster: Option<&Cluster>) -> Result<Source, Failure> {
    match (held, cluster) {
        (Held::Stdin, _) => taken("stdin".into(), io::stdin()),
        (Held::File(path), _) => {
            let name = Untrusted::from(path.to_string_lossy().into_owned()).to_string();
            let file = File::open(path).map_err(|error| unread(&name, &error))?;
            taken(name, file)
        }
        (Held::Object(holder), Some(cluster)) => Ok(of_object(cluster.held(holder).await?)),
        (Held::Object(holder), None) => {
            Err(Failure::new(code::API_SERVER, format!("no cluster to read {} from", holder.name)))
        }
    }
}

fn of_object(mut content: Content) -> Source {
    let is_served = content.key == "tls.crt";
    let key = content.beside.remove("tls.key").map(Zeroizing::new);
    Source {
        beside: key.filter(|_| is_served),
        name: format!("{}:{}", content.name, content.key),
        resource_version: Some(content.resource_version),
        bytes: Zeroizing::new(content.bytes),
        has_ca: content.key != "ca.crt" && content.beside.contains_key("ca.crt"),
        object: Some(content.name),
        key: Some(content.key),
    }
}

fn taken(name: String, from: impl Read) -> Result<Source, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unread(&name, &error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(wrong(&name, &format!("larger than {} MiB", MAX_BYTES >> 20)));
    }
    Ok(Source {
        name,
        resource_version: None,
        bytes,
        beside: None,
        has_ca: false,
        object: None,
        key: None,
    })
}

fn unread(name: &str, error: &io::Error) -> Failure {
    Failure::new(code::NO_OBJECT, format!("read {name}: {error}"))
}

fn wrong(name: &str, why: &str) -> Failure {
    Failure::new(code::BAD_VALUE, format!("{name}: {why}"))
}

/// Every certificate in it, at least one; and why others that are there cannot be read.
pub(super) fn certificates_of(source: &Source) -> Result<(Vec<Certificate>, Vec<String>), Failure> {
    let name = &source.name;
    let found = blocks(&source.bytes).map_err(|why| wrong(name, &why.to_string()))?;
    match found.certificates.len() {
        0 => return Err(none(name, &found)),
        1..=MAX_CERTIFICATES => {}
        many => {
            let why = format!("{many} certificates, of which {MAX_CERTIFICATES} can be read");
            return Err(wrong(name, &why));
        }
    }
    let mut broken: Vec<String> = found.broken.iter().map(ToString::to_string).collect();
    let mut certificates = Vec::new();
    for (at, der) in found.certificates.iter().enumerate() {
        match Certificate::parse(der) {
            Ok(certificate) => certificates.push(certificate),
            Err(why) => broken.push(format!("certificate {at} cannot be decoded: {why}")),
        }
    }
    match broken.first() {
        Some(why) if certificates.is_empty() => Err(wrong(name, why)),
        _ => Ok((certificates, broken)),
    }
}

/// Likewise, of what is to be trusted: all of it, or an error.
pub(super) fn whole(source: &Source) -> Result<Vec<Certificate>, Failure> {
    match certificates_of(source)? {
        (certificates, broken) if broken.is_empty() => Ok(certificates),
        (_, broken) => Err(wrong(&source.name, &broken[0])),
    }
}

fn none(name: &str, found: &Blocks) -> Failure {
    let mut words: Vec<String> = found.others.iter().take(5).cloned().collect();
    if found.private_keys > 0 {
        words.push("a private key".into());
    }
    let failure = wrong(name, "no certificate in it");
    if words.is_empty() { failure } else { failure.with(Label::Seen(words.join(", "))) }
}
