//! The whole of a certificate in the order and the words of `openssl x509 -text`, one string a line.

mod access;
mod extensions;
mod key;
mod points;
mod policies;
mod resources;
mod timestamps;
mod words;

use x509_parser::{
    asn1_rs::{Any, FromDer},
    certificate::X509Certificate,
};

use super::{Certificate, Moment, signature::parameters};

/// Indented by four spaces a level, as openssl does.
#[derive(Debug, Default)]
struct Text {
    lines: Vec<String>,
}

impl Text {
    fn line(&mut self, level: usize, text: impl AsRef<str>) {
        self.lines.push(format!("{:width$}{}", "", text.as_ref(), width = level * 4));
    }

    fn lines(&mut self, level: usize, lines: impl IntoIterator<Item = String>) {
        lines.into_iter().for_each(|line| self.line(level, line));
    }
}

/// Everything that stands in it.
pub(crate) fn text(certificate: &Certificate) -> Vec<String> {
    let mut out = Text::default();
    let Ok((_, read)) = X509Certificate::from_der(&certificate.der) else { return out.lines };
    out.line(0, "Certificate:");
    out.line(1, "Data:");
    let version = certificate.version;
    out.line(2, format!("Version: {version} ({:#x})", version.saturating_sub(1)));
    serial(&mut out, &certificate.serial);
    out.line(2, format!("Signature Algorithm: {}", certificate.signature.name));
    out.lines(2, parameters(&read.signature_algorithm));
    out.line(2, format!("Issuer: {}", certificate.issuer.text));
    out.line(2, "Validity");
    out.line(3, format!("Not Before: {}", date(certificate.not_before)));
    out.line(3, format!("Not After : {}", date(certificate.not_after)));
    out.line(2, format!("Subject: {}", certificate.subject.text));
    out.line(2, "Subject Public Key Info:");
    out.lines(3, key::text(read.public_key(), &certificate.key));
    unique(&mut out, "Issuer", read.issuer_uid.as_ref().map(|uid| uid.0.data.as_ref()));
    unique(&mut out, "Subject", read.subject_uid.as_ref().map(|uid| uid.0.data.as_ref()));
    if !read.extensions().is_empty() {
        out.line(2, "X509v3 extensions:");
    }
    for extension in read.extensions() {
        let oid = extension.oid.to_id_string();
        let critical = if extension.critical { "critical" } else { "" };
        let name = words::extension(&oid).unwrap_or(&oid);
        out.line(3, format!("{name}: {critical}").trim_end());
        out.lines(4, extensions::value(&oid, extension.value));
    }
    out.line(1, format!("Signature Algorithm: {}", certificate.signature.name));
    out.line(1, "Signature Value:");
    out.lines(2, parameters(&read.signature_algorithm));
    let bytes = &certificate.signature.bytes;
    let numbers = certificate.signature.name.starts_with("dsa").then(|| key::dsa_signature(bytes));
    out.lines(2, numbers.flatten().unwrap_or_else(|| hex(bytes, 18)));
    out.lines
}

/// A number where it fits in 64 bits, else its bytes.
fn serial(out: &mut Text, bytes: &[u8]) {
    let is_negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let size = magnitude(bytes, is_negative);
    let sign = if is_negative { "-" } else { "" };
    let fits = size.len() < 8 || (size.len() == 8 && size[0] & 0x80 == 0);
    if fits {
        let number = size.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        out.line(2, format!("Serial Number: {sign}{number} ({sign}{number:#x})"));
        return;
    }
    out.line(2, "Serial Number:");
    let sign = if is_negative { " (Negative)" } else { "" };
    out.line(3, format!("{sign}{}", super::alternative::hex(&size)));
}

/// Big-endian without leading zeroes, of a number in two's complement.
fn magnitude(bytes: &[u8], is_negative: bool) -> Vec<u8> {
    let mut size = bytes.to_vec();
    if is_negative {
        let mut carry = true;
        for byte in size.iter_mut().rev() {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    let zeroes = size.iter().take_while(|byte| **byte == 0).count();
    size.split_off(zeroes)
}

fn unique(out: &mut Text, whose: &str, bits: Option<&[u8]>) {
    if let Some(bits) = bits {
        out.line(2, format!("{whose} Unique ID: "));
        out.lines(3, hex(bits, 18));
    }
}

/// `Nov 23 06:18:47 2026 GMT`.
fn date(moment: Moment) -> String {
    moment.written("%b %e %H:%M:%S %Y GMT")
}

/// `30:45:`, so many bytes a line, a colon at the end of all but the last.
fn hex(bytes: &[u8], width: usize) -> Vec<String> {
    let count = bytes.len().div_ceil(width);
    let line = |(at, chunk): (usize, &[u8])| {
        let end = if at + 1 < count { ":" } else { "" };
        format!("{}{end}", super::alternative::hex(chunk))
    };
    bytes.chunks(width).enumerate().map(line).collect()
}

/// The elements of a constructed value, up to the first that is broken.
fn children(mut der: &[u8]) -> Vec<Any<'_>> {
    let mut found = Vec::new();
    while let Ok((rest, any)) = Any::from_der(der) {
        found.push(any);
        der = rest;
    }
    found
}

/// A whole number, however long.
fn integer(bytes: &[u8]) -> String {
    let is_negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let size = magnitude(bytes, is_negative);
    let sign = if is_negative { "-" } else { "" };
    if size.len() > 8 {
        return format!("{sign}0x{}", super::alternative::hex(&size).replace(':', ""));
    }
    let number = size.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{sign}{number}")
}

fn oid(any: &Any<'_>) -> String {
    any.clone().oid().map_or_else(|_| super::alternative::hex(any.data), |oid| oid.to_id_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_has_any_size_and_sign() {
        let shown = |bytes: &[u8]| {
            let mut out = Text::default();
            serial(&mut out, bytes);
            out.lines.concat().trim().to_owned()
        };
        assert_eq!(shown(&[5]), "Serial Number: 5 (0x5)");
        assert_eq!(shown(&[0xfb]), "Serial Number: -5 (-0x5)");
        assert_eq!(shown(&[0]), "Serial Number: 0 (0x0)");
        let long = [0, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(shown(&long), "Serial Number:            80:00:00:00:00:00:00:00");
        let negative = shown(&[0xed, 0xcb, 0xa9, 0x87, 0x6f, 0xed, 0xcb, 0xa9, 0x87]);
        assert_eq!(negative, "Serial Number:             (Negative)12:34:56:78:90:12:34:56:79");
    }
}
