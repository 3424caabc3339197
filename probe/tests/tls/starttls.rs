//! From the clear to TLS with the real servers of each protocol.

use netdiag_wire::tls::{StartTls, TlsEnd, TlsRequest};

use super::{ask, wait_for};
use crate::{identify::daemons::Daemons, lab::Netns};

const SETTINGS: [(&str, &str); 4] = [
    ("dovecot.conf", include_str!("../identify/daemons/dovecot.conf")),
    (
        "exim.conf",
        "primary_hostname = mail.target.example\nspool_directory = {dir}/exim\n\
         log_file_path = {dir}/exim/%slog\npid_file_path = {dir}/exim/pid\n\
         tls_advertise_hosts = *\ntls_certificate = {dir}/exim/cert.pem\n\
         tls_privatekey = {dir}/exim/key.pem\nhost_lookup =\nrfc1413_query_timeout = 0s\n\
         keep_environment =\n",
    ),
    (
        "slapd.conf",
        "include /etc/ldap/schema/core.schema\npidfile {dir}/slapd.pid\n\
         modulepath /usr/lib/ldap\nmoduleload back_mdb\nTLSCertificateFile {dir}/cert.pem\n\
         TLSCertificateKeyFile {dir}/key.pem\ndatabase mdb\nsuffix \"dc=target\"\n\
         directory {dir}/ldap\n",
    ),
    (
        "prosody.cfg.lua",
        "run_as_root = true\ninterfaces = { \"127.0.0.1\" }\ndata_path = \"{dir}/prosody\"\n\
         pidfile = \"{dir}/prosody/pid\"\nmodules_enabled = { \"tls\", \"saslauth\" }\n\
         c2s_require_encryption = true\nlog = \"*console\"\n\
         ssl = { certificate = \"{dir}/prosody/cert.pem\"; key = \"{dir}/prosody/key.pem\" }\n\
         VirtualHost \"target.example\"\n",
    ),
];

const PREPARATIONS: [&str; 8] = [
    "cp {dir}/cert.pem {dir}/key.pem {dir}/exim/",
    "chown -R Debian-exim {dir}/exim",
    "install -d {dir}/prosody",
    "install -m 644 {dir}/cert.pem {dir}/key.pem {dir}/prosody/",
    "cp {dir}/cert.pem {dir}/key.pem {dir}/postgres/",
    "chown -R postgres {dir}/postgres",
    "chmod 600 {dir}/postgres/key.pem",
    "setpriv --reuid=postgres --regid=postgres --clear-groups \
        {postgres}/initdb -D {dir}/postgres/data -A trust --no-sync",
];

const DAEMONS: [&str; 6] = [
    "exim4 -bdf -oX 25 -C {dir}/exim.conf",
    "dovecot -F -c {dir}/dovecot.conf",
    "setpriv --reuid=postgres --regid=postgres --clear-groups {postgres}/postgres \
        -D {dir}/postgres/data -c listen_addresses=0.0.0.0 -c unix_socket_directories={none} \
        -c ssl=on -c ssl_cert_file={dir}/postgres/cert.pem -c ssl_key_file={dir}/postgres/key.pem",
    "mariadbd --no-defaults --user=root --datadir={dir}/mariadb --skip-grant-tables \
        --socket={dir}/mariadb.sock --pid-file={dir}/mariadb.pid --bind-address=0.0.0.0 \
        --skip-name-resolve --ssl-cert={dir}/cert.pem --ssl-key={dir}/key.pem",
    "slapd -d 0 -h ldap://0.0.0.0:389 -f {dir}/slapd.conf",
    "prosody --root -F --config {dir}/prosody.cfg.lua",
];

#[test]
fn real_servers_change_to_tls_and_show_their_certificate() {
    let namespace = Netns::new();
    let daemons = Daemons::run(&namespace, &SETTINGS, &PREPARATIONS, &DAEMONS);
    let mut shown = Vec::new();
    for (protocol, port) in [
        (StartTls::Smtp, 25),
        (StartTls::Imap, 143),
        (StartTls::Pop3, 110),
        (StartTls::Postgres, 5432),
        (StartTls::Mysql, 3306),
        (StartTls::Ldap, 389),
        (StartTls::Xmpp, 5222),
    ] {
        wait_for(&namespace, port);
        let mut request = TlsRequest::to("127.0.0.1", port);
        request.start_tls = Some(protocol);
        // A server of XMPP is many, each by its domain.
        request.offer.server_name = Some("target.example".into());
        let asked = ask(&namespace, &request).asked.unwrap();
        let handshake = asked.handshake.unwrap();
        assert_eq!(handshake.end, TlsEnd::Well, "{protocol:?}: {}", daemons.said());
        assert!(handshake.agreed.unwrap().proven, "{protocol:?}");
        shown.push(asked.certificates);
        // Without being asked it speaks no TLS there.
        request.start_tls = None;
        request.handshake_us = 700_000;
        let end = ask(&namespace, &request).asked.unwrap().handshake.unwrap().end;
        assert_ne!(end, TlsEnd::Well, "{protocol:?}");
        let other = if protocol == StartTls::Smtp { StartTls::Imap } else { StartTls::Smtp };
        request.start_tls = Some(other);
        let end = ask(&namespace, &request).asked.unwrap().handshake.unwrap().end;
        assert_ne!(end, TlsEnd::Well, "{protocol:?} asked as {other:?}");
    }
    assert!(shown.iter().all(|chain| chain.len() == 1 && *chain == shown[0]));
}
