//! The cluster's certificates: one authority, a pair per component.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

use super::settings::Settings;
use super::{addresses, state};

/// Signs what the components need to know each other.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, as files.
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    pub fn create() -> Result<Self> {
        let mut params = named("netdiag-tests")?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let authority = Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?);
        state::write(&ca_path(), authority.0.pem())?;
        state::write(&ca_key_path(), authority.0.key().serialize_pem())?;
        fs::set_permissions(state::pki(), fs::Permissions::from_mode(0o700))?;
        Ok(authority)
    }

    /// The API server's own certificate, for every name that it is called by.
    pub fn api_server(&self) -> Result<Pair> {
        let mut params = named("kube-apiserver")?;
        params.subject_alt_names = names(&[
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "localhost",
            "127.0.0.1",
            addresses::CONTROL,
            addresses::CONTROL_V6,
            addresses::KUBERNETES_SERVICE,
        ])?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign("kube-apiserver", &params)
    }

    /// What a kubelet shows to the API server, and to those who call it.
    pub fn kubelet(&self, settings: &Settings, number: u8) -> Result<Pair> {
        let name = addresses::node_name(number);
        let mut params = named(&format!("system:node:{name}"))?;
        params.distinguished_name.push(DnType::OrganizationName, "system:nodes");
        let ips = addresses::node_ips(settings, number);
        let alternatives: Vec<&str> = ips.split(',').chain([name.as_str()]).collect();
        params.subject_alt_names = names(&alternatives)?;
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&name, &params)
    }

    /// A client's certificate: its user name and group.
    pub fn client(&self, file: &str, user: &str, group: Option<&str>) -> Result<Pair> {
        let mut params = named(user)?;
        if let Some(group) = group {
            params.distinguished_name.push(DnType::OrganizationName, group);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(file, &params)
    }

    fn sign(&self, file: &str, params: &CertificateParams) -> Result<Pair> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.0)?;
        let pair = Pair {
            certificate: state::pki().join(format!("{file}.crt")),
            key: state::pki().join(format!("{file}.key")),
        };
        state::write(&pair.certificate, certificate.pem())?;
        state::write(&pair.key, key.serialize_pem())?;
        Ok(pair)
    }
}

/// The authority's own certificate.
pub fn ca_path() -> PathBuf {
    state::pki().join("ca.crt")
}

/// Its key, with which the cluster signs certificates of people.
pub fn ca_key_path() -> PathBuf {
    state::pki().join("ca.key")
}

/// The keys of ServiceAccount tokens: one signs, the other verifies.
pub fn service_account_keys() -> Result<(PathBuf, PathBuf)> {
    let key = KeyPair::generate()?;
    let signing = service_account_key();
    let verifying = state::pki().join("service-accounts.pub");
    state::write(&signing, key.serialize_pem())?;
    state::write(&verifying, key.public_key_pem())?;
    Ok((signing, verifying))
}

/// The key that signs ServiceAccount tokens.
pub fn service_account_key() -> PathBuf {
    state::pki().join("service-accounts.key")
}

fn named(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn names(alternatives: &[&str]) -> Result<Vec<rcgen::SanType>> {
    let name = |text: &&str| match text.parse::<IpAddr>() {
        Ok(address) => Ok(rcgen::SanType::IpAddress(address)),
        Err(_) => Ok(rcgen::SanType::DnsName((*text).try_into().context("not a DNS name")?)),
    };
    alternatives.iter().map(name).collect()
}
