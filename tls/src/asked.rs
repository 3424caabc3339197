//! Whether the server asked for a client certificate, and of whom.

use std::sync::{Arc, Mutex, PoisonError};

use netdiag_wire::tls::TlsAsked;
use rustls::{SignatureScheme, client::ResolvesClientCert, sign::CertifiedKey};

/// Bytes of names that are kept: an event is one line.
const MAX_NAMES_BYTES: usize = 16 * 1024;

/// Sends its certificate, if it has one, and remembers that one was asked for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    certificate: Option<Arc<CertifiedKey>>,
    request: Mutex<Option<TlsAsked>>,
}

impl Asked {
    pub(crate) fn new(certificate: Option<Arc<CertifiedKey>>) -> Self {
        Self { certificate, request: Mutex::default() }
    }

    /// And forgets it.
    pub(crate) fn take(&self) -> Option<TlsAsked> {
        self.request.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, names: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let mut left = MAX_NAMES_BYTES;
        let fits = |name: &&&[u8]| {
            let fits = name.len() <= left;
            left = if fits { left - name.len() } else { 0 };
            fits
        };
        let authorities: Vec<_> =
            names.iter().take_while(fits).map(|name| name.to_vec().into()).collect();
        let not_listed = (names.len() - authorities.len()) as u32;
        let signs = |own: &&Arc<CertifiedKey>| own.key.choose_scheme(schemes).is_some();
        let sent = self.certificate.as_ref().is_some_and(|own| signs(&own));
        let request = TlsAsked { authorities, not_listed, sent };
        *self.request.lock().unwrap_or_else(PoisonError::into_inner) = Some(request);
        self.certificate.clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}
