//! nginx as it is configured well and badly, and what is said of it.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::{Running, certificates::Served};
use crate::run::{Plugin, Run};

/// One server block or more a port; `{port}` is its own, `{dir}` has the certificates.
struct Site {
    name: &'static str,
    blocks: &'static str,
    /// Exit code, and what the screen says.
    code: i32,
    says: &'static [&'static str],
}

const SITES: &[Site] = &[
    Site {
        name: "another certificate by default",
        blocks: "server { listen 127.0.0.1:{port} ssl default_server; server_name _; \
                 ssl_certificate {dir}/another.chain.pem; ssl_certificate_key {dir}/another-name.key; } \
                 server { listen 127.0.0.1:{port} ssl; server_name shop.test; }",
        code: 0,
        says: &["without SNI another certificate: CN=pay.test, of CN=shop-issuing-ca", "OK "],
    },
    Site {
        name: "nothing without the name",
        blocks: "server { listen 127.0.0.1:{port} ssl default_server; ssl_reject_handshake on; } \
                 server { listen 127.0.0.1:{port} ssl; server_name shop.test; }",
        code: 0,
        says: &["without SNI no certificate: alert unrecognized_name"],
    },
    Site {
        name: "no such name",
        blocks: "server { listen 127.0.0.1:{port} ssl default_server; ssl_reject_handshake on; }",
        code: 1,
        says: &["FAIL     ND0731", "knows no such server name (SNI)"],
    },
    Site {
        name: "old versions alone",
        blocks: "server { listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1 TLSv1.1; \
                 ssl_ciphers ALL:@SECLEVEL=0; }",
        code: 1,
        says: &["FAIL     ND0735", "speaks only TLS versions below 1.2"],
    },
    // nginx refuses by HTTP (400), behind the handshake.
    Site {
        name: "a client certificate demanded",
        blocks: "server { listen 127.0.0.1:{port} ssl; ssl_verify_client on; \
                 ssl_client_certificate {dir}/root.pem; }",
        code: 0,
        says: &["a client certificate asked for", "nginx refuses in HTTP (400)"],
    },
    Site {
        name: "HTTP on the port of TLS",
        blocks: "server { listen 127.0.0.1:{port}; }",
        code: 1,
        says: &["FAIL     ND0730", "speaks no TLS but HTTP"],
    },
    Site {
        name: "the intermediate forgotten",
        blocks: "server { listen 127.0.0.1:{port} ssl; ssl_certificate {dir}/good.pem; \
                 ssl_certificate_key {dir}/good.key; }",
        code: 1,
        says: &["FAIL     ND0706"],
    },
    Site {
        name: "a revoked staple",
        blocks: "server { listen 127.0.0.1:{port} ssl; ssl_stapling on; \
                 ssl_stapling_file {dir}/revoked.ocsp; }",
        code: 1,
        says: &["OCSP staple: revoked at 2026-11-01 00:00:00 UTC (keyCompromise)", "ND0722"],
    },
];

const HEAD: &str = "daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/error.log; \
                    events {} http { access_log off; client_body_temp_path {dir}/t1; \
                    proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4; \
                    scgi_temp_path {dir}/t5; ssl_certificate {dir}/good.chain.pem; \
                    ssl_certificate_key {dir}/good.key;";

fn chain(served: &Served, name: &str, to: &str) {
    let paths = [served.files(name).0, served.chain(name).unwrap()];
    let whole = paths.map(|path| fs::read_to_string(path).unwrap()).concat();
    fs::write(served.path(to), whole).unwrap();
}

/// A port that is free now may be taken a moment later: then nginx ends, and others are tried.
fn start(served: &Served) -> (Running, Vec<u16>) {
    loop {
        let free: Vec<_> =
            SITES.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> = free.iter().map(|one| one.local_addr().unwrap().port()).collect();
        drop(free);
        let blocks = SITES.iter().zip(&ports);
        let blocks = blocks.map(|(site, port)| site.blocks.replace("{port}", &port.to_string()));
        let text = format!("{HEAD}{} }}", blocks.collect::<String>());
        let path = served.path("nginx.conf");
        fs::write(&path, text.replace("{dir}", &served.dir())).unwrap();
        #[expect(clippy::disallowed_methods, reason = "nginx is the server")]
        let mut command = Command::new("nginx");
        let child = command.args(["-c", &path]).stderr(Stdio::null()).spawn().unwrap();
        let mut running = Running(Some(child));
        if listens(&mut running, ports[0]) {
            return (running, ports);
        }
        let log = fs::read_to_string(served.path("error.log")).unwrap_or_default();
        assert!(log.contains("Address already in use"), "{log}");
    }
}

fn listens(running: &mut Running, port: u16) -> bool {
    while running.0.as_mut().unwrap().try_wait().unwrap().is_none() {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}

fn ask(served: &Served, port: u16) -> Run {
    let root = served.path("root.pem");
    Plugin::new(&format!(
        "tls 127.0.0.1:{port} --from local --servername shop.test --ca-file {root}"
    ))
    .run()
}

#[test]
fn nginx_is_told_as_it_is_configured() {
    let served = Served::new();
    chain(&served, "good", "good.chain.pem");
    chain(&served, "another name", "another.chain.pem");
    let (_running, ports) = start(&served);
    for (site, port) in SITES.iter().zip(ports) {
        let run = ask(&served, port);
        assert_eq!(run.code, Some(site.code), "{}: {run:?}", site.name);
        for words in site.says {
            assert!(run.stdout.contains(words), "{}: no {words:?} in {}", site.name, run.stdout);
        }
    }
}
