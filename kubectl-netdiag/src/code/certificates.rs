//! Codes of family 07: certificates.

use crate::finding::Code;

/// The validity is over.
pub(crate) const EXPIRED: Code = Code(701);
/// The validity has not begun.
pub(crate) const NOT_YET_VALID: Code = Code(702);
/// Not for the host that was asked for.
pub(crate) const WRONG_NAME: Code = Code(703);
/// The chain is whole and ends at nobody who is trusted.
pub(crate) const UNKNOWN_ISSUER: Code = Code(704);
/// One certificate, signed by its own key.
pub(crate) const SELF_SIGNED: Code = Code(705);
/// A CA's certificate between the server's and the root is not there.
pub(crate) const NO_INTERMEDIATE: Code = Code(706);
/// The chain is not in order, or holds others.
pub(crate) const WRONG_ORDER: Code = Code(707);
/// The root is sent along.
pub(crate) const ROOT_INCLUDED: Code = Code(708);
/// A key that can be broken.
pub(crate) const SHORT_KEY: Code = Code(709);
/// What is served is not what is kept.
pub(crate) const NOT_SERVED: Code = Code(710);
/// A signature by MD5 or SHA-1.
pub(crate) const WEAK_SIGNATURE: Code = Code(711);
/// No subjectAltName.
pub(crate) const NO_NAME: Code = Code(712);
/// Version 1 or 2.
pub(crate) const VERSION: Code = Code(713);
/// An issuer that is no CA, or beyond its path length.
pub(crate) const MAY_NOT_SIGN: Code = Code(714);
/// A name that a CA may not vouch for.
pub(crate) const NAME_CONSTRAINTS: Code = Code(715);
/// extendedKeyUsage without serverAuth.
pub(crate) const NOT_FOR_SERVERS: Code = Code(716);
/// The private key is another certificate's.
pub(crate) const OTHER_KEY: Code = Code(717);
/// Same name of the issuer, another key.
pub(crate) const BAD_SIGNATURE: Code = Code(718);
/// Less than a tenth of the validity is left.
pub(crate) const EXPIRES_SOON: Code = Code(719);
/// A critical extension of unknown meaning.
pub(crate) const UNKNOWN_CRITICAL: Code = Code(720);
/// A part of the file that is no certificate, though it says so.
pub(crate) const UNREADABLE: Code = Code(721);
/// The OCSP response in the handshake says so.
pub(crate) const REVOKED: Code = Code(722);
/// An OCSP response of which clients can make nothing.
pub(crate) const BAD_STAPLE: Code = Code(723);
