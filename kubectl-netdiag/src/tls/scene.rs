//! A handshake for tests: certificates of a shop's own CAs, what is known around it, and the screen.

use netdiag_wire::{
    EndReason, Untrusted,
    connect::{ConnectAttempt, ConnectOutcome, ConnectProtocol},
    tls::{TlsAgreed, TlsEnd, TlsHandshake, TlsReport, TlsRequest, TlsServed},
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
};

use super::{Over, own_names};
use crate::{
    certificates::{Certificate, Roots},
    diagnose::Context,
    finding::{Peer, PeerKind},
    render::{self, Screen, connect_header, scene::pod_peer},
};

/// Of the reference page.
const NOW: &str = "2026-11-22T03:07:11Z";

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// The CAs of the shop.
pub(super) struct Shop {
    root: Issuer,
    pub(super) issuing: Issuer,
}

pub(super) struct Scene {
    pub(super) report: TlsReport,
    request: TlsRequest,
    context: Context,
    roots: Roots,
    pub(super) screen: Screen,
}

fn params(common: &str, names: &[&str], until: &str) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common);
    let system = |at: &str| std::time::SystemTime::from(at.parse::<jiff::Timestamp>().unwrap());
    params.not_before = system("2026-01-01T00:00:00Z").into();
    params.not_after = system(until).into();
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority(common: &str) -> (CertificateParams, KeyPair) {
    let mut params = params(common, &[], "2031-03-01T00:00:00Z");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params, KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap())
}

impl Shop {
    pub(super) fn new() -> Self {
        let (params, key) = authority("shop-root");
        let root = CertifiedIssuer::self_signed(params, key).unwrap();
        let (params, key) = authority("shop-issuing-ca");
        let issuing = CertifiedIssuer::signed_by(params, key, &root).unwrap();
        Self { root, issuing }
    }

    /// A server's, in DER.
    pub(super) fn certificate(&self, common: &str, names: &[&str], until: &str) -> Untrusted {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = params(common, names, until).signed_by(&key, &self.issuing).unwrap();
        certificate.der().to_vec().into()
    }

    /// `checkout.shop.svc`'s, and the one that signed it.
    pub(super) fn checkout(&self, until: &str) -> Vec<Untrusted> {
        let names = ["checkout.shop.svc", "checkout.shop.svc.cluster.local"];
        vec![self.certificate("checkout.shop.svc", &names, until), self.signed_by()]
    }

    pub(super) fn signed_by(&self) -> Untrusted {
        self.issuing.der().to_vec().into()
    }

    /// Asked from a pod of the shop, trusting its root.
    pub(super) fn scene(&self, certificates: Vec<Untrusted>) -> Scene {
        let to = Peer {
            kind: PeerKind::Service,
            namespace: Some("shop".into()),
            name: "checkout".into(),
            address: Some([10, 96, 14, 7].into()),
            port: Some(443),
            ..Peer::default()
        };
        let mut request = TlsRequest::to("10.96.14.7", 443);
        request.offer.server_name = Some("checkout.shop.svc".into());
        let handshake = TlsHandshake {
            server_name: Some("checkout.shop.svc".into()),
            took_us: 6_100,
            read_bytes: 2_811,
            written_bytes: 1_844,
            agreed: Some(agreed()),
            ..TlsHandshake::default()
        };
        let from = pod_peer("web-7d4c9b5f6-x2x9z", [10, 244, 1, 23]);
        let attempt = ConnectAttempt {
            target: 0,
            round: 1,
            remote: "10.96.14.7:443".parse().unwrap(),
            local: Some("10.244.1.23:41822".parse().unwrap()),
            took_us: 520,
            mss: Some(1460),
            beside: false,
            outcome: ConnectOutcome::Connected { banner: None, closed: false },
        };
        let report = TlsReport {
            attempts: vec![attempt],
            asked: Some(TlsServed { handshake: Some(handshake), certificates, staple: None }),
            ended: Some(EndReason::Completed),
            ..TlsReport::default()
        };
        let now_at = NOW.parse().unwrap();
        let context = Context { from, to, now_at, ..Context::default() };
        let certificates = vec![Certificate::parse(self.root.der()).unwrap()];
        let roots = Roots::Own { name: "secret/shop-ca".into(), certificates };
        Scene { report, request, context, roots, screen: Screen::default() }
    }
}

fn agreed() -> TlsAgreed {
    TlsAgreed {
        version: "TLS 1.3".into(),
        cipher_suite: "TLS_AES_256_GCM_SHA384".into(),
        group: Some("X25519MLKEM768".into()),
        alpn: Some("h2".into()),
        tickets: 2,
        proven: true,
        ..TlsAgreed::default()
    }
}

impl Scene {
    pub(super) fn trusting_the_public(self) -> Self {
        Self { roots: Roots::Mozilla, ..self }
    }

    /// The handshake as asked for, changed.
    pub(super) fn but(mut self, change: impl FnOnce(&mut TlsHandshake)) -> Self {
        let asked = self.report.asked.as_mut().unwrap();
        change(asked.handshake.as_mut().unwrap());
        self
    }

    /// It came to no end but this.
    pub(super) fn ends(self, end: TlsEnd) -> Self {
        self.but(|handshake| {
            (handshake.agreed, handshake.end) = (None, end);
        })
    }

    pub(super) fn shown(&self) -> String {
        let Self { report, request, context, roots, screen } = self;
        let mut out = Vec::new();
        let peers = (&context.from, &context.to);
        connect_header(&mut out, screen, ConnectProtocol::Tcp, peers, "https").unwrap();
        let names = own_names(&context.to);
        let over = Over { report, request, names: &names, roots, context };
        let conclusion = over.conclude(&mut out, screen).unwrap();
        render::verdict(&mut out, screen, &conclusion.findings).unwrap();
        String::from_utf8(out).unwrap()
    }
}
