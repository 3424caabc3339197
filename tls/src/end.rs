//! How a handshake ended, from the words of the library.

use std::io;

use netdiag_wire::{Untrusted, tls::TlsEnd};

use crate::tap::Counted;

/// Why it failed, in the server's terms.
pub(crate) fn of(cause: &io::Error, passed: &Counted) -> TlsEnd {
    if let Some(said) = passed.plain_text() {
        return TlsEnd::PlainText { said: said.to_vec().into() };
    }
    let inner = cause.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    inner.map_or_else(|| of_io(cause), of_tls)
}

/// Of a stream that broke.
pub(crate) fn of_io(cause: &io::Error) -> TlsEnd {
    match cause.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => TlsEnd::Reset,
        io::ErrorKind::UnexpectedEof => TlsEnd::Closed,
        io::ErrorKind::TimedOut => TlsEnd::Silence,
        _ => TlsEnd::Misbehaved { why: said(&cause.to_string()) },
    }
}

/// Nothing more came in time: whoever said something that is no TLS waits for us likewise.
pub(crate) fn silence(passed: &Counted) -> TlsEnd {
    match passed.plain_text() {
        Some(said) => TlsEnd::PlainText { said: said.to_vec().into() },
        None => TlsEnd::Silence,
    }
}

fn of_tls(cause: &rustls::Error) -> TlsEnd {
    match cause {
        rustls::Error::AlertReceived(alert) => TlsEnd::Alert { alert: u8::from(*alert) },
        rustls::Error::PeerIncompatible(why) => {
            TlsEnd::Incompatible { why: said(&format!("{why:?}")) }
        }
        other => TlsEnd::Misbehaved { why: said(&other.to_string()) },
    }
}

fn said(why: &str) -> Untrusted {
    why.into()
}
