//! Certificates (X.509, RFC 5280): the one place that decodes and judges them, for `cert`, `tls` and
//! `http`. Knows no file, no cluster and no clock.

mod alternative;
mod chain;
#[cfg(test)]
mod hostile;
mod judge;
mod key;
mod moment;
mod name;
mod parse;
mod pem;
mod private;
mod roots;
mod signature;
mod staple;
mod table;
mod text;

pub(crate) use judge::{Expectation, judge};
pub(crate) use moment::Moment;
pub(crate) use name::of_authorities;
pub(crate) use parse::{Certificate, Entry};
pub(crate) use pem::{Blocks, armour, blocks};
pub(crate) use private::{Belongs, belongs, signer};
pub(crate) use roots::Roots;
pub(crate) use signature::Checked;
pub(crate) use staple::{Staple, Status, Useless};
pub(crate) use table::{good_for, table};
pub(crate) use text::text;
