//! The tree of zones that BIND serves: a root of our own and what hangs below it.

use std::{collections::BTreeMap, fs, path::Path};

use super::sign::{ECDSA, Signing, Spoil, Zone, publish};

/// Of the root, of the zones below it, of theirs; of nobody's zone; of nobody.
pub(crate) const ROOT: &str = "10.53.0.1";
pub(crate) const TOP: &str = "10.53.0.2";
pub(crate) const LEAF: &str = "10.53.0.3";
pub(crate) const LAME: &str = "10.53.0.4";
pub(crate) const SILENT: &str = "10.53.0.5";
/// Resolvers: one that takes everything, one that validates.
pub(crate) const RESOLVER: &str = "10.53.0.8";
pub(crate) const VALIDATOR: &str = "10.53.0.9";
pub(crate) const LEAF6: &str = "fd53::3";

/// Broken on purpose, and how.
pub(crate) const SPOILT: [(&str, Spoil); 7] = [
    ("expired.test.", Spoil::Expired),
    ("notyet.test.", Spoil::NotYet),
    ("nosig.test.", Spoil::NoSignature),
    ("otherkey.test.", Spoil::OtherKey),
    ("changed.test.", Spoil::Changed),
    ("wrongds.test.", Spoil::WrongDs),
    ("nokeys.test.", Spoil::NoKeys),
];

/// Well signed, by each algorithm.
const ALGORITHMS: [(&str, &str); 5] = [
    ("rsa512.test.", "RSASHA512"),
    ("p256.test.", ECDSA),
    ("p384.test.", "ECDSAP384SHA384"),
    ("ed25519.test.", "ED25519"),
    ("ed448.test.", "ED448"),
];

/// Names of the zones by the address that serves them.
pub(crate) type Served = BTreeMap<&'static str, Vec<&'static str>>;

/// Writes all zones into `directory`; the root's trust anchor is `anchor`, as DS.
pub(crate) struct Tree {
    pub(crate) served: Served,
    pub(crate) anchor: String,
}

impl Tree {
    pub(crate) fn write(directory: &Path) -> Self {
        let mut served = Served::new();
        let mut publish = |at: &'static str, zone: Zone| {
            served.entry(at).or_default().push(zone.name);
            publish(directory, &zone)
        };
        let leaves: Vec<_> = leaves().into_iter().map(|zone| publish(LEAF, zone)).collect();
        let child = publish(LEAF, zone("signed.optout.", SIMPLE, Signing::By(ECDSA)));
        publish(LEAF, zone("child.optout.", SIMPLE, Signing::Unsigned));
        publish(RESOLVER, zone("private.", SIMPLE, Signing::Unsigned));
        let test = format!("{TEST}{}", leaves.concat());
        let tops = [
            publish(TOP, zone("test.", &test, Signing::By(ECDSA))),
            publish(TOP, zone("optout.", &format!("{OPTOUT}{child}"), Signing::OptOut(ECDSA))),
            publish(TOP, zone("other.", OTHER, Signing::Unsigned)),
        ];
        let root = format!("{ROOT_ZONE}{}", tops.concat());
        let anchor = publish(ROOT, zone(".", &root, Signing::ByTwo("RSASHA256")));
        Self { served, anchor }
    }
}

fn leaves() -> Vec<Zone> {
    let mut zones = vec![
        zone(
            "good.test.",
            &format!("{SIMPLE}{}", fs::read_to_string(EVERY_TYPE).unwrap()),
            Signing::ByTwo("RSASHA256"),
        ),
        zone("nsec3.test.", &format!("{SIMPLE}{WILDCARD}"), Signing::Nsec3(ECDSA)),
        zone("unsigned.test.", &format!("{SIMPLE}ns A 10.53.0.3\n"), Signing::Unsigned),
        zone("halflame.test.", SIMPLE, Signing::Unsigned),
        zone("glueless.test.", SIMPLE, Signing::Unsigned),
    ];
    zones.extend(ALGORITHMS.map(|(name, algorithm)| zone(name, SIMPLE, Signing::By(algorithm))));
    zones.extend(SPOILT.map(|(name, spoil)| zone(name, SIMPLE, Signing::Spoilt(spoil))));
    zones
}

fn zone(name: &'static str, text: &str, signing: Signing) -> Zone {
    let head = "$TTL 300\n@ SOA ns.other. hostmaster.other. 2026112200 3600 600 86400 60\n";
    Zone { name, text: format!("{head}{text}"), signing }
}

const EVERY_TYPE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dns/good.test.zone");
const SIMPLE: &str = "@ NS ns.other.\nwww A 10.53.2.1\nwww AAAA fd53:2::1\nalias CNAME www\n";
const WILDCARD: &str = "*.wild TXT \"grown wild\"\nempty.below A 10.53.2.2\n";

const ROOT_ZONE: &str = "\
@ NS a.root.
a.root. A 10.53.0.1
test. NS a.top.
a.top. A 10.53.0.2
optout. NS a.top.
other. NS a.top.
";

const OTHER: &str = "\
@ NS a.top.
ns A 10.53.0.3
ns AAAA fd53::3
lame A 10.53.0.4
silent A 10.53.0.5
";

const OPTOUT: &str = "\
@ NS a.top.
child NS ns.other.
signed NS ns.other.
";

/// The delegations of `test.`; the DS records follow them.
const TEST: &str = "\
@ NS a.top.
good NS ns.good
ns.good A 10.53.0.3
ns.good AAAA fd53::3
nsec3 NS ns.other.
unsigned NS ns.unsigned
ns.unsigned A 10.53.0.3
lame NS lame.other.
silent NS silent.other.
halflame NS lame.other.
halflame NS silent.other.
halflame NS ns.other.
glueless NS ns.other.
loop NS ns.loop2
loop2 NS ns.loop
rsa512 NS ns.other.
p256 NS ns.other.
p384 NS ns.other.
ed25519 NS ns.other.
ed448 NS ns.other.
expired NS ns.other.
notyet NS ns.other.
nosig NS ns.other.
otherkey NS ns.other.
changed NS ns.other.
wrongds NS ns.other.
nokeys NS ns.other.
";
