//! IANA's numbers and their mnemonics ("Domain Name System (DNS) Parameters", 2026-06).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number of the protocol that is written as a word, or as `PREFIX` and the number.
macro_rules! numbers {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, [$($word:ident = $value:literal $(as $text:literal)?),* $(,)?]) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(pub u16);

        impl $name {
            $(pub const $word: Self = Self($value);)*

            fn word(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(numbers!(@text $word $($text)?)),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.word() {
                    Some(word) => f.pad(word),
                    None => f.pad(&format!(concat!($prefix, "{}"), self.0)),
                }
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let upper = text.to_ascii_uppercase();
                $(if upper == numbers!(@text $word $($text)?) { return Ok(Self($value)); })*
                let number = upper.strip_prefix($prefix).and_then(|digits| digits.parse().ok());
                number.map(Self).ok_or_else(|| {
                    format!(concat!("{:?} is neither a known word nor ", $prefix, " and a number"), text)
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
    (@text $word:ident) => { stringify!($word) };
    (@text $word:ident $text:literal) => { $text };
}

numbers!(
    /// Type of a record or of a question; `TYPE123` (RFC 3597) where there is no word.
    RecordType, "TYPE",
    [
        A = 1, NS = 2, MD = 3, MF = 4, CNAME = 5, SOA = 6, MB = 7, MG = 8, MR = 9, NULL = 10,
        WKS = 11, PTR = 12, HINFO = 13, MINFO = 14, MX = 15, TXT = 16, RP = 17, AFSDB = 18,
        X25 = 19, ISDN = 20, RT = 21, NSAP = 22, NSAP_PTR = 23 as "NSAP-PTR", SIG = 24, KEY = 25,
        PX = 26, GPOS = 27, AAAA = 28, LOC = 29, NXT = 30, EID = 31, NIMLOC = 32, SRV = 33,
        ATMA = 34, NAPTR = 35, KX = 36, CERT = 37, A6 = 38, DNAME = 39, SINK = 40, OPT = 41,
        APL = 42, DS = 43, SSHFP = 44, IPSECKEY = 45, RRSIG = 46, NSEC = 47, DNSKEY = 48,
        DHCID = 49, NSEC3 = 50, NSEC3PARAM = 51, TLSA = 52, SMIMEA = 53, HIP = 55, NINFO = 56,
        RKEY = 57, TALINK = 58, CDS = 59, CDNSKEY = 60, OPENPGPKEY = 61, CSYNC = 62, ZONEMD = 63,
        SVCB = 64, HTTPS = 65, DSYNC = 66, SPF = 99, UINFO = 100, UID = 101, GID = 102,
        UNSPEC = 103, NID = 104, L32 = 105, L64 = 106, LP = 107, EUI48 = 108, EUI64 = 109,
        NXNAME = 128, TKEY = 249, TSIG = 250, IXFR = 251, AXFR = 252, MAILB = 253, MAILA = 254,
        ANY = 255, URI = 256, CAA = 257, AVC = 258, DOA = 259, AMTRELAY = 260, RESINFO = 261,
        WALLET = 262, TA = 32768, DLV = 32769,
    ]
);

numbers!(Class, "CLASS", [IN = 1, CH = 3, HS = 4, NONE = 254, ANY = 255]);

numbers!(Opcode, "OPCODE", [QUERY = 0, IQUERY = 1, STATUS = 2, NOTIFY = 4, UPDATE = 5, DSO = 6]);

numbers!(
    /// With the upper bits that EDNS brings, as dig spells them.
    Rcode, "RCODE",
    [
        NOERROR = 0, FORMERR = 1, SERVFAIL = 2, NXDOMAIN = 3, NOTIMP = 4, REFUSED = 5,
        YXDOMAIN = 6, YXRRSET = 7, NXRRSET = 8, NOTAUTH = 9, NOTZONE = 10, DSOTYPENI = 11,
        BADVERS = 16, BADKEY = 17, BADTIME = 18, BADMODE = 19, BADNAME = 20, BADALG = 21,
        BADTRUNC = 22, BADCOOKIE = 23,
    ]
);

impl Default for Class {
    fn default() -> Self {
        Self::IN
    }
}

impl Default for Opcode {
    fn default() -> Self {
        Self::QUERY
    }
}

impl Default for Rcode {
    fn default() -> Self {
        Self::NOERROR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_and_its_number_are_the_same() {
        for (text, kind) in [
            ("a", RecordType::A),
            ("TYPE65", RecordType::HTTPS),
            ("type12345", RecordType(12_345)),
            ("nsap-ptr", RecordType::NSAP_PTR),
        ] {
            assert_eq!(text.parse(), Ok(kind));
        }
        assert_eq!(RecordType(12_345).to_string(), "TYPE12345");
        assert_eq!(RecordType::NSAP_PTR.to_string(), "NSAP-PTR");
        assert!("TYPE65536".parse::<RecordType>().is_err());
        assert!("frob".parse::<RecordType>().is_err());
        for number in 0..=u16::MAX {
            let kind = RecordType(number);
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
    }
}
