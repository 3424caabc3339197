//! Validation: the link that breaks is the one that is named, and delv comes to the same verdict.

use netdiag_probe::names::ResolverFiles;
use netdiag_wire::dns::{
    ChainLink, DnsMode, DnsRequest,
    Proof::{self, Bogus, Insecure, Secure},
    RecordType, TrustAnchor,
};

use super::{
    bind::Bind,
    dig::dig,
    run::{queries, run, run_with},
    zones::{LEAF, RESOLVER, VALIDATOR},
};
use crate::sandbox;

/// Name, type, verdict; the last link's owner and type, and a part of its reason. Where delv comes to
/// another verdict, it is said why.
const CASES: &[(&str, &str, Proof, &str, &str)] = &[
    ("www.good.test", "A", Secure, "www.good.test. A", "A of www.good.test. signed by key"),
    ("www.good.test", "AAAA", Secure, "www.good.test. AAAA", "(RSASHA256) of good.test."),
    ("WWW.Good.TEST", "A", Secure, "www.good.test. A", "(RSASHA256) of good.test."),
    ("www.rsa512.test", "A", Secure, "www.rsa512.test. A", "(RSASHA512)"),
    ("www.p256.test", "A", Secure, "www.p256.test. A", "(ECDSAP256SHA256)"),
    ("www.p384.test", "A", Secure, "www.p384.test. A", "(ECDSAP384SHA384)"),
    ("www.ed25519.test", "A", Secure, "www.ed25519.test. A", "(ED25519)"),
    ("www.signed.optout", "A", Secure, "www.signed.optout. A", "of signed.optout."),
    ("www.nsec3.test", "A", Secure, "www.nsec3.test. A", "of nsec3.test."),
    (".", "SOA", Secure, ". SOA", "SOA of . signed by key"),
    ("good.test", "DS", Secure, "good.test. DS", "of test."),
    ("good.test", "DNSKEY", Secure, "good.test. DNSKEY", "of good.test."),
    // Types whose data hold names, in canonical form.
    ("good.test", "MX", Secure, "good.test. MX", "signed by"),
    ("good.test", "SOA", Secure, "good.test. SOA", "signed by"),
    ("_sip._udp.good.test", "SRV", Secure, "_sip._udp.good.test. SRV", "signed by"),
    ("naptr.good.test", "NAPTR", Secure, "naptr.good.test. NAPTR", "signed by"),
    ("px.good.test", "PX", Secure, "px.good.test. PX", "signed by"),
    ("rp.good.test", "RP", Secure, "rp.good.test. RP", "signed by"),
    ("kx.good.test", "KX", Secure, "kx.good.test. KX", "signed by"),
    ("minfo.good.test", "MINFO", Secure, "minfo.good.test. MINFO", "signed by"),
    ("hip.good.test", "HIP", Secure, "hip.good.test. HIP", "signed by"),
    ("svcb3.good.test", "SVCB", Secure, "svcb3.good.test. SVCB", "signed by"),
    ("big.good.test", "TXT", Secure, "big.good.test. TXT", "signed by"),
    ("unknown.good.test", "TYPE123", Secure, "unknown.good.test. TYPE123", "signed by"),
    // Aliases, wildcards.
    ("one.good.test", "A", Secure, "www.good.test. A", "signed by"),
    ("outside.good.test", "A", Secure, "www.nsec3.test. A", "of nsec3.test."),
    ("www.tree.good.test", "A", Secure, "www.leaf.good.test. A", "of good.test."),
    ("a.wild.good.test", "TXT", Secure, "a.wild.good.test. TXT", "as *.wild.good.test."),
    ("a.b.wild.nsec3.test", "TXT", Secure, "a.b.wild.nsec3.test. TXT", "as *.wild.nsec3.test."),
    // Denials.
    ("nobody.good.test", "A", Secure, "nobody.good.test. A", "does not exist: proved by NSEC of"),
    ("nobody.nsec3.test", "A", Secure, "nobody.nsec3.test. A", "not exist: proved by NSEC3 of"),
    ("www.good.test", "MX", Secure, "www.good.test. MX", "has no MX: proved by NSEC of"),
    ("www.nsec3.test", "MX", Secure, "www.nsec3.test. MX", "has no MX: proved by NSEC3 of"),
    ("a.wild.good.test", "MX", Secure, "a.wild.good.test. MX", "has no MX: proved by NSEC of"),
    ("a.wild.nsec3.test", "MX", Secure, "a.wild.nsec3.test. MX", "no MX: proved by NSEC3 of"),
    ("leaf.good.test", "A", Secure, "leaf.good.test. A", "has no A: proved by NSEC of"),
    ("below.nsec3.test", "A", Secure, "below.nsec3.test. A", "has no A: proved by NSEC3 of"),
    ("dangling.good.test", "A", Secure, "nobody.good.test. A", "does not exist: proved by"),
    // Not signed, and that is proved.
    ("www.unsigned.test", "A", Insecure, "www.unsigned.test. A", "is not signed"),
    ("nobody.unsigned.test", "A", Insecure, "nobody.unsigned.test. A", "is not signed"),
    ("www.child.optout", "A", Insecure, "www.child.optout. A", "is not signed"),
    ("ns.other", "A", Insecure, "ns.other. A", "is not signed"),
    ("www.ed448.test", "A", Insecure, "www.ed448.test. A", "is not signed"),
    ("nobody.optout", "A", Insecure, "nobody.optout. A", "has opt-out, so it may"),
    // Broken.
    ("www.expired.test", "A", Bogus, "expired.test. DNSKEY", "expired 2020-02-01 00:00:00 UTC"),
    (
        "www.notyet.test",
        "A",
        Bogus,
        "notyet.test. DNSKEY",
        "is not valid before 2090-01-01 00:00:00",
    ),
    ("www.nosig.test", "A", Bogus, "www.nosig.test. A", "no signature (RRSIG), though nosig.test."),
    ("www.otherkey.test", "A", Bogus, "www.otherkey.test. A", "which is none of otherkey.test."),
    ("www.changed.test", "A", Bogus, "www.changed.test. A", "does not fit the records"),
    (
        "www.wrongds.test",
        "A",
        Bogus,
        "wrongds.test. DNSKEY",
        "no key of wrongds.test. matches the DS",
    ),
    ("www.nokeys.test", "A", Bogus, "nokeys.test. DNSKEY", "has no DNSKEY, but the DS wants key"),
];

/// Where delv comes to another verdict, and why.
const DELV_DIFFERS: &[(&str, Proof, &str)] = &[
    (
        "www.ed448.test",
        Secure,
        "aws-lc has no Ed448, so the zone counts as unsigned (RFC 4035, 5.2)",
    ),
    ("nobody.optout", Secure, "an unsigned zone may hide behind opt-out (RFC 5155, section 9.2)"),
];

fn validating(bind: &Bind, server: &str, name: &str, kind: RecordType) -> DnsRequest {
    let mut request = DnsRequest::ask(name, kind, server);
    request.validate = true;
    request.trust_anchors = vec![bind.anchor.clone()];
    request
}

fn shown(link: &ChainLink) -> String {
    format!("{} {} {:?}: {}", link.name, link.kind, link.proof, link.reason)
}

#[test]
fn the_link_that_breaks_is_named_and_delv_agrees() {
    let bind = Bind::start();
    for (name, kind, proof, last, reason) in CASES {
        let request = validating(&bind, RESOLVER, name, kind.parse().unwrap());
        let report = run(&bind.namespace, &request).unwrap();
        let chain: Vec<_> = report.chain.iter().map(shown).collect();
        let context = format!("{name} {kind}: {chain:#?}");
        assert_eq!(report.proof, Some(*proof), "{context}");
        assert!(chain[0].starts_with(". DNSKEY Secure: "), "{context}");
        let end = chain.last().unwrap();
        assert!(
            end.to_lowercase().starts_with(&format!("{last} {proof:?}: ").to_lowercase()),
            "{context}"
        );
        assert!(end.contains(reason), "{context}");
        let other = DELV_DIFFERS.iter().find(|(differs, ..)| differs == name);
        let delvs = other.map_or(*proof, |(_, delvs, _)| *delvs);
        assert_eq!(delv(&bind, name, kind), delvs, "{context}");
    }
}

/// Keys of every algorithm are checked without a file, a thread or a right.
#[test]
fn a_sandbox_is_no_hindrance() {
    let bind = Bind::start();
    for name in ["www.good.test", "www.p384.test", "www.ed25519.test", "nobody.nsec3.test"] {
        let request = validating(&bind, RESOLVER, name, RecordType::A);
        let report =
            run_with(&bind.namespace, &request, &ResolverFiles::default(), sandbox::close).unwrap();
        assert_eq!(report.proof, Some(Secure), "{name} {:#?}", report.chain);
    }
}

/// The name that was found, by the server that found it.
#[test]
fn a_walk_is_validated_where_it_ends() {
    let bind = Bind::start();
    let resolv_conf = format!("nameserver {RESOLVER}\nsearch good.test\noptions ndots:2\n");
    let files = ResolverFiles { resolv_conf: resolv_conf.into(), ..ResolverFiles::default() };
    for mode in [DnsMode::Walk, DnsMode::EveryServer] {
        let mut request = validating(&bind, RESOLVER, "www", RecordType::A);
        (request.mode, request.servers) = (mode, Vec::new());
        let report = run_with(&bind.namespace, &request, &files, || ()).unwrap();
        let chain: Vec<_> = report.chain.iter().map(shown).collect();
        assert_eq!(report.proof, Some(Secure), "{chain:#?}");
        assert!(chain.last().unwrap().starts_with("www.good.test. A Secure: "), "{chain:#?}");
    }
}

/// As a cluster's names are: nobody above knows of them.
#[test]
fn a_private_zone_is_denied_by_the_root() {
    let bind = Bind::start();
    let request = validating(&bind, RESOLVER, "www.private", RecordType::A);
    let chain: Vec<_> =
        run(&bind.namespace, &request).unwrap().chain.iter().skip(1).map(shown).collect();
    let wanted = [
        "private. DS Secure: private. does not exist: proved by NSEC of .",
        "www.private. A Bogus: A has no signature (RRSIG), though . is signed",
    ];
    assert_eq!(chain, wanted);
}

/// The last link.
fn end(bind: &Bind, request: &DnsRequest) -> String {
    let report = run(&bind.namespace, request).unwrap();
    shown(report.chain.last().unwrap())
}

#[test]
fn what_cannot_be_proved_is_said() {
    let bind = Bind::start();
    let ask = |server| validating(&bind, server, "www.good.test", RecordType::A);
    let anchored = |zone: &str, data: &str| {
        let (zone, data) = (zone.into(), data.into());
        let anchor = TrustAnchor { zone, kind: RecordType::DS, data };
        DnsRequest { trust_anchors: vec![anchor], ..ask(RESOLVER) }
    };
    let digest = "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";
    let cases = [
        (ask(VALIDATOR), "www.good.test. A Secure: A of www.good.test. signed by key"),
        (
            validating(&bind, RESOLVER, "good.test", RecordType::RRSIG),
            "good.test. RRSIG Indeterminate: signatures are not signed themselves",
        ),
        (ask(LEAF), ". DNSKEY Indeterminate: DNSKEY of . could not be had: REFUSED from 10.53.0.3"),
        (
            DnsRequest { trust_anchors: Vec::new(), ..ask(RESOLVER) },
            ". DNSKEY Bogus: no key of . matches the trust anchor, which is of key 20326, 38696; it",
        ),
        (
            anchored("other.", &format!("1 8 2 {digest}")),
            "www.good.test. DNSKEY Indeterminate: no trust anchor is of www.good.test. or above it",
        ),
        (
            anchored("test.", &format!("1 8 2 {digest}")),
            "test. DNSKEY Bogus: no key of test. matches the trust anchor, which is of key 1; it has",
        ),
    ];
    for (request, wanted) in cases {
        let end = end(&bind, &request);
        assert!(end.starts_with(wanted), "{end}");
    }
    let bad = run(&bind.namespace, &anchored(".", "20326 8 2 XY")).unwrap_err();
    assert_eq!(
        bad.to_string(),
        r#"trustAnchors: "20326 8 2 XY": must be TAG ALGORITHM TYPE DIGEST"#
    );
}

#[test]
fn a_key_is_an_anchor_and_queries_say_for_which_zone_they_are() {
    let bind = Bind::start();
    let dig = dig(&bind.namespace, "@10.53.0.2 test. DNSKEY +short +nosplit");
    let key =
        TrustAnchor { zone: "test".into(), kind: RecordType::DNSKEY, data: dig.trim().into() };
    let mut request = validating(&bind, RESOLVER, "www.p256.test", RecordType::A);
    request.trust_anchors.push(key);
    let report = run(&bind.namespace, &request).unwrap();
    let chain: Vec<_> = report.chain.iter().map(shown).collect();
    assert_eq!(report.proof, Some(Secure), "{chain:#?}");
    assert!(chain[0].starts_with("test. DNSKEY Secure: "), "{chain:#?}");
    let asked: Vec<_> = queries(&report)
        .iter()
        .map(|query| {
            let zone = query.on_behalf_of.as_ref().map_or("itself".into(), ToString::to_string);
            format!("{} {} for {zone}", query.name, query.kind)
        })
        .collect();
    let wanted = [
        "www.p256.test. A for itself",
        "test. DNSKEY for test.",
        "www.p256.test. A for www.p256.test.",
        "p256.test. DS for test.",
        "p256.test. DNSKEY for p256.test.",
    ];
    assert_eq!(asked, wanted);
}

/// By its first words.
fn delv(bind: &Bind, name: &str, kind: &str) -> Proof {
    let server = format!("@{RESOLVER}");
    let anchors = bind.directory.path().join("anchors");
    let anchors = anchors.to_str().unwrap();
    let output = bind.namespace.output("delv", &[&server, "-a", anchors, name, kind]);
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let words = ["fully validated", "unsigned answer", "resolution failed"];
    match words.iter().position(|word| text.contains(word)) {
        Some(0) => Secure,
        Some(1) => Insecure,
        Some(2) => Bogus,
        _ => panic!("{name} {kind}: {text}"),
    }
}
