//! Whether a key belongs to a certificate, for every kind and every form that openssl writes.

use std::fs;

use tempfile::TempDir;

use super::zoo::openssl;
use crate::run::Plugin;

/// How the key is made, and in which forms it is written.
const KINDS: &[(&str, &str)] = &[
    ("RSA", "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"),
    ("P-256", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"),
    ("P-384", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384"),
    ("P-521", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521"),
    ("Ed25519", "genpkey -algorithm ED25519"),
];
const FORMS: &[(&str, &str)] = &[
    ("PKCS#8", "pkey -in key.pem -out form.pem"),
    ("PKCS#1 or SEC1", "pkey -in key.pem -traditional -out form.pem"),
    ("encrypted", "pkey -in key.pem -aes256 -passout pass:netdiag -out form.pem"),
    (
        "encrypted, of old",
        "pkey -in key.pem -traditional -aes256 -passout pass:netdiag -out form.pem",
    ),
];

struct Made(TempDir);

impl Made {
    fn by(generate: &str) -> Self {
        let made = Self(TempDir::new().unwrap());
        made.run(&format!("{generate} -out key.pem"));
        made.run("req -x509 -key key.pem -days 9 -subj /CN=web -addext subjectAltName=DNS:web -out cert.pem");
        made
    }

    fn run(&self, line: &str) {
        openssl(self.0.path(), line.split(' '));
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    /// What is said of a file with this certificate and this key.
    fn said(&self, certificate: &str, key: &str) -> String {
        let path = self.0.path().join("both.pem");
        fs::write(&path, format!("{certificate}{key}")).unwrap();
        let run = Plugin::new(&format!("cert {}", path.display())).run();
        run.stdout.lines().next().unwrap_or_default().to_owned()
    }
}

#[test]
fn a_key_is_told_in_every_kind_and_form() {
    let other = Made::by(KINDS[1].1).text("key.pem");
    for (kind, generate) in KINDS {
        let made = Made::by(generate);
        let certificate = made.text("cert.pem");
        let head = |key: &str| made.said(&certificate, key);
        // Ed25519 came after the traditional forms.
        let has_form = |line: &str| *kind != "Ed25519" || !line.contains("-traditional");
        for (form, convert) in FORMS.iter().filter(|(_, line)| has_form(line)) {
            made.run(convert);
            let said = head(&made.text("form.pem"));
            let want = match form.starts_with("encrypted") {
                true => "1 certificate, the private key in it is encrypted",
                false => "1 certificate, the private key in it belongs to certificate 0",
            };
            assert!(said.ends_with(want), "{kind}, {form}: {said}");
        }
        let said = head(&other);
        assert!(said.ends_with("the private key in it belongs to another"), "{kind}: {said}");
    }
}

#[test]
fn an_rsa_key_that_may_only_sign_by_pss_cannot_be_read_and_that_is_said() {
    let made = Made::by("genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048");
    let said = made.said(&made.text("cert.pem"), &made.text("key.pem"));
    assert!(said.ends_with("the private key in it cannot be read"), "{said}");
}
