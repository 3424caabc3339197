//! The one verifier that takes anybody for the server, and remembers what was shown to it.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::{
    CertificateError, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

/// What a server showed in its last handshake.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// In DER, in the order in which they came.
    pub chain: Vec<Vec<u8>>,
    /// The OCSP response that came with it, in DER.
    pub staple: Option<Vec<u8>>,
    /// By which the server signed the handshake.
    pub scheme: Option<SignatureScheme>,
    /// The signature is of the first certificate's key, as far as that can be checked: not for
    /// version 1, nor for RSA below 2,048 bits.
    pub is_proven: bool,
    /// The signature is of another key. Not said where the certificate could not even be read.
    pub is_refuted: bool,
}

/// Refuses nobody (RFC 7858, section 4.1: opportunistic). Whoever uses it says so, or judges by
/// what it remembers: BIND's certificate, of version 1, could not even be read to check it.
#[derive(Debug)]
pub struct Anybody {
    provider: Arc<CryptoProvider>,
    shown: Mutex<Shown>,
}

impl Anybody {
    pub fn new(provider: Arc<CryptoProvider>) -> Self {
        Self { provider, shown: Mutex::default() }
    }

    /// And forgets it.
    pub fn take(&self) -> Shown {
        std::mem::take(&mut *self.shown.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn signed(
        &self,
        signature: &DigitallySignedStruct,
        checked: &Result<HandshakeSignatureValid, rustls::Error>,
    ) -> HandshakeSignatureValid {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.scheme = Some(signature.scheme);
        shown.is_proven = checked.is_ok();
        let refuted = rustls::Error::InvalidCertificate(CertificateError::BadSignature);
        shown.is_refuted = checked.as_ref().err() == Some(&refuted);
        HandshakeSignatureValid::assertion()
    }
}

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        first: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        staple: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.chain = std::iter::once(first).chain(others).map(|one| one.to_vec()).collect();
        shown.staple = Some(staple.to_vec()).filter(|staple| !staple.is_empty());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        let checked = verify_tls12_signature(message, certificate, signature, known);
        Ok(self.signed(signature, &checked))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        let checked = verify_tls13_signature(message, certificate, signature, known);
        Ok(self.signed(signature, &checked))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
