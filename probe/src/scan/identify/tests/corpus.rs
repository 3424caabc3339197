//! What Debian's daemons really said, recorded byte by byte: `probe/fuzz/banners/READER/DAEMON`.

use std::{fs, path::Path};

use proptest::sample::Index;

use super::*;
use crate::scan::identify::heard::Heard;

/// A file, what it speaks, and `product version` as far as the daemon says them.
const EXPECTED: &[(&str, &str, &str)] = &[
    ("cache/memcached-ping", "", ""),
    ("cache/redis-password", "Redis", ""),
    ("cache/redis-ping", "Redis", ""),
    ("dns/bind", "DNS", "BIND 9.18.49-1~deb12u3-Debian"),
    ("dns/dnsmasq", "DNS", "dnsmasq 2.90"),
    ("dns/nsd", "DNS", "NSD 4.6.1"),
    ("dns/unbound", "DNS", "unbound 1.17.1"),
    ("dns-tcp/bind", "DNS", "BIND 9.18.49-1~deb12u3-Debian"),
    ("greeting/dovecot-imap", "IMAP4rev1", "Dovecot"),
    ("greeting/dovecot-pop3", "POP3", "Dovecot"),
    ("greeting/dropbear", "SSH 2.0", "dropbear 2022.83"),
    ("greeting/exim", "SMTP", "Exim 4.96"),
    ("greeting/mariadb", "MySQL", "MariaDB 10.11.19"),
    ("greeting/nats", "NATS", "nats-server 2.9.10"),
    ("greeting/openssh", "SSH 2.0", "OpenSSH 9.2p1"),
    ("greeting/vsftpd", "FTP", "vsFTPd 3.0.3"),
    ("http/apache", "HTTP/1.1", "Apache 2.4.71"),
    ("http/busybox", "HTTP/1.1", ""),
    ("http/etcd-root", "HTTP/1.1", ""),
    ("http/etcd-version", "HTTP/1.1 > etcd", "etcd 3.4.23"),
    ("http/haproxy", "HTTP/1.1", "HAProxy"),
    ("http/lighttpd", "HTTP/1.1", "lighttpd 1.4.69"),
    ("http/nginx", "HTTP/1.1", "nginx 1.22.1"),
    ("http/nginx-wants-tls", "HTTP/1.1", "nginx 1.22.1"),
    ("http/node-exporter-metrics", "HTTP/1.1 > Prometheus metrics", "node_exporter 1.5.0"),
    ("http/node-exporter-root", "HTTP/1.1", ""),
    ("http/squid", "HTTP/1.1", "squid 5.7"),
    ("http/tinyproxy", "HTTP/1.0", "tinyproxy 1.11.1"),
    ("http2/nghttpd", "HTTP/2", "nghttpd nghttp2/1.52.0"),
    ("http2/nginx", "HTTP/2", "nginx 1.22.1"),
    ("imap-id/dovecot", "", "Dovecot"),
    ("ldap/openldap", "LDAPv3", "OpenLDAP"),
    ("memcached/memcached", "memcached", "memcached 1.6.18"),
    ("mqtt/mosquitto", "MQTT 3.1.1", ""),
    ("mqtt-version/mosquitto", "", "mosquitto 2.0.11"),
    ("ntp/chrony", "NTPv4", ""),
    ("postgres/error", "PostgreSQL", "PostgreSQL"),
    ("postgres/ssl", "", ""),
    ("redis-info/redis", "", "redis 7.0.15"),
    ("snmp/net-snmp", "SNMPv3", "Net-SNMP"),
];

/// By the folder's name.
fn reader(folder: &str) -> Reader {
    let after = |question: heard::Question, answer: &[u8]| match (question.read)(answer) {
        Heard::Ask(_, next) => next.read,
        other => panic!("{folder}: {other:?}"),
    };
    match folder {
        "greeting" => greeting::read,
        "imap-id" => {
            let hello = b"* OK [CAPABILITY IMAP4rev1 ID ENABLE] ready.\r\n";
            after(heard::Question::new("", greeting::read), hello)
        }
        "http" => http::read,
        "http2" => http2::question("a", false).read,
        "cache" => caches::question().read,
        "redis-info" => after(caches::question(), b"+PONG\r\n"),
        "memcached" => after(caches::question(), b"ERROR\r\n"),
        "postgres" => databases::postgres().read,
        "mqtt" => brokers::mqtt().read,
        "mqtt-version" => after(brokers::mqtt(), b"\x20\x02\0\0"),
        "dns-tcp" => udp::dns_over_tcp().read,
        "dns" => udp::dns().read,
        "ntp" => udp::questions(123)[0].read,
        "snmp" => udp::questions(161)[0].read,
        "ldap" => directory::question().read,
        other => panic!("no reader is for {other}"),
    }
}

/// All files: folder, `folder/file`, bytes.
fn corpus() -> Vec<(String, String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/banners");
    let entries = |path: &Path| {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        let mut entries: Vec<_> = entries.collect();
        entries.sort();
        entries
    };
    let word = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut all = Vec::new();
    for folder in entries(&root) {
        for file in entries(&folder) {
            let (folder, file) = (word(&folder), file);
            let name = format!("{folder}/{}", word(&file));
            all.push((folder, name, fs::read(&file).unwrap()));
        }
    }
    all
}

/// `speaks`, and `product version`.
fn says(read: Reader, bytes: &[u8]) -> (String, String) {
    let found = read(bytes).so_far().unwrap_or_default();
    let cells = [found.product, found.version].into_iter().flatten();
    let cells: Vec<String> = cells.map(|cell| cell.to_string()).collect();
    (found.speaks.join(" > "), cells.join(" "))
}

#[test]
fn recorded_daemons_are_known() {
    let said: Vec<_> = corpus()
        .into_iter()
        .map(|(folder, name, bytes)| {
            let (speaks, product) = says(reader(&folder), &bytes);
            (name, speaks, product)
        })
        .collect();
    let said: Vec<_> =
        said.iter().map(|(name, speaks, product)| (&**name, &**speaks, &**product)).collect();
    assert_eq!(said, EXPECTED);
}

#[test]
fn a_server_that_wants_tls_is_heard() {
    for (_, name, bytes) in corpus().into_iter().filter(|(folder, ..)| folder == "http") {
        let answer = http::Answer::parse(&bytes).unwrap();
        assert_eq!(answer.wants_tls(), name == "http/nginx-wants-tls", "{name}");
    }
}

/// An answer may come in any number of pieces: no beginning of it is taken for something else.
#[test]
fn an_answer_that_is_cut_is_never_refused() {
    for (folder, name, bytes) in corpus() {
        let read = reader(&folder);
        if read(&bytes) == Heard::No || matches!(&*folder, "dns" | "ntp" | "snmp") {
            continue;
        }
        for end in (0..bytes.len()).take(2_000) {
            assert_ne!(read(&bytes[..end]), Heard::No, "{name}, {end} of {}", bytes.len());
        }
    }
}

proptest! {
    #[test]
    fn recorded_answers_with_faults_are_read_within_bounds(
        which: Index, changes: Vec<(Index, u8)>, cut: Index
    ) {
        let corpus = corpus();
        let (folder, _, mut bytes) = which.get(&corpus).clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len().max(1));
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        read_on(reader(&folder), &bytes);
    }
}
