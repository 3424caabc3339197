//! BIND's files: `trust-anchors { ... };`, and hints as a zone file.

use std::net::IpAddr;

use netdiag_wire::dns::{MAX_ROOTS, RecordType, RootServer, TrustAnchor};

/// The keys and digests of a file with `trust-anchors`, `managed-keys` or `trusted-keys`.
pub(crate) fn trust_anchors(text: &str) -> Result<Vec<TrustAnchor>, String> {
    let tokens = tokens(text)?;
    let mut tokens = tokens.iter().map(String::as_str);
    let mut anchors = Vec::new();
    while let Some(word) = tokens.next() {
        let has_kind = match word {
            "trust-anchors" | "managed-keys" => true,
            "trusted-keys" => false,
            ";" => continue,
            other => return Err(format!("{other:?}: must be trust-anchors {{ ... }};")),
        };
        if tokens.next() != Some("{") {
            return Err(format!("{word}: must be followed by {{"));
        }
        loop {
            let entry: Vec<&str> = tokens.by_ref().take_while(|token| *token != ";").collect();
            match entry[..] {
                ["}"] => break,
                [] => return Err(format!("{word}: }}; is missing")),
                _ => anchors.push(anchor(&entry, has_kind)?),
            }
        }
    }
    bounded(anchors, "trust anchor")
}

fn anchor(entry: &[&str], has_kind: bool) -> Result<TrustAnchor, String> {
    let [zone, rest @ ..] = entry else { return Err("an empty entry".into()) };
    let (kind, rest) = match (has_kind, rest) {
        (false, rest) => (RecordType::DNSKEY, rest),
        (true, ["static-key" | "initial-key", rest @ ..]) => (RecordType::DNSKEY, rest),
        (true, ["static-ds" | "initial-ds", rest @ ..]) => (RecordType::DS, rest),
        (true, _) => {
            let kinds = "static-key, initial-key, static-ds or initial-ds";
            return Err(format!("{zone}: after the zone comes {kinds}"));
        }
    };
    let [first, second, third, data @ ..] = rest else {
        return Err(format!("{zone}: three numbers and the data are wanted"));
    };
    let numbers = [first, second, third];
    if data.is_empty() || numbers.iter().any(|number| number.parse::<u16>().is_err()) {
        return Err(format!("{zone}: three numbers and the data are wanted"));
    }
    let data = data.concat().split_whitespace().collect::<String>();
    let data = format!("{first} {second} {third} {data}");
    Ok(TrustAnchor { zone: absolute(zone), kind, data })
}

/// The addresses of the servers that a hints file (`named.root`) names for the root.
pub(crate) fn root_servers(text: &str) -> Result<Vec<RootServer>, String> {
    let mut roots = Vec::new();
    for (line, at) in text.lines().zip(1..) {
        let line = line.split(';').next().unwrap_or_default();
        let mut words = line.split_whitespace().filter(|word| !is_ttl_or_class(word));
        let (Some(name), Some(kind)) = (words.next(), words.next()) else { continue };
        if !kind.eq_ignore_ascii_case("A") && !kind.eq_ignore_ascii_case("AAAA") {
            continue;
        }
        let address = words.next().unwrap_or_default();
        let address: IpAddr =
            address.parse().map_err(|_| format!("line {at}: {address:?} is no address"))?;
        roots.push(RootServer { name: absolute(name), address });
    }
    bounded(roots, "root server")
}

fn is_ttl_or_class(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_digit()) || word.eq_ignore_ascii_case("IN")
}

fn bounded<T>(found: Vec<T>, what: &str) -> Result<Vec<T>, String> {
    match found.len() {
        0 => Err(format!("there is no {what} in it")),
        1..=MAX_ROOTS => Ok(found),
        more => Err(format!("{more} {what}s; at most {MAX_ROOTS} are taken")),
    }
}

fn absolute(name: &str) -> String {
    if name.ends_with('.') { name.to_owned() } else { format!("{name}.") }
}

/// Words, quoted strings and the signs `{ } ;`, without BIND's three kinds of comment.
fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = if rest.starts_with("//") || first == '#' {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").ok_or("a comment without end")? + 2
        } else if first == '"' {
            let length = rest[1..].find('"').ok_or("a quote without end")?;
            tokens.push(rest[1..=length].to_owned());
            length + 2
        } else {
            let sign = matches!(first, '{' | '}' | ';');
            let ends = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | ';' | '"' | '#');
            let length = if sign { 1 } else { rest.find(ends).unwrap_or(rest.len()) };
            tokens.push(rest[..length].to_owned());
            length
        };
        rest = rest[end..].trim_start();
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_three_statements_are_read() {
        let text = r#"
            // the root, as BIND ships it
            trust-anchors {
                . initial-ds 20326 8 2 "E06D44B80B8F1D39A95C0B0D7C65D084 58E880409BBC683457104237C7F8EC8D";
                /* ours */
                example. static-key 257 3 13 "AAAA
                    BBBB==";
            };
            managed-keys { "example.net" initial-key 257 3 8 "CCCC"; };
            trusted-keys { example.org 256 3 8 "DDDD"; }; # old
        "#;
        let anchors = trust_anchors(text).unwrap();
        let shown: Vec<_> =
            anchors.iter().map(|a| format!("{} {} {}", a.zone, a.kind, a.data)).collect();
        assert_eq!(
            shown,
            [
                ". DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
                "example. DNSKEY 257 3 13 AAAABBBB==",
                "example.net. DNSKEY 257 3 8 CCCC",
                "example.org. DNSKEY 256 3 8 DDDD",
            ]
        );
    }

    #[test]
    fn what_is_no_anchor_says_why() {
        for (text, why) in [
            ("", "there is no trust anchor in it"),
            ("options { };", "\"options\": must be trust-anchors { ... };"),
            ("trust-anchors . ;", "trust-anchors: must be followed by {"),
            ("trust-anchors { . initial-ds 1 8 2 \"AA\"", "trust-anchors: }; is missing"),
            (
                "trust-anchors { . 257 3 8 \"AA\"; };",
                ".: after the zone comes static-key, initial-key, static-ds or initial-ds",
            ),
            (
                "trust-anchors { . static-ds 1 8 x \"AA\"; };",
                ".: three numbers and the data are wanted",
            ),
            ("trust-anchors { . static-ds 1 8 2; };", ".: three numbers and the data are wanted"),
            ("trust-anchors { . static-ds 1 8 2 \"AA; };", "a quote without end"),
            ("/* trust-anchors", "a comment without end"),
        ] {
            assert_eq!(trust_anchors(text).unwrap_err(), why, "{text}");
        }
        let many = "example. static-ds 1 8 2 \"AA\";".repeat(65);
        let why = trust_anchors(&format!("trust-anchors {{ {many} }};")).unwrap_err();
        assert_eq!(why, "65 trust anchors; at most 64 are taken");
    }

    #[test]
    fn hints_are_a_zone_file() {
        let text = "; named.root\n.  3600000  IN  NS  A.ROOT-SERVERS.NET.\n\
                    A.ROOT-SERVERS.NET.  3600000      A     198.51.100.4\n\
                    a.root-servers.net 3600000 IN AAAA 2001:db8::4 ; ours\n";
        let roots = root_servers(text).unwrap();
        let shown: Vec<_> = roots.iter().map(|r| format!("{} {}", r.name, r.address)).collect();
        assert_eq!(shown, ["A.ROOT-SERVERS.NET. 198.51.100.4", "a.root-servers.net. 2001:db8::4"]);
        assert_eq!(root_servers("a. A 1.2.3").unwrap_err(), "line 1: \"1.2.3\" is no address");
        assert_eq!(root_servers("").unwrap_err(), "there is no root server in it");
    }
}
