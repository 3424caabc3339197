//! What is trusted to begin with.

use data_encoding::{BASE64, HEXUPPER_PERMISSIVE};
use netdiag_wire::dns::{RecordType, TrustAnchor};

use super::records::{Ds, Key};
use crate::{ProbeError, dns::name::Name};

/// The root's of IANA (data.iana.org/root-anchors): KSK-2017 and KSK-2024.
const IANA: [&str; 2] = [
    "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    "38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
];

/// Keys of a zone, whole or by their digests.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Anchor {
    pub(super) zone: Name,
    pub(super) ds: Vec<Ds>,
    pub(super) keys: Vec<Key>,
}

impl Anchor {
    pub(super) fn trusts(&self, key: &Key) -> bool {
        self.keys.contains(key) || self.ds.iter().any(|ds| key.matches(ds, &self.zone))
    }

    pub(super) fn tags(&self) -> String {
        let ds = self.ds.iter().map(|ds| ds.tag);
        let tags = ds.chain(self.keys.iter().map(|key| key.tag));
        tags.map(|tag| tag.to_string()).collect::<Vec<_>>().join(", ")
    }
}

/// The anchor that is nearest to `name` of those above it.
pub(super) fn nearest(given: &[TrustAnchor], name: &Name) -> Result<Option<Anchor>, ProbeError> {
    let mut anchors = read(given)?;
    anchors.retain(|anchor| name.is_within(&anchor.zone));
    Ok(anchors.into_iter().max_by_key(|anchor| anchor.zone.labels().count()))
}

fn read(given: &[TrustAnchor]) -> Result<Vec<Anchor>, ProbeError> {
    let iana =
        IANA.map(|data| TrustAnchor { zone: ".".into(), kind: RecordType::DS, data: data.into() });
    let mut anchors: Vec<Anchor> = Vec::new();
    for one in if given.is_empty() { &iana[..] } else { given } {
        let bad = |why: &str| ProbeError::Request(format!("trustAnchors: {:?}: {why}", one.data));
        let (zone, _) = Name::parse(&one.zone).map_err(|fault| bad(&fault))?;
        let at = anchors.iter().position(|anchor| anchor.zone.is_same(&zone));
        let at = at.unwrap_or_else(|| {
            anchors.push(Anchor { zone, ds: Vec::new(), keys: Vec::new() });
            anchors.len() - 1
        });
        let anchor = &mut anchors[at];
        match one.kind {
            RecordType::DS => {
                let ds = ds(&one.data).ok_or_else(|| bad("must be TAG ALGORITHM TYPE DIGEST"))?;
                anchor.ds.push(ds);
            }
            _ => {
                let key = key(&one.data).ok_or_else(|| bad("must be FLAGS 3 ALGORITHM KEY"))?;
                anchor.keys.push(key);
            }
        }
    }
    Ok(anchors)
}

/// Blanks within the digest and the key are as in zone files: of no account.
fn ds(text: &str) -> Option<Ds> {
    let mut words = text.split_ascii_whitespace();
    Some(Ds {
        tag: words.next()?.parse().ok()?,
        algorithm: words.next()?.parse().ok()?,
        digest_kind: words.next()?.parse().ok()?,
        digest: HEXUPPER_PERMISSIVE.decode(words.collect::<String>().as_bytes()).ok()?,
    })
}

fn key(text: &str) -> Option<Key> {
    let mut words = text.split_ascii_whitespace();
    let flags: u16 = words.next()?.parse().ok()?;
    let [protocol, algorithm] = [words.next()?.parse().ok()?, words.next()?.parse().ok()?];
    let public = BASE64.decode(words.collect::<String>().as_bytes()).ok()?;
    Key::read(&[&flags.to_be_bytes()[..], &[protocol, algorithm], &public].concat())
}
