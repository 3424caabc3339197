//! The certificates of the table: those of rcgen, and by openssl what rcgen will not make.

#![expect(
    clippy::needless_pass_by_value,
    reason = "parameters and keys are made where they are passed"
)]

use std::fs;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints,
    PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, RsaKeySize, SanType, date_time_ymd,
};
use tempfile::TempDir;

type Issuer = CertifiedIssuer<'static, KeyPair>;

pub(crate) struct Served {
    dir: TempDir,
    root: Issuer,
    intermediate: Issuer,
}

fn authority(name: &str) -> CertificateParams {
    let mut params = named(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn named(common: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common);
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2120, 1, 1));
    params.use_authority_key_identifier_extension = true;
    params
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

fn below(params: CertificateParams, above: &Issuer) -> Issuer {
    CertifiedIssuer::signed_by(params, key(), above).unwrap()
}

impl Served {
    pub(crate) fn new() -> Self {
        let root = CertifiedIssuer::self_signed(authority("shop-root"), key()).unwrap();
        let intermediate = below(authority("shop-issuing-ca"), &root);
        let served = Self { dir: TempDir::new().unwrap(), root, intermediate };
        fs::write(served.path("root.pem"), served.root.pem()).unwrap();
        served.well();
        served.names_and_dates();
        served.chains();
        served.rules();
        served.old();
        served.staples();
        served
    }

    pub(crate) fn dir(&self) -> String {
        self.dir.path().to_str().unwrap().to_owned()
    }

    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}/{}", self.dir(), name.replace(' ', "-"))
    }

    /// What is sent behind the certificate; none where there is nothing.
    pub(crate) fn chain(&self, name: &str) -> Option<String> {
        let path = self.path(&format!("{name}.chain"));
        fs::metadata(&path).is_ok_and(|file| file.len() > 0).then_some(path)
    }

    /// Certificate and key.
    pub(crate) fn files(&self, name: &str) -> (String, String) {
        (self.path(&format!("{name}.pem")), self.path(&format!("{name}.key")))
    }

    /// Signed by the intermediate, which is sent along.
    fn usual(&self, name: &str, params: CertificateParams) {
        self.by(name, params, key(), &self.intermediate, &[&self.intermediate]);
    }

    fn by(
        &self,
        name: &str,
        params: CertificateParams,
        key: KeyPair,
        issuer: &Issuer,
        sent: &[&Issuer],
    ) {
        let certificate = params.signed_by(&key, issuer).unwrap();
        let rest: String = sent.iter().map(|one| one.pem()).collect();
        self.write(name, &certificate.pem(), &key.serialize_pem());
        fs::write(self.path(&format!("{name}.chain")), rest).unwrap();
    }

    fn write(&self, name: &str, chain: &str, key: &str) {
        let (chain_file, key_file) = self.files(name);
        fs::write(chain_file, chain).unwrap();
        fs::write(key_file, key).unwrap();
    }

    fn write_key(&self, name: &str, key: &str) {
        fs::write(self.files(name).1, key).unwrap();
    }

    fn well(&self) {
        let good = || named("shop.test", &["shop.test"]);
        self.usual("good", good());
        let with = |name: &str, key: KeyPair| {
            self.by(name, good(), key, &self.intermediate, &[&self.intermediate]);
        };
        with("good by EC P-384", KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap());
        // rcgen's own has the public key with it (RFC 5958), which OpenSSL 3.0 does not read.
        let own = self.path("ed25519.key");
        run(&format!("genpkey -algorithm ed25519 -out {own}"));
        let ed25519 = fs::read_to_string(&own).unwrap();
        with("good by Ed25519", KeyPair::from_pem(&ed25519).unwrap());
        self.write_key("good by Ed25519", &ed25519);
        let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        with("good by RSA 2048", rsa);
        self.usual("good by a wildcard", named("any", &["*.test"]));
        let many: Vec<String> = (0..200).map(|n| format!("shop-{n}.test")).collect();
        let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
        many.push("shop.test");
        self.usual("good among 200 names", named("many", &many));
        self.usual("ESC in its name", named("\u{1b}[2Jshop.test", &["shop.test"]));
        let ten: Vec<String> = (0..10_000).map(|n| format!("shop-{n}.test")).collect();
        let ten: Vec<&str> = ten.iter().map(String::as_str).collect();
        self.usual("among 10,000 names", named("many", &ten));
        let mut servers = good();
        servers.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.usual("good for servers alone", servers);
        self.constrained("good with constraints kept", "test");
    }

    fn names_and_dates(&self) {
        self.usual("a wildcard of another level", named("any", &["*.shop.test"]));
        let mut address = named("address", &[]);
        address.subject_alt_names = vec![SanType::IpAddress([10, 0, 0, 1].into())];
        self.usual("an address alone", address);
        self.usual("another name", named("pay.test", &["pay.test"]));
        self.usual("a name with a typing error", named("shpo.test", &["shpo.test"]));
        self.usual("no name", named("shop.test", &[]));
        let mut mesh = named("", &[]);
        let uri = "spiffe://cluster.local/ns/shop/sa/web".try_into().unwrap();
        mesh.subject_alt_names = vec![SanType::URI(uri)];
        self.usual("a mesh's identity", mesh);
        let dated = |from, to| {
            let mut params = named("shop.test", &["shop.test"]);
            (params.not_before, params.not_after) = (from, to);
            params
        };
        let day = |year| date_time_ymd(year, 1, 1);
        self.usual("expired", dated(day(2020), day(2021)));
        self.usual("not yet valid", dated(day(2119), day(2120)));
        let soon = std::time::SystemTime::now() + std::time::Duration::from_secs(48 * 3600);
        self.usual("expires soon", dated(day(2020), soon.into()));
        let mut old = authority("shop-old-ca");
        (old.not_before, old.not_after) = (day(2019), day(2020));
        let old = below(old, &self.root);
        self.by(
            "an expired intermediate",
            named("shop.test", &["shop.test"]),
            key(),
            &old,
            &[&old],
        );
    }

    fn chains(&self) {
        let good = || named("shop.test", &["shop.test"]);
        let own = key();
        let mut alone = good();
        alone.use_authority_key_identifier_extension = false;
        let certificate = alone.self_signed(&own).unwrap();
        self.write("self-signed", &certificate.pem(), &own.serialize_pem());
        let other = CertifiedIssuer::self_signed(authority("other-root"), key()).unwrap();
        let others = below(authority("other-ca"), &other);
        self.by("of an unknown CA", good(), key(), &others, &[&others, &other]);
        self.by("by the root", good(), key(), &self.root, &[]);
        self.by("an intermediate is missing", good(), key(), &self.intermediate, &[]);
        let middle = below(authority("shop-middle-ca"), &self.intermediate);
        self.by("in the wrong order", good(), key(), &middle, &[&self.intermediate, &middle]);
        self.by(
            "with another's certificate",
            good(),
            key(),
            &self.intermediate,
            &[&self.intermediate, &others],
        );
        self.by(
            "the root included",
            good(),
            key(),
            &self.intermediate,
            &[&self.intermediate, &self.root],
        );
        let again = below(authority("shop-issuing-ca"), &self.root);
        self.by("the CA's key changed", good(), key(), &self.intermediate, &[&again]);
    }

    fn rules(&self) {
        let good = || named("shop.test", &["shop.test"]);
        let mut short = authority("shop-short-ca");
        short.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let short = below(short, &self.root);
        let deeper = below(authority("shop-deeper-ca"), &short);
        self.by("beyond a path length", good(), key(), &deeper, &[&deeper, &short]);
        let leaf = below(named("leaf.test", &["leaf.test"]), &self.intermediate);
        self.by("signed by no CA", good(), key(), &leaf, &[&leaf, &self.intermediate]);
        self.constrained("against name constraints", "example");
        let mut clients = good();
        clients.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.usual("for clients alone", clients);
        let mut odd = good();
        let mut extension =
            CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
        extension.set_criticality(true);
        odd.custom_extensions = vec![extension];
        self.usual("an unknown critical extension", odd);
    }

    /// Of a CA that may sign for this domain only.
    fn constrained(&self, name: &str, domain: &str) {
        let mut params = authority("shop-bound-ca");
        let permitted_subtrees = vec![GeneralSubtree::DnsName(domain.into())];
        params.name_constraints =
            Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
        let bound = below(params, &self.root);
        self.by(name, named("shop.test", &["shop.test"]), key(), &bound, &[&bound]);
    }

    /// What OpenSSL's responder says of "good", and of another.
    fn staples(&self) {
        let ca = self.path("responder");
        fs::write(format!("{ca}.pem"), self.intermediate.pem()).unwrap();
        fs::write(format!("{ca}.key"), self.intermediate.key().serialize_pem()).unwrap();
        let good = self.files("good").0;
        let serial = self.path("serial");
        run(&format!("x509 -in {good} -noout -serial -out {serial}"));
        let serial = fs::read_to_string(serial).unwrap();
        let serial = serial.trim().strip_prefix("serial=").unwrap().to_owned();
        for (name, entry) in [
            ("good", format!("V\t491231235959Z\t\t{serial}\tunknown\t/CN=shop.test\n")),
            (
                "revoked",
                format!(
                    "R\t491231235959Z\t261101000000Z,keyCompromise\t{serial}\tunknown\t/CN=shop.test\n"
                ),
            ),
            ("unknown", String::new()),
        ] {
            self.staple(name, &entry, (&good, &ca));
        }
        let entry = format!("V\t491231235959Z\t\t{serial}\tunknown\t/CN=shop.test\n");
        let other = self.path("self-signed");
        self.staple("by another", &entry, (&good, &other));
        let another = self.files("another name").0;
        self.staple("of another", &entry, (&another, &ca));
    }

    fn staple(&self, name: &str, entry: &str, (about, signer): (&str, &str)) {
        let (index, request) = (self.path("index.txt"), self.path("request.der"));
        fs::write(&index, entry).unwrap();
        let issuer = self.path("responder.pem");
        run(&format!("ocsp -issuer {issuer} -cert {about} -reqout {request} -no_nonce"));
        run(&format!(
            "ocsp -index {index} -CA {issuer} -rsigner {signer}.pem -rkey {signer}.key \
             -reqin {request} -respout {} -ndays 7",
            self.path(&format!("{name}.ocsp"))
        ));
    }

    /// What rcgen will not make.
    fn old(&self) {
        // No digest but SHA-2 goes with rcgen's keys.
        let (ca, ca_key) = self.files("shop old root");
        run(&format!(
            "req -x509 -newkey rsa:2048 -nodes -keyout {ca_key} -out {ca} -days 3000 \
             -subj /CN=shop-old-root -addext keyUsage=critical,keyCertSign"
        ));
        let roots = [fs::read_to_string(self.path("root.pem")), fs::read_to_string(&ca)];
        fs::write(self.path("root.pem"), roots.map(Result::unwrap).concat()).unwrap();
        let extensions = self.path("old.cnf");
        fs::write(&extensions, "subjectAltName=DNS:shop.test\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n").unwrap();
        for (name, bits, digest, extended) in [
            ("RSA 1024", 1024, "-sha256", true),
            ("signed with SHA-1", 2048, "-sha1", true),
            ("signed with MD5", 2048, "-md5", true),
            ("version 1", 2048, "-sha256", false),
        ] {
            let (chain, key) = self.files(name);
            let request = self.path(&format!("{name}.csr"));
            run(&format!(
                "req -new -newkey rsa:{bits} -nodes -keyout {key} -subj /CN=shop.test -out {request}"
            ));
            let extended = if extended { format!("-extfile {extensions}") } else { String::new() };
            run(&format!(
                "x509 -req -in {request} -CA {ca} -CAkey {ca_key} -set_serial 77 -days 3000 {digest} {extended} -out {chain}"
            ));
        }
    }
}

pub(crate) fn run(line: &str) {
    let status = super::openssl(line).env("OPENSSL_CONF", "/dev/null").status().unwrap();
    assert!(status.success(), "openssl {line}");
}
