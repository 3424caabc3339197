//! The agent's own token and the cluster's CA, read anew each minute: kubelet rotates both.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use http::HeaderValue;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use zeroize::Zeroizing;

pub(crate) struct Credentials {
    dir: PathBuf,
    now: RwLock<Current>,
}

/// What a request and a connection need.
#[derive(Clone)]
pub(crate) struct Current {
    pub(super) authorization: HeaderValue,
    pub(super) tls: Arc<ClientConfig>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    #[error("read {0}")]
    Read(PathBuf, #[source] std::io::Error),
    #[error("{0} holds no token")]
    Token(PathBuf),
    #[error("{0} holds no usable certificate")]
    Certificate(PathBuf, #[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Credentials {
    pub(crate) fn read(dir: &Path) -> Result<Self, CredentialsError> {
        Ok(Self { dir: dir.into(), now: RwLock::new(Current::read(dir)?) })
    }

    /// Keeps the old ones when the new ones can't be read.
    pub(crate) fn refresh(&self) -> Result<(), CredentialsError> {
        let read = Current::read(&self.dir)?;
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    pub(super) fn current(&self) -> Current {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Current {
    fn read(dir: &Path) -> Result<Self, CredentialsError> {
        Ok(Self {
            authorization: authorization(&dir.join("token"))?,
            tls: tls(&dir.join("ca.crt"))?,
        })
    }
}

fn authorization(path: &Path) -> Result<HeaderValue, CredentialsError> {
    let token = std::fs::read_to_string(path).map(Zeroizing::new);
    let token = token.map_err(|cause| CredentialsError::Read(path.into(), cause))?;
    let value = Zeroizing::new(format!("Bearer {}", token.trim()));
    let mut header = HeaderValue::from_str(&value)
        .ok()
        .filter(|_| !token.trim().is_empty())
        .ok_or_else(|| CredentialsError::Token(path.into()))?;
    header.set_sensitive(true);
    Ok(header)
}

fn tls(path: &Path) -> Result<Arc<ClientConfig>, CredentialsError> {
    let pem = std::fs::read(path).map_err(|cause| CredentialsError::Read(path.into(), cause))?;
    let unusable = |cause: Box<dyn std::error::Error + Send + Sync>| {
        CredentialsError::Certificate(path.into(), cause)
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|cause| unusable(cause.into()))?;
        roots.add(certificate).map_err(|cause| unusable(cause.into()))?;
    }
    if roots.is_empty() {
        return Err(unusable("no certificate in it".into()));
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config))
}
