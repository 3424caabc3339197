//! `cert`: what is in certificates, and what strict clients say of them. Sends nothing but a read to
//! the API server, and with `--compare` a handshake.

mod compare;
mod read;

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use rustls::sign::CertifiedKey;
use serde::Serialize;

use crate::{
    args::{CertArgs, Held},
    certificates::{self, Belongs, Certificate, Expectation, Moment, Roots, belongs, judge},
    cluster::Cluster,
    code::{BAD_VALUE, certificates as code},
    finding::{Failure, Finding, Label, Severity, worst},
    render::{self, Document},
    session::{Clock, Session, Stopped},
};
use read::{Source, certificates_of, read, whole};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CertReport<'a> {
    /// File, `-`, or object and key.
    from: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_version: Option<&'a str>,
    /// To the first certificate; absent where there is no key, or none that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_belongs: Option<bool>,
    certificates: Vec<certificates::Entry<'a>>,
}

/// CERT, read and judged.
struct Judged {
    source: Source,
    chain: Vec<Certificate>,
    belongs: Option<Belongs>,
    findings: Vec<Finding>,
    now: Moment,
}

pub(crate) async fn run(args: &CertArgs, session: &mut Session<'_>) -> Result<Severity, Stopped> {
    let clock = Clock::now();
    let cluster =
        match is_in_cluster(&args.held) || args.ca_file.as_ref().is_some_and(is_in_cluster) {
            true => Some(Cluster::open(&args.kube, &session.surroundings)?),
            false => None,
        };
    let judged = Judged::read(args, cluster.as_ref()).await?;
    if let Some(tls) = args.compared() {
        return compare::run(tls, &judged, session).await;
    }
    if args.showcerts {
        return shown(session, &judged.chain, &judged.findings);
    }
    show(session, &judged)?;
    let (out, screen) = (&mut *session.out, &session.screen);
    render::verdict(out, screen, &judged.findings)?;
    let document = Document::new("CertReport", clock.span(), &judged.findings)
        .part("cert", &judged.report())
        .map_err(std::io::Error::from)?;
    render::document(out, screen, &document)?;
    Ok(worst(&judged.findings))
}

impl Judged {
    async fn read(args: &CertArgs, cluster: Option<&Cluster>) -> Result<Self, Failure> {
        let now = Moment::of(Timestamp::now());
        let source = read(&args.held, cluster).await?;
        let (chain, broken) = certificates_of(&source)?;
        let roots = roots(args.ca_file.as_ref(), cluster).await?;
        let name = args.servername.as_deref();
        let is_server = source.is_server();
        let mut findings = judge(&chain, &Expectation { name, now, roots: &roots, is_server });
        let belongs = source.private_key().map(|key| belongs(key, &chain[0]));
        let of_file = unreadable(&broken).into_iter();
        let of_file: Vec<Finding> =
            of_file.chain((belongs == Some(Belongs::No)).then(|| other_key(&source))).collect();
        if !of_file.is_empty() {
            findings.retain(|finding| finding.severity != Severity::Ok);
            findings.splice(0..0, of_file);
        }
        findings.iter_mut().for_each(|finding| advise(finding, &source));
        Ok(Self { source, chain, belongs, findings, now })
    }

    fn report(&self) -> CertReport<'_> {
        CertReport {
            from: &self.source.name,
            resource_version: self.source.resource_version.as_deref(),
            key_belongs: match self.belongs {
                Some(Belongs::Yes) => Some(true),
                Some(Belongs::No) => Some(false),
                Some(Belongs::Encrypted | Belongs::Unknown) | None => None,
            },
            certificates: self.chain.iter().map(Certificate::entry).collect(),
        }
    }

    fn head(&self) -> String {
        head(&self.source, self.chain.len(), self.belongs)
    }
}

/// Whether it can be read only with a cluster.
pub(crate) fn is_in_cluster(held: &Held) -> bool {
    matches!(held, Held::Object(_))
}

/// Whom to trust: Mozilla's list, where nobody else is named.
pub(crate) async fn roots(
    held: Option<&Held>,
    cluster: Option<&Cluster>,
) -> Result<Roots, Failure> {
    let Some(held) = held else { return Ok(Roots::Mozilla) };
    let source = read(held, cluster).await?;
    let certificates = whole(&source)?;
    Ok(Roots::Own { name: source.name, certificates })
}

/// What a client shows of itself: certificates and their key, of files here.
pub(crate) async fn client(certificates: &Path, key: &Path) -> Result<Arc<CertifiedKey>, Failure> {
    let shown = read(&Held::File(certificates.to_owned()), None).await?;
    let chain = whole(&shown)?;
    let source = read(&Held::File(key.to_owned()), None).await?;
    let bad = |why: &str| Failure::new(BAD_VALUE, format!("--key {}: {why}", source.name));
    let key = certificates::signer(source.bytes()).map_err(|why| bad(&why.to_string()))?;
    if belongs(source.bytes(), &chain[0]) == Belongs::No {
        let subject = &chain[0].subject.text;
        return Err(bad(&format!("not the key of {subject}, --cert {}", shown.name)));
    }
    let chain = chain.into_iter().map(|one| one.der.into()).collect();
    Ok(Arc::new(CertifiedKey::new(chain, key)))
}

/// A private CA that stands in the same Secret is the one to try.
fn advise(finding: &mut Finding, source: &Source) {
    if finding.code == Some(code::UNKNOWN_ISSUER) && source.has_ca {
        let words = ["kubectl", "netdiag", "cert", &source.name, "--ca-file", &source.ca()];
        finding.labels.push(Label::Next(words.map(str::to_owned).into()));
    }
}

/// Servers and clients read such a file to that place, or not at all.
fn unreadable(broken: &[String]) -> Option<Finding> {
    const SHOWN: usize = 5;
    let (first, others) = broken.split_first()?;
    let means = "whoever loads it stops there or refuses all of it".to_owned();
    let mut finding = Finding::new(Severity::Fail, code::UNREADABLE, first.clone());
    finding.labels.extend(others.iter().take(SHOWN).cloned().map(Label::Seen));
    Some(finding.with(Label::Means(means)))
}

fn other_key(source: &Source) -> Finding {
    let summary = format!("{} does not belong to the certificate", source.key_name());
    let means = "servers refuse the pair: they do not start, or go on with the old one";
    Finding::new(Severity::Fail, code::OTHER_KEY, summary).with(Label::Means(means.into()))
}

/// `--showcerts`: PEM and nothing else.
fn shown(
    session: &mut Session<'_>,
    chain: &[Certificate],
    findings: &[Finding],
) -> Result<Severity, Stopped> {
    if !session.screen.quiet {
        for one in chain {
            write!(session.out, "{}", certificates::armour(&one.der))?;
        }
    }
    Ok(worst(findings))
}

fn head(source: &Source, certificates: usize, belongs: Option<Belongs>) -> String {
    let version = source.resource_version.as_ref().map(|v| format!(" (resourceVersion {v})"));
    let count = match certificates {
        1 => "1 certificate".to_owned(),
        many => format!("{many} certificates"),
    };
    let key = source.key_name();
    let key = match belongs {
        None => String::new(),
        Some(Belongs::Yes) => format!(", {key} belongs to certificate 0"),
        Some(Belongs::No) => format!(", {key} belongs to another"),
        Some(Belongs::Encrypted) => format!(", {key} is encrypted"),
        Some(Belongs::Unknown) => format!(", {key} cannot be read"),
    };
    format!("{}{}: {count}{key}", source.name, version.unwrap_or_default())
}

fn show(session: &mut Session<'_>, judged: &Judged) -> Result<(), Stopped> {
    let (chain, now) = (&judged.chain, judged.now);
    let (out, screen) = (&mut *session.out, &session.screen);
    if !screen.shows_evidence() {
        return Ok(());
    }
    writeln!(out, "{}", screen.safe(&judged.head()))?;
    let folds = screen.detail == 0 && screen.width.is_some();
    let (table, folded) = certificates::table(chain, now, folds);
    if !table.rows.is_empty() {
        render::table(out, screen, &table)?;
    }
    if folded > 0 {
        writeln!(out, "{folded} more whose dates, keys and signatures are good (-v)")?;
    }
    if screen.detail > 0 {
        for line in chain.iter().flat_map(certificates::text) {
            writeln!(out, "{}", screen.safe(&line))?;
        }
    }
    let first = chain.first().filter(|first| !first.limits.is_ca);
    if let Some(names) = first.and_then(certificates::good_for) {
        writeln!(out, "{}", screen.safe(&names))?;
    }
    Ok(())
}
