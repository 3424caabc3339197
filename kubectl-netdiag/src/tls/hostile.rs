//! T23, B7, B10: whatever bytes a server puts in whatever field of a handshake, no output steers a
//! terminal or forges a line.

use netdiag_wire::{
    tls::{TlsAsked, TlsEnd, TlsTaken, TlsUpgrade},
    untrusted::is_hostile,
};

use super::scene::{Scene, Shop};
use crate::render::hostile::CRAFTED;

/// Where a server's bytes go.
type Field = fn(Scene, &Shop, &str) -> Scene;

const FIELDS: [(&str, Field); 9] = [
    ("version", |scene, _, text| {
        scene.but(|handshake| handshake.agreed.as_mut().unwrap().version = text.into())
    }),
    ("suite and group", |scene, _, text| {
        scene.but(|handshake| {
            let agreed = handshake.agreed.as_mut().unwrap();
            (agreed.cipher_suite, agreed.group) = (text.into(), Some(text.into()));
        })
    }),
    ("ALPN and signature", |scene, _, text| {
        scene.but(|handshake| {
            let agreed = handshake.agreed.as_mut().unwrap();
            (agreed.alpn, agreed.signature) = (Some(text.into()), Some(text.into()));
        })
    }),
    ("plain text", |scene, _, text| scene.ends(TlsEnd::PlainText { said: text.into() })),
    ("what it breaks", |scene, _, text| scene.ends(TlsEnd::Misbehaved { why: text.into() })),
    ("what it chose", |scene, _, text| scene.ends(TlsEnd::Incompatible { why: text.into() })),
    ("a refusal of STARTTLS", |scene, _, text| {
        let said = || text.into();
        let scene = scene.but(|handshake| {
            handshake.upgrade = Some(TlsUpgrade { took_us: 1, said: said() });
        });
        scene.ends(TlsEnd::NotUpgraded { said: said() })
    }),
    ("names in certificates", |mut scene, shop, text| {
        let asked = scene.report.asked.as_mut().unwrap();
        asked.certificates = vec![shop.certificate(text, &[], "2027-02-20T22:55:00Z")];
        let read = crate::certificates::Certificate::parse(asked.certificates[0].as_bytes());
        let authorities = vec![read.unwrap().subject.der.into(), text.into()];
        asked.staple = Some(text.into());
        scene.but(|handshake| {
            handshake.asked = Some(TlsAsked { authorities, ..TlsAsked::default() });
            handshake.end = TlsEnd::Alert { alert: 116 };
        })
    }),
    ("what it takes", |mut scene, _, text| {
        let suites = vec![text.into()];
        let groups = vec![text.into()];
        let refused = Some(TlsEnd::Misbehaved { why: text.into() });
        let version = || text.into();
        scene.report.versions = vec![
            TlsTaken { version: version(), suites, groups, ..TlsTaken::default() },
            TlsTaken { version: version(), refused, ..TlsTaken::default() },
        ];
        scene
    }),
];

/// Lines that begin as a verdict does.
fn verdicts(shown: &str) -> usize {
    let is_one = |line: &&str| ["OK  ", "FAIL", "WARN", "UNKN"].iter().any(|w| line.starts_with(w));
    shown.lines().filter(is_one).count()
}

#[test]
fn no_field_of_a_handshake_steers_a_terminal_or_forges_a_verdict() {
    let shop = Shop::new();
    for (name, field) in FIELDS {
        let usual = field(shop.scene(shop.checkout("2027-02-20T22:55:00Z")), &shop, "usual");
        for text in CRAFTED {
            for detail in [0, 1] {
                let scene = shop.scene(shop.checkout("2027-02-20T22:55:00Z"));
                let mut scene = field(scene, &shop, text);
                scene.screen.detail = detail;
                let shown = scene.shown();
                let odd = shown.chars().find(|letter| *letter != '\n' && is_hostile(*letter));
                assert_eq!(odd, None, "{name}: {text:?}: {shown}");
                assert_eq!(verdicts(&shown), verdicts(&usual.shown()), "{name}: {text:?}: {shown}");
            }
        }
    }
}
