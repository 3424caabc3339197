//! Certificates that openssl makes: every common extension, every kind of key, odd encodings.

use std::{fmt::Write, path::Path, process::Command};

/// What a certificate is made of.
pub(super) struct Case {
    pub(super) name: String,
    key: &'static str,
    /// Lines of its section in openssl.cnf.
    extensions: String,
    /// Further words for `openssl req -x509`.
    words: Vec<String>,
}

/// openssl genpkey's words for each key, but for DSA's.
const KEYS: [(&str, &str); 12] = [
    ("rsa1024", "RSA -pkeyopt rsa_keygen_bits:1024"),
    ("rsa2048", "RSA -pkeyopt rsa_keygen_bits:2048"),
    ("rsa3", "RSA -pkeyopt rsa_keygen_bits:1024 -pkeyopt rsa_keygen_pubexp:3"),
    ("pss", "RSA-PSS -pkeyopt rsa_keygen_bits:1024"),
    (
        "pss-bound",
        "RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha256 \
         -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:32",
    ),
    ("p256", "EC -pkeyopt ec_paramgen_curve:P-256"),
    ("p384", "EC -pkeyopt ec_paramgen_curve:P-384"),
    ("p521", "EC -pkeyopt ec_paramgen_curve:P-521"),
    ("k256", "EC -pkeyopt ec_paramgen_curve:secp256k1"),
    ("explicit", "EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit"),
    ("ed25519", "ED25519"),
    ("ed448", "ED448"),
];

/// Each alone, and then all together.
const EXTENSIONS: [(&str, &str); 45] = [
    ("ca", "basicConstraints=critical,CA:TRUE"),
    ("pathlen", "basicConstraints=CA:TRUE,pathlen:3"),
    ("not-ca", "basicConstraints=CA:FALSE"),
    (
        "key-usage",
        "keyUsage=critical,digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment,\
         keyAgreement,keyCertSign,cRLSign,encipherOnly,decipherOnly",
    ),
    ("sign-only", "keyUsage=keyCertSign,cRLSign"),
    (
        "usages",
        "extendedKeyUsage=serverAuth,clientAuth,codeSigning,emailProtection,timeStamping,OCSPSigning,\
         ipsecIKE,msCodeInd,msCodeCom,msCTLSign,msEFS,anyExtendedKeyUsage,1.2.3.4",
    ),
    ("server", "extendedKeyUsage=critical,serverAuth"),
    ("key-id", "subjectKeyIdentifier=hash"),
    ("authority", "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always,issuer:always"),
    ("dns", "subjectAltName=DNS:checkout.shop.svc,DNS:*.shop.svc"),
    ("addresses", "subjectAltName=IP:10.0.0.1,IP:fe80::1,IP:::ffff:10.0.0.1"),
    ("spiffe", "subjectAltName=critical,URI:spiffe://cluster.local/ns/shop/sa/web"),
    ("email", "subjectAltName=email:x@y.z,RID:1.2.3.4"),
    (
        "other-name",
        "subjectAltName=otherName:1.2.3.4;UTF8:hello,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:upn@x",
    ),
    ("directory", "subjectAltName=dirName:directory"),
    ("issuer-names", "issuerAltName=DNS:issuer.example,URI:http://issuer.example/"),
    (
        "access",
        "authorityInfoAccess=OCSP;URI:http://o.example/,caIssuers;URI:http://c.example/ca.der",
    ),
    ("access-odd", "authorityInfoAccess=1.2.3.4;DNS:a.example"),
    ("subject-access", "subjectInfoAccess=caRepository;URI:http://r.example/"),
    ("crl", "crlDistributionPoints=URI:http://a.example/b.crl"),
    ("crl-full", "crlDistributionPoints=point"),
    ("crl-relative", "crlDistributionPoints=relative"),
    ("freshest", "freshestCRL=URI:http://f.example/"),
    ("policies", "certificatePolicies=1.3.5.8,2.23.140.1.2.1,2.5.29.32.0"),
    ("policy-full", "certificatePolicies=1.2.3.4,@policy"),
    ("policy-constraints", "policyConstraints=requireExplicitPolicy:3,inhibitPolicyMapping:1"),
    ("policy-mappings", "policyMappings=1.2.3.4:1.2.3.5,1.2.3.6:1.2.3.7"),
    ("any-policy", "inhibitAnyPolicy=2"),
    (
        "name-constraints",
        "nameConstraints=critical,permitted;DNS:.shop.svc,permitted;IP:10.0.0.0/255.0.0.0,excluded;email:x.y,excluded;URI:.x",
    ),
    ("constrained-directory", "nameConstraints=permitted;dirName:directory"),
    ("must-staple", "tlsfeature=status_request"),
    ("features", "tlsfeature=status_request,status_request_v2"),
    ("no-check", "noCheck=ignored"),
    ("netscape", "nsCertType=server,client,email,objsign,reserved,sslCA,emailCA,objCA"),
    ("comment", "nsComment=\"a comment, with words\""),
    (
        "netscape-urls",
        "nsBaseUrl=http://n.example/\nnsRevocationUrl=http://r.example/\nnsCaPolicyUrl=http://p.example/\nnsSslServerName=web",
    ),
    ("text", "1.2.3.4.5=ASN1:UTF8String:some text"),
    ("unknown", "1.2.3.4.6=critical,DER:04:02:ab:cd"),
    ("broken", "2.5.29.17=DER:30:05:82:01"),
    ("poison", "1.3.6.1.4.1.11129.2.4.3=critical,DER:05:00"),
    ("proxy", "proxyCertInfo=language:id-ppl-anyLanguage,pathlen:0"),
    ("address-block", "sbgp-ipAddrBlock=IPv4:10.0.0.0/8,IPv4:192.0.2.1-192.0.2.9,IPv6:inherit"),
    ("systems", "sbgp-autonomousSysNum=AS:1-5,AS:64512"),
    ("directory-attributes", "2.5.29.9=DER:30:00"),
    (
        "timestamp",
        "1.3.6.1.4.1.11129.2.4.2=DER:04:81:80:00:7e:00:7c:00:\
         b7:3e:fb:24:df:9c:4d:ba:75:f2:39:c5:ba:58:f4:6c:5d:fc:42:cf:7a:9f:35:c4:9e:1d:09:81:25:ed:b4:99:\
         00:00:01:7e:4f:5d:95:8c:00:00:04:03:00:4d:\
         30:4b:02:20:00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:1f:\
         02:27:00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:1f:20:21:22:23:24:25:26",
    ),
];

const SECTIONS: &str = "
[directory]
C=UK
O=My Org
CN=me
[point]
fullname=URI:http://a.example/b.crl,URI:ldap://x.example
CRLissuer=dirName:directory
reasons=keyCompromise,CACompromise
[relative]
relativename=rdn
[rdn]
CN=relative
[policy]
policyIdentifier=1.3.5.9
CPS.1=http://cps.example/
userNotice.1=@notice
[notice]
explicitText=\"UTF8:Explicit Text Here\"
organization=\"Organisation Name\"
noticeNumbers=1,2,3
";

/// Subjects with what is odd in names.
const SUBJECTS: [(&str, &str); 14] = [
    ("plain", "/CN=web"),
    ("long", "/C=US/ST=X/L=Y/O=A, B/OU=a=b/CN=x/emailAddress=a@b.c/serialNumber=12/DC=com/UID=u"),
    ("empty", "/"),
    ("multi-valued", "/O=shop/CN=a+OU=b"),
    ("escape", "/CN=\u{1b}[2Jgone"),
    ("line-feed", "/CN=one\ntwo"),
    ("bell", "/O=\u{7}/CN=a"),
    ("umlaut", "/CN=T\u{fc}r"),
    ("right-to-left", "/CN=a\u{202e}b"),
    ("quotes", "/CN=a\"b<c>d;e"),
    ("blanks", "/CN= a /O=#b"),
    ("backslash", "/CN=a\\\\b"),
    (
        "many",
        "/GN=g/SN=s/initials=i/title=t/pseudonym=p/dnQualifier=q/name=n/street=s/postalCode=1/businessCategory=b",
    ),
    ("jurisdiction", "/jurisdictionC=DE/organizationIdentifier=VAT/CN=x"),
];

const SERIALS: [(&str, &str); 9] = [
    ("zero", "0"),
    ("five", "5"),
    ("minus-five", "-5"),
    ("minus-128", "-128"),
    ("most", "0x7fffffffffffffff"),
    ("over", "0x8000000000000000"),
    ("negative", "-0x123456789012345678901234"),
    ("twenty", "0x7f0102030405060708090a0b0c0d0e0f10111213"),
    ("fifty", "0x1102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021"),
];

/// Every certificate of the zoo.
pub(super) fn cases() -> Vec<Case> {
    let case = |name: String, key, extensions: &str, words: &[&str]| Case {
        name,
        key,
        extensions: extensions.to_owned(),
        words: words.iter().map(|word| (*word).to_owned()).collect(),
    };
    let plain = ["-subj", "/CN=web"];
    let mut cases: Vec<Case> = Vec::new();
    for (key, _) in KEYS.iter().chain(&[("dsa", "")]) {
        cases.push(case(format!("key {key}"), key, "subjectAltName=DNS:web", &plain));
    }
    for (name, extensions) in EXTENSIONS {
        cases.push(case(format!("extension {name}"), "p256", extensions, &plain));
    }
    for (name, subject) in SUBJECTS {
        let words = ["-utf8", "-multivalue-rdn", "-subj", subject];
        cases.push(case(format!("subject {name}"), "p256", "", &words));
    }
    for (name, serial) in SERIALS {
        cases.push(case(
            format!("serial {name}"),
            "p256",
            "",
            &["-set_serial", serial, "-subj", "/CN=web"],
        ));
    }
    for days in ["1", "9000", "20000", "2000000"] {
        cases.push(case(format!("days {days}"), "p256", "", &["-subj", "/CN=web", "-days", days]));
    }
    for digest in ["-md5", "-sha1", "-sha224", "-sha384", "-sha512", "-sha3-256"] {
        cases.push(case(format!("digest {digest}"), "rsa2048", "", &["-subj", "/CN=web", digest]));
    }
    for mask in ["default", "nombstr", "pkix", "MASK:0x4", "MASK:0x800", "MASK:0x100"] {
        let name = format!("string {mask}");
        let mut case = case(name, "p256", "", &["-utf8", "-subj", "/CN=T\u{fc}r/O=plain"]);
        case.extensions = format!("#{mask}");
        cases.push(case);
    }
    let pss = "-subj /CN=web -sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20";
    cases.push(case("signature pss".into(), "rsa2048", "", &pss.split(' ').collect::<Vec<_>>()));
    let mut names = String::from("subjectAltName=@many\n[many]\n");
    for at in 0..10_000 {
        let _ = writeln!(names, "DNS.{at}=n{at}.shop.svc");
    }
    cases.push(case("10000 names".into(), "p256", &names, &plain));
    cases
}

#[track_caller]
pub(super) fn openssl<'a>(folder: &Path, words: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    #[expect(clippy::disallowed_methods, reason = "openssl is what is compared with")]
    let output = Command::new("openssl").args(words).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

pub(super) fn keys(folder: &Path) {
    for (name, words) in KEYS {
        let file = format!("{name}.key");
        let words =
            ["genpkey", "-out", &file, "-algorithm"].into_iter().chain(words.split_whitespace());
        openssl(folder, words);
    }
    openssl(folder, ["dsaparam", "-genkey", "-noout", "-out", "dsa.key", "1024"]);
}

impl Case {
    /// Its certificate, as `cert.pem` in the folder.
    pub(super) fn make(&self, folder: &Path) {
        let mask = self.extensions.strip_prefix('#').unwrap_or("utf8only");
        let extensions = if self.extensions.starts_with('#') { "" } else { &self.extensions };
        let config = format!(
            "[req]\ndistinguished_name=dn\nstring_mask={mask}\n[dn]\n[v3]\n{extensions}\n{SECTIONS}"
        );
        std::fs::write(folder.join("openssl.cnf"), config).unwrap();
        let key = format!("{}.key", self.key);
        let fixed = [
            "req",
            "-x509",
            "-config",
            "openssl.cnf",
            "-extensions",
            "v3",
            "-out",
            "cert.pem",
            "-key",
            &key,
        ];
        openssl(folder, fixed.into_iter().chain(self.words.iter().map(String::as_str)));
    }
}
