//! The same question by dig and by the engine, in one namespace: what both show is compared part by
//! part.

use super::{
    bind::Bind,
    dig::{Printed, dig, request},
    run::{queries, run},
    zones::{RESOLVER, VALIDATOR},
};

/// As dig takes them; every one is asked for the whole answer.
const QUESTIONS: &[&str] = &[
    // Each type of the issue.
    "@10.53.0.3 www.good.test A",
    "@10.53.0.3 www.good.test AAAA",
    "@10.53.0.3 one.good.test CNAME",
    "@10.53.0.3 good.test NS",
    "@10.53.0.3 good.test SOA",
    "@10.53.0.3 good.test MX",
    "@10.53.0.3 good.test TXT",
    "@10.53.0.3 _sip._udp.good.test SRV",
    "@10.53.0.3 good.test CAA",
    "@10.53.0.3 good.test HTTPS",
    "@10.53.0.3 svcb4.good.test HTTPS",
    "@10.53.0.3 svcb.good.test SVCB",
    "@10.53.0.3 svcb2.good.test SVCB",
    "@10.53.0.3 svcb3.good.test SVCB",
    "@10.53.0.2 good.test DS",
    "@10.53.0.2 ed25519.test DS +dnssec",
    "@10.53.0.3 good.test DNSKEY",
    "@10.53.0.1 . DNSKEY +dnssec",
    "@10.53.0.3 good.test RRSIG +tcp",
    "@10.53.0.3 www.good.test NSEC +dnssec",
    "@10.53.0.3 nsec3.test NSEC3PARAM",
    "@10.53.0.3 nobody.nsec3.test A +dnssec",
    "@10.53.0.3 _443._tcp.good.test TLSA",
    "@10.53.0.3 naptr.good.test NAPTR",
    "@10.53.0.3 -x 10.53.2.1",
    "@10.53.0.3 good.test ANY",
    "@10.53.0.3 good.test ANY +tcp",
    "@10.53.0.3 good.test AXFR",
    "@10.53.0.3 unsigned.test AXFR",
    "@10.53.0.3 unknown.good.test TYPE123",
    "@10.53.0.3 unknown2.good.test TYPE65432",
    // The rest of what IANA knows and BIND serves.
    "@10.53.0.3 host.good.test HINFO",
    "@10.53.0.3 loc.good.test LOC",
    "@10.53.0.3 loc2.good.test LOC",
    "@10.53.0.3 sshfp.good.test SSHFP",
    "@10.53.0.3 rp.good.test RP",
    "@10.53.0.3 afsdb.good.test AFSDB",
    "@10.53.0.3 kx.good.test KX",
    "@10.53.0.3 cert.good.test CERT",
    "@10.53.0.3 px.good.test PX",
    "@10.53.0.3 x25.good.test X25",
    "@10.53.0.3 isdn.good.test ISDN",
    "@10.53.0.3 rt.good.test RT",
    "@10.53.0.3 nsap.good.test NSAP",
    "@10.53.0.3 gpos.good.test GPOS",
    "@10.53.0.3 eid.good.test EID",
    "@10.53.0.3 apl.good.test APL",
    "@10.53.0.3 dhcid.good.test DHCID",
    "@10.53.0.3 ipsec.good.test IPSECKEY",
    "@10.53.0.3 ipsec6.good.test IPSECKEY",
    "@10.53.0.3 hip.good.test HIP",
    "@10.53.0.3 smime.good.test SMIMEA",
    "@10.53.0.3 pgp.good.test OPENPGPKEY",
    "@10.53.0.3 cds.good.test CDS",
    "@10.53.0.3 cdnskey.good.test CDNSKEY",
    "@10.53.0.3 csync.good.test CSYNC",
    "@10.53.0.3 zonemd.good.test ZONEMD",
    "@10.53.0.3 nid.good.test NID",
    "@10.53.0.3 l32.good.test L32",
    "@10.53.0.3 l64.good.test L64",
    "@10.53.0.3 lp.good.test LP",
    "@10.53.0.3 eui48.good.test EUI48",
    "@10.53.0.3 eui64.good.test EUI64",
    "@10.53.0.3 uri.good.test URI",
    "@10.53.0.3 amt.good.test AMTRELAY",
    "@10.53.0.3 avc.good.test AVC",
    "@10.53.0.3 doa.good.test DOA",
    "@10.53.0.3 ninfo.good.test NINFO",
    "@10.53.0.3 rkey.good.test RKEY",
    "@10.53.0.3 sink.good.test SINK",
    "@10.53.0.3 talink.good.test TALINK",
    "@10.53.0.3 spf.good.test SPF",
    "@10.53.0.3 minfo.good.test MINFO",
    "@10.53.0.3 mb.good.test MB",
    "@10.53.0.3 mg.good.test MG",
    "@10.53.0.3 mr.good.test MR",
    // What a name can lead to.
    "@10.53.0.3 one.good.test A",
    "@10.53.0.3 circle.good.test A",
    "@10.53.0.3 outside.good.test A",
    "@10.53.0.3 dangling.good.test A",
    "@10.53.0.3 www.tree.good.test A",
    "@10.53.0.3 tree.good.test DNAME",
    "@10.53.0.3 any.wild.good.test TXT",
    "@10.53.0.3 any.wild.good.test TXT +dnssec",
    "@10.53.0.3 nobody.good.test A",
    "@10.53.0.3 nobody.good.test A +dnssec",
    "@10.53.0.3 www.good.test MX",
    "@10.53.0.3 www.good.test MX +dnssec",
    "@10.53.0.3 host.sub.good.test A",
    "@10.53.0.3 deleg.good.test NS",
    "@10.53.0.1 www.good.test A",
    "@10.53.0.1 www.good.test A +dnssec",
    "@10.53.0.2 www.child.optout A +dnssec",
    "@10.53.0.4 www.lame.test A",
    r"@10.53.0.3 odd\.dot.label.good.test A",
    r"@10.53.0.3 sp\032ace.good.test A",
    "@10.53.0.3 uPPer.GOOD.test A",
    r"@10.53.0.3 \*.star.deep.good.test A",
    "@10.53.0.3 under_score.good.test A",
    "@10.53.0.3 many.good.test A",
    "@10.53.0.3 text.good.test TXT",
    "@10.53.0.3 text2.good.test TXT",
    "@10.53.0.3 long.good.test TXT",
    // Ways to ask.
    "@10.53.0.3 big.good.test TXT",
    "@10.53.0.3 big.good.test TXT +ignore",
    "@10.53.0.3 big.good.test TXT +tcp",
    "@10.53.0.3 mid.good.test TXT +bufsize=512",
    "@10.53.0.3 mid.good.test TXT +bufsize=4096",
    "@10.53.0.3 mid.good.test TXT +noedns",
    "@10.53.0.3 www.good.test A +noedns",
    "@10.53.0.3 www.good.test A +nsid",
    "@10.53.0.3 www.good.test A +nocookie",
    "@10.53.0.3 www.good.test A +cookie=0102030405060708",
    "@10.53.0.3 www.good.test A +subnet=10.1.0.0/16",
    "@10.53.0.3 www.good.test A +norecurse",
    "@10.53.0.3 www.good.test A +noadflag +cdflag",
    "@10.53.0.3 www.good.test A +tcp",
    "@10.53.0.3 www.good.test A +tls",
    "@10.53.0.3 www.good.test A +https",
    "@10.53.0.3 www.good.test A -4",
    "@10.53.0.3 www.good.test A -b 10.53.0.7",
    "@fd53::3 www.good.test A -6",
    "@10.53.0.3 version.bind TXT -c CH",
    "@10.53.0.3 www.good.test A -c HS",
    // Resolvers.
    "@10.53.0.8 www.good.test A",
    "@10.53.0.8 www.nsec3.test AAAA",
    "@10.53.0.8 outside.good.test A",
    "@10.53.0.8 nobody.good.test A",
    "@10.53.0.8 www.child.optout A",
    "@10.53.0.8 www.glueless.test A",
    "@10.53.0.9 www.good.test A",
    "@10.53.0.9 www.good.test A +dnssec",
    "@10.53.0.9 www.good.test A +noadflag",
    "@10.53.0.9 www.unsigned.test A +dnssec",
    "@10.53.0.9 www.changed.test A",
    "@10.53.0.9 www.changed.test A +cdflag +dnssec",
    "@10.53.0.9 www.expired.test A",
    "@10.53.0.9 nobody.nsec3.test A +dnssec",
];

/// Where the engine shows something else, and why.
const KNOWN: &[(&str, &str)] =
    &[("@10.53.0.3 www.good.test A +https", "BIND speaks HTTP/2 only, the engine HTTP/1.1")];

#[test]
fn what_dig_shows_is_shown() {
    let bind = Bind::start();
    let is_known = |question: &str| KNOWN.iter().any(|(known, _)| *known == question);
    let mut wrong = Vec::new();
    for question in QUESTIONS {
        match (difference(&bind, question), is_known(question)) {
            (Some(difference), false) => wrong.push(difference),
            (None, true) => wrong.push(format!("{question}: no longer differs")),
            (Some(_), true) | (None, false) => {}
        }
    }
    let (count, all) = (wrong.len(), QUESTIONS.len());
    assert!(wrong.is_empty(), "{count} of {all} differ:\n{}", wrong.join("\n"));
}

/// `None` if both show the same.
fn difference(bind: &Bind, question: &str) -> Option<String> {
    let output = dig(&bind.namespace, question);
    let digs = Printed::by_dig(&output);
    assert!(!digs.size.is_empty(), "{question}: {output}");
    let report = run(&bind.namespace, &request(question)).unwrap();
    let queries = queries(&report);
    assert_eq!(queries.len(), 1, "{question}");
    let mut ours = Printed::by_engine(queries[0]);
    if [RESOLVER, VALIDATOR].iter().any(|server| question.contains(server)) {
        ours.forgive_a_second(&digs);
    }
    (ours != digs).then(|| format!("{question}\n  dig  {digs:?}\n  ours {ours:?}"))
}
