//! Every cipher suite that has a name, by the versions that know it.

use super::{TLS12, TLS13};
use crate::names;

/// Signals, and what never was a suite.
const NO_SUITES: [u16; 3] = [0x0000, 0x00ff, 0x5600];

/// To offer with this version; the strong ones first, as a client that has a choice does.
pub fn suites_of(version: u16) -> Vec<u16> {
    let known = |number: &u16| !NO_SUITES.contains(number) && is_named(*number);
    let is_new = |number: u16| number >> 8 == 0x13;
    match version {
        TLS13 => (0x1301..=0x1305).filter(known).collect(),
        _ => {
            let all = (0x0001..=0x00ff).chain(0xc001..=0xc0ff).chain(0xcca0..=0xccaf);
            let fits = |number: &u16| !is_new(*number) && (version >= TLS12 || !needs_12(*number));
            all.filter(known).filter(fits).rev().collect()
        }
    }
}

fn is_named(number: u16) -> bool {
    !names::cipher_suite(number).starts_with("0x")
}

/// AEADs and hashes of the key schedule (RFC 5246, section 1.2).
fn needs_12(number: u16) -> bool {
    let name = names::cipher_suite(number);
    ["_SHA256", "_SHA384", "_CCM", "_CCM_8", "POLY1305"].iter().any(|end| name.contains(end))
}
