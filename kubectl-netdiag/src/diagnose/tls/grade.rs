//! What a server takes, by rules that have names; the worst of them makes the grade.

use std::fmt;

use netdiag_wire::tls::TlsTaken;

/// As nmap has them, from good to broken.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Grade {
    A,
    /// Secure where it is implemented without a flaw, which took twenty years.
    B,
    /// Breakable with much effort, or once a key is lost.
    C,
    /// Given up by the standards.
    D,
    /// No protection.
    F,
}

/// Why it is no A.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) grade: Grade,
    pub(crate) means: &'static str,
}

const fn rule(name: &'static str, grade: Grade, means: &'static str) -> Rule {
    Rule { name, grade, means }
}

const NO_ENCRYPTION: Rule = rule("no-encryption", Grade::F, "everything is sent in the clear");
const ANONYMOUS: Rule = rule("anonymous", Grade::F, "nobody proves who it is");
const EXPORT: Rule =
    rule("export", Grade::F, "keys of 40 or 56 bits are found by trying (FREAK, Logjam)");
const RC4: Rule = rule("rc4", Grade::F, "forbidden by RFC 7465: its stream tells the plain text");
const DES: Rule = rule("des", Grade::F, "keys of 56 bits are found by trying");
const MD5: Rule = rule("md5", Grade::F, "forgeries of MD5 are made in seconds");
const SSL3: Rule = rule("ssl3", Grade::F, "forbidden by RFC 7568 (POODLE)");
const OLD_VERSION: Rule =
    rule("old-version", Grade::D, "deprecated by RFC 8996; today's clients refuse it");
const SMALL_DH: Rule =
    rule("small-dh", Grade::D, "primes below 2,048 bits are within reach (Logjam)");
const COMPRESSION: Rule = rule("compression", Grade::D, "sizes tell what is inside (CRIME)");
const SMALL_GROUP: Rule = rule("small-group", Grade::D, "curves below 224 bits are within reach");
const TRIPLE_DES: Rule = rule("3des", Grade::C, "blocks of 64 bits repeat (SWEET32)");
const NO_FORWARD_SECRECY: Rule =
    rule("no-forward-secrecy", Grade::C, "who gets the server's key reads what was recorded");
const CBC: Rule = rule("cbc", Grade::B, "padding oracles (Lucky 13), unless implemented with care");

/// Curves of less than 224 bits.
const SMALL_GROUPS: [&str; 7] =
    ["sect163", "sect193", "secp160", "secp192", "sect131", "secp112", "secp128"];

/// Of one suite in one version; the worst first.
pub(crate) fn rules_of(taken: &TlsTaken, suite: &str) -> Vec<Rule> {
    let version = taken.version.to_string();
    let is_13 = version == "TLS 1.3";
    let is_ephemeral = is_13 || suite.contains("_DHE_") || suite.contains("_ECDHE_");
    let is_prime = suite.starts_with("TLS_DHE_") || suite.starts_with("TLS_DH_");
    let small_dh = is_prime && taken.dh_bits.is_some_and(|bits| bits < 2_048);
    let has = |part: &str| suite.contains(part);
    let found = [
        (NO_ENCRYPTION, has("_NULL_")),
        (ANONYMOUS, has("_anon_")),
        (EXPORT, has("_EXPORT")),
        (RC4, has("_RC4_") || has("_RC2_")),
        (DES, has("_DES_CBC") || has("_DES40_")),
        (MD5, suite.ends_with("_MD5")),
        (SSL3, version == "SSL 3.0"),
        (OLD_VERSION, version == "TLS 1.0" || version == "TLS 1.1"),
        (SMALL_DH, small_dh),
        (COMPRESSION, taken.compresses),
        (TRIPLE_DES, has("_3DES_")),
        (NO_FORWARD_SECRECY, !is_ephemeral && !has("_anon_")),
        (CBC, has("_CBC_") && !has("_3DES_")),
    ];
    let mut rules: Vec<Rule> =
        found.into_iter().filter(|(_, holds)| *holds).map(|(rule, _)| rule).collect();
    rules.sort_by_key(|rule| std::cmp::Reverse(rule.grade));
    rules
}

/// Of the groups of one version.
pub(crate) fn group_rule(group: &str) -> Option<Rule> {
    SMALL_GROUPS.iter().any(|small| group.starts_with(small)).then_some(SMALL_GROUP)
}

/// The worst of all that one version has.
pub(crate) fn rules(taken: &TlsTaken) -> Vec<Rule> {
    let mut all: Vec<Rule> = Vec::new();
    let suites = taken.suites.iter().flat_map(|suite| rules_of(taken, &suite.to_string()));
    let groups = taken.groups.iter().filter_map(|group| group_rule(&group.to_string()));
    for rule in suites.chain(groups) {
        if !all.contains(&rule) {
            all.push(rule);
        }
    }
    all.sort_by_key(|rule| std::cmp::Reverse(rule.grade));
    all
}

impl Grade {
    pub(crate) fn of(rules: &[Rule]) -> Self {
        rules.iter().map(|rule| rule.grade).max().unwrap_or(Self::A)
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::F => "F",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graded(version: &str, suite: &str) -> String {
        let taken =
            TlsTaken { version: version.into(), dh_bits: Some(1_024), ..TlsTaken::default() };
        let rules = rules_of(&taken, suite);
        let names: Vec<&str> = rules.iter().map(|rule| rule.name).collect();
        format!("{} {}", Grade::of(&rules), names.join(" "))
    }

    #[test]
    fn the_worst_rule_makes_the_grade() {
        for (version, suite, expected) in [
            ("TLS 1.3", "TLS_AES_128_GCM_SHA256", "A "),
            ("TLS 1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "A "),
            ("TLS 1.2", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "B cbc"),
            ("TLS 1.2", "TLS_RSA_WITH_AES_128_CBC_SHA", "C no-forward-secrecy cbc"),
            ("TLS 1.2", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "C 3des no-forward-secrecy"),
            ("TLS 1.2", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "D small-dh"),
            ("TLS 1.0", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "D old-version cbc"),
            ("SSL 3.0", "TLS_RSA_WITH_RC4_128_MD5", "F rc4 md5 ssl3 no-forward-secrecy"),
            ("TLS 1.2", "TLS_DH_anon_WITH_AES_128_CBC_SHA", "F anonymous small-dh cbc"),
            ("TLS 1.2", "TLS_RSA_WITH_NULL_SHA256", "F no-encryption no-forward-secrecy"),
            ("TLS 1.2", "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA", "F export des no-forward-secrecy cbc"),
            ("TLS 1.2", "TLS_RSA_WITH_DES_CBC_SHA", "F des no-forward-secrecy cbc"),
        ] {
            assert_eq!(graded(version, suite), expected, "{suite}");
        }
        assert_eq!(group_rule("secp192r1").map(|rule| rule.name), Some("small-group"));
        assert_eq!(group_rule("x25519"), None);
    }
}
