//! What dig's options come to: how to ask, and what of the answer to print.

use std::{net::IpAddr, path::PathBuf};

use netdiag_wire::dns::{DnsTransport, QueryOptions};

use crate::args::duration;

/// All options together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Dig {
    pub(crate) options: QueryOptions,
    pub(crate) shown: Shown,
    pub(crate) has_trace: bool,
    pub(crate) ca_file: Option<PathBuf>,
}

/// The parts of dig's layout.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Shown {
    pub(crate) short: bool,
    /// Behind each short answer, who gave it.
    pub(crate) identify: bool,
    pub(crate) comments: bool,
    pub(crate) question: bool,
    pub(crate) answer: bool,
    pub(crate) authority: bool,
    pub(crate) additional: bool,
    pub(crate) stats: bool,
    pub(crate) ttl: bool,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            short: false,
            identify: false,
            comments: true,
            question: true,
            answer: true,
            authority: true,
            additional: true,
            stats: true,
            ttl: true,
        }
    }
}

impl Shown {
    fn all(&mut self, is_on: bool) {
        self.comments = is_on;
        self.question = is_on;
        self.answer = is_on;
        self.authority = is_on;
        self.additional = is_on;
        self.stats = is_on;
    }
}

impl Dig {
    /// One option of [`super::dig`]'s list.
    pub(super) fn set(
        &mut self,
        word: &str,
        is_on: bool,
        value: Option<&str>,
    ) -> Result<(), String> {
        let (options, shown) = (&mut self.options, &mut self.shown);
        match word {
            "tcp" => options.transport = over(DnsTransport::Tcp, is_on),
            "tls" => options.transport = over(DnsTransport::Tls, is_on),
            "https" => {
                options.transport = over(DnsTransport::Https, is_on);
                options.http_path = value.filter(|_| is_on).map(path).transpose()?;
            }
            "tls-ca" => self.ca_file = value.filter(|_| is_on).map(PathBuf::from),
            "tls-hostname" => options.tls_name = value.filter(|_| is_on).map(str::to_owned),
            "ignore" => options.keep_truncated = is_on,
            "dnssec" => options.dnssec_ok = is_on,
            "recurse" => options.no_recurse = !is_on,
            "cdflag" => options.checking_disabled = is_on,
            "adflag" => options.no_ad = !is_on,
            "edns" => {
                version(value)?;
                options.no_edns = !is_on;
            }
            "bufsize" => options.bufsize = bufsize(value)?,
            "timeout" => options.timeout_us = value.map(timeout).transpose()?,
            "tries" => options.tries = Some(tries(value, 0)?),
            "retry" => options.tries = Some(tries(value, 1)?),
            "subnet" => options.subnet = value.filter(|_| is_on).map(subnet).transpose()?,
            "nsid" => options.nsid = is_on,
            "cookie" => {
                options.no_cookie = !is_on;
                options.cookie = value.map(cookie).transpose()?;
            }
            "trace" => self.has_trace = is_on,
            "short" => shown.short = is_on,
            "identify" => shown.identify = is_on,
            "all" => shown.all(is_on),
            "comments" => shown.comments = is_on,
            "question" => shown.question = is_on,
            "answer" => shown.answer = is_on,
            "authority" => shown.authority = is_on,
            "additional" => shown.additional = is_on,
            "stats" => shown.stats = is_on,
            "ttlid" => shown.ttl = is_on,
            // `cmd`: dig's own first lines, in whose place our header stands.
            _ => {}
        }
        Ok(())
    }
}

fn over(transport: DnsTransport, is_on: bool) -> DnsTransport {
    if is_on { transport } else { DnsTransport::Udp }
}

fn path(text: &str) -> Result<String, String> {
    let fits = text.starts_with('/') && text.bytes().all(|b| b.is_ascii_graphic());
    if fits { Ok(text.to_owned()) } else { Err("the path must begin with / and be ASCII".into()) }
}

fn version(text: Option<&str>) -> Result<(), String> {
    match text {
        None | Some("0") => Ok(()),
        Some(_) => Err("only version 0 of EDNS is here".into()),
    }
}

fn bufsize(text: Option<&str>) -> Result<u16, String> {
    let Some(text) = text else { return Ok(QueryOptions::default().bufsize) };
    text.parse().map_err(|_| "the size must be 0 to 65535 bytes".into())
}

fn timeout(text: &str) -> Result<u32, String> {
    let us = duration::micros(text)?;
    let fits = (1_000..=60_000_000).contains(&us);
    if fits { Ok(us) } else { Err("the wait must be 0.001 s to 60 s".into()) }
}

/// `+retry` counts those after the first.
fn tries(text: Option<&str>, more: u8) -> Result<u8, String> {
    let tries = text.and_then(|text| text.parse::<u8>().ok()?.checked_add(more));
    let tries = tries.filter(|tries| (1..=10).contains(tries));
    tries.ok_or_else(|| format!("must be {} to {}", 1 - more, 10 - more))
}

/// `0` is everybody, as in dig.
fn subnet(text: &str) -> Result<String, String> {
    let wrong = || "must be an address, or ADDRESS/LENGTH".to_owned();
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    if address == "0" && matches!(length, None | Some("0")) {
        return Ok("0.0.0.0/0".into());
    }
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let length = match length {
        Some(length) => length.parse::<u8>().map_err(|_| wrong())?,
        None => longest,
    };
    if length > longest {
        return Err(format!("the length must be 0 to {longest}"));
    }
    Ok(format!("{address}/{length}"))
}

fn cookie(text: &str) -> Result<String, String> {
    let fits = (16..=80).contains(&text.len())
        && text.len().is_multiple_of(2)
        && text.bytes().all(|b| b.is_ascii_hexdigit());
    if fits { Ok(text.to_owned()) } else { Err("must be 8 to 40 bytes in hexadecimal".into()) }
}
