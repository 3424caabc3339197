//! `http` to nginx, which is most of what stands before apps, and to real peers of WebSocket.

use std::{
    fs,
    io::Write,
    net::TcpListener,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::run::{Plugin, Run, free_port};

/// Ports: plain, TLS with HTTP/2, and three that go on to nobody.
struct Nginx {
    child: Child,
    directory: TempDir,
    plain: u16,
    tls: u16,
    mutual: u16,
    /// Whose clients come by the PROXY protocol, in both families.
    proxied: u16,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// 200 KiB that unpack to 200 MiB.
fn bomb() -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; 1024 * 1024];
    (0..200).for_each(|_| packed.write_all(&zeros).unwrap());
    packed.finish().unwrap()
}

/// It takes connections and says nothing.
fn deaf() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().flatten().for_each(std::mem::forget));
    port
}

impl Nginx {
    fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let at = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
        let made = rcgen::generate_simple_self_signed(["shop.test".to_owned()]).unwrap();
        fs::write(at("cert.pem"), made.cert.pem()).unwrap();
        fs::write(at("key.pem"), made.signing_key.serialize_pem()).unwrap();
        fs::write(at("bomb"), bomb()).unwrap();
        fs::write(at("big.txt"), "all work and no play\n".repeat(1000)).unwrap();
        let (plain, tls, dead, deaf) = (free_port(), free_port(), free_port(), deaf());
        let (mutual, proxied) = (free_port(), free_port());
        let root = directory.path().display();
        let conf = format!(
            "daemon off; master_process off; pid {root}/pid; error_log {root}/log; events {{}}
             http {{
               access_log off; server_tokens off; root {root};
               client_body_temp_path {root}; proxy_temp_path {root}; fastcgi_temp_path {root};
               uwsgi_temp_path {root}; scgi_temp_path {root};
               gzip on; gzip_types text/plain; gzip_min_length 10;
               server {{
                 listen 127.0.0.1:{proxied} proxy_protocol;
                 listen [::1]:{proxied} proxy_protocol;
                 return 200 \"$proxy_protocol_addr $proxy_protocol_server_addr $proxy_protocol_server_port\";
               }}
               server {{
                 listen 127.0.0.1:{plain};
                 location /bomb {{ gzip off; add_header Content-Encoding gzip; }}
                 location /up {{ return 200 up; }}
                 location /gone {{ return 410; }}
                 location /dead {{ proxy_pass http://127.0.0.1:{dead}; }}
                 location /deaf {{ proxy_read_timeout 1s; proxy_pass http://127.0.0.1:{deaf}; }}
                 location /away {{ return 301 http://127.0.0.1:{plain}/up; }}
                 location /closed {{ return 444; }}
               }}
               server {{
                 listen 127.0.0.1:{tls} ssl http2;
                 ssl_certificate {root}/cert.pem; ssl_certificate_key {root}/key.pem;
                 location / {{ return 200 $server_protocol; }}
               }}
               server {{
                 listen 127.0.0.1:{mutual} ssl;
                 ssl_certificate {root}/cert.pem; ssl_certificate_key {root}/key.pem;
                 ssl_verify_client on; ssl_client_certificate {root}/cert.pem;
                 location / {{ return 200 $ssl_client_verify; }}
               }}
             }}"
        );
        fs::write(at("nginx.conf"), conf).unwrap();
        #[expect(clippy::disallowed_methods, reason = "the server is a program")]
        let mut nginx = Command::new("nginx");
        nginx.args(["-c", &at("nginx.conf"), "-p", &root.to_string(), "-e", &at("log")]);
        let quiet = nginx.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = quiet.spawn().unwrap();
        let mut nginx = Self { child, directory, plain, tls, mutual, proxied };
        nginx.wait();
        nginx
    }

    fn wait(&mut self) {
        let begin = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.tls)).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(20), "nginx does not listen");
            assert_eq!(self.child.try_wait().unwrap(), None, "nginx ended");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn ask(&self, path: &str, flags: &str) -> Run {
        let url = format!("http://127.0.0.1:{}{path}", self.plain);
        Plugin::new(&format!("http {url} --from local {flags}")).run()
    }

    fn ask_tls(&self, flags: &str) -> Run {
        let (port, ca) = (self.tls, self.directory.path().join("cert.pem"));
        let flags = flags.replace("CA", &ca.to_string_lossy());
        let at = format!("--resolve shop.test:{port}:127.0.0.1");
        Plugin::new(&format!("http https://shop.test:{port}/ --from local {at} {flags}")).run()
    }
}

#[track_caller]
fn says(run: Run, code: i32, line: &str) {
    let run = run.exits(code);
    assert!(run.stdout.contains(line), "{line}\n{run:#?}");
}

#[test]
fn what_nginx_says_is_understood() {
    let nginx = Nginx::start();
    says(nginx.ask("/up", ""), 0, "\nOK       answered: 200 OK\n");
    says(nginx.ask("/gone", ""), 0, "\nWARN     ND0801  reached, but: 410 Gone\n");
    says(nginx.ask("/dead", ""), 1, "\nFAIL     ND0802  502 Bad Gateway: a gateway's, which got");
    says(nginx.ask("/deaf", ""), 1, "\nFAIL     ND0802  504 Gateway Timeout: a gateway's, which");
    says(nginx.ask("/closed", ""), 1, "\nFAIL     ND0805  empty reply: ");
    says(nginx.ask("/away", ""), 0, "\nOK       301 Moved Permanently, to http://127.0.0.1:");
    says(nginx.ask("/away", "-L"), 0, "\nOK       answered: 200 OK\n");
    let all = "all work and no play\n".repeat(1000);
    let packed = nginx.ask("/big.txt", "--compressed --body").exits(0);
    assert_eq!(packed.stdout, all);
    assert!(!packed.stderr.contains("21,000 bytes"), "not packed: {}", packed.stderr);
    assert_eq!(nginx.ask("/big.txt", "--body").exits(0).stdout, all);
    let part = Plugin::new("http --from local --body -H")
        .words(&["Range: bytes=0-2".into(), format!("http://127.0.0.1:{}/big.txt", nginx.plain)]);
    assert_eq!(part.run().exits(0).stdout, "all");
}

#[test]
fn a_body_is_saved_to_a_new_file_and_never_over_another() {
    let nginx = Nginx::start();
    let saved = nginx.directory.path().join("saved");
    let save = format!("--save {}", saved.display());
    says(nginx.ask("/closed", &save), 1, "\nFAIL     ND0805  ");
    assert!(!saved.exists(), "nothing came, so nothing is left behind");
    says(nginx.ask("/big.txt", &save), 0, "\nOK       answered: 200 OK\n");
    assert_eq!(fs::read_to_string(&saved).unwrap(), "all work and no play\n".repeat(1000));
    let again = nginx.ask("/up", &save).exits(2);
    assert!(again.stderr.contains("it is there already; name a new file"), "{again:#?}");
    assert_eq!(fs::metadata(&saved).unwrap().len(), 21_000);
}

#[test]
fn a_gzip_bomb_is_unpacked_in_little_memory() {
    const DATA_KIB: u32 = 48 * 1024;
    let nginx = Nginx::start();
    let saved = nginx.directory.path().join("saved");
    let (url, file) = (format!("http://127.0.0.1:{}/bomb", nginx.plain), saved.display());
    let line = format!("http {url} --from local --compressed --save {file}");
    says(Plugin::within(DATA_KIB, &line).run(), 0, "\nOK       answered: 200 OK\n");
    assert_eq!(fs::metadata(&saved).unwrap().len(), 200 * 1024 * 1024);
}

#[test]
fn what_is_written_out_is_what_curl_writes() {
    let nginx = Nginx::start();
    let format = "%{http_code} %{content_type} %{num_redirects} %{size_download} %{method} \
        %{scheme} %{url_effective} %{remote_port} %{http_version} %header{server} %%\\n";
    for path in ["/up", "/gone", "/away"] {
        let url = format!("http://127.0.0.1:{}{path}", nginx.plain);
        let words = ["-w", format, &url].map(str::to_owned);
        let ours = Plugin::new("http --from local").words(&words).run();
        #[expect(clippy::disallowed_methods, reason = "the peer is a program")]
        let mut curl = Command::new("curl");
        curl.args(["-q", "-s", "-o", "/dev/null"]).args(&words).env_clear();
        let theirs = String::from_utf8(curl.output().unwrap().stdout).unwrap();
        assert_eq!(ours.stdout, theirs, "{ours:#?}");
    }
}

#[test]
fn tls_and_its_versions_of_http_are_agreed_on() {
    let nginx = Nginx::start();
    let ok = nginx.ask_tls("--cacert CA --body").exits(0);
    assert_eq!(ok.stdout, "HTTP/2.0", "{ok:#?}");
    assert!(ok.stderr.contains("\nTLS 1.2, ") && ok.stderr.contains(", ALPN h2\n"), "{ok:#?}");
    assert_eq!(nginx.ask_tls("--cacert CA --http1.1 --body").exits(0).stdout, "HTTP/1.1");
    assert_eq!(nginx.ask_tls("--cacert CA --http1.0 --body").exits(0).stdout, "HTTP/1.0");
    says(nginx.ask_tls(""), 1, "\nFAIL     ND0705  no request was sent: ");
    assert_eq!(nginx.ask_tls("-k --body").exits(0).stdout, "HTTP/2.0");
    let port = nginx.tls;
    let plain = Plugin::new(&format!("http http://127.0.0.1:{port}/ --from local")).run();
    says(plain, 1, "\nFAIL     ND080");
    let port = nginx.plain;
    let tls = Plugin::new(&format!("http https://127.0.0.1:{port}/ --from local")).run();
    says(tls, 1, "\nFAIL     ND0730  127.0.0.1:");
}

#[test]
fn a_client_certificate_is_shown_and_its_key_stays_here() {
    let nginx = Nginx::start();
    let at = |name: &str| nginx.directory.path().join(name).to_string_lossy().into_owned();
    let line = format!("http https://127.0.0.1:{}/ --from local -k", nginx.mutual);
    let without = Plugin::new(&line).run().exits(0);
    assert!(without.stdout.contains("\nWARN     ND0801  reached, but: 400 "), "{without:#?}");
    let own = format!("--cert {} --key {}", at("cert.pem"), at("key.pem"));
    let with = Plugin::new(&format!("{line} {own} --body")).run().exits(0);
    assert_eq!(with.stdout, "SUCCESS", "{with:#?}");
    let other = format!("--cert {} --key {}", at("cert.pem"), at("nginx.conf"));
    let bad = Plugin::new(&format!("{line} {other}")).run().exits(2);
    assert!(bad.stderr.starts_with("error    ND0030  --key "), "{bad:#?}");
    let alone = Plugin::new(&format!("{line} --cert {}", at("cert.pem"))).run().exits(2);
    assert!(alone.stderr.contains("--key"), "{alone:#?}");
}

#[test]
fn an_upgrade_to_websocket_is_granted_or_not() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = tokio_tungstenite::tungstenite::accept(stream);
        }
    });
    let ask = |url: String| Plugin::new(&format!("http {url} --from local --websocket")).run();
    let well = "\nOK       the upgrade to WebSocket is granted, and the proof is right\n";
    says(ask(format!("http://{address}/")), 0, well);
    let nginx = Nginx::start();
    let no = "\nFAIL     ND0815  no upgrade to WebSocket: the answer is 200\n";
    says(ask(format!("http://127.0.0.1:{}/up", nginx.plain)), 1, no);
}

#[test]
fn nginx_reads_whom_it_comes_from_in_both_versions_and_families() {
    let nginx = Nginx::start();
    let port = nginx.proxied;
    for (host, address) in [("127.0.0.1", "127.0.0.1"), ("[::1]", "::1")] {
        for flag in ["--haproxy-protocol", "--haproxy-protocol=v1", "--haproxy-protocol=v2"] {
            let line = format!("http http://{host}:{port}/ --from local --body {flag}");
            let run = Plugin::new(&line).run().exits(0);
            assert_eq!(run.stdout, format!("{address} {address} {port}"), "{flag} {run:#?}");
        }
    }
    let line = format!("http http://127.0.0.1:{port}/ --from local");
    Plugin::new(&line).run().exits(1);
    let third = Plugin::new(&format!("{line} --haproxy-protocol=v3")).run().exits(2);
    assert!(third.stderr.contains("v1, v2"), "{third:#?}");
}
