//! `tls` of this machine's own servers, beside `openssl s_client -verify_return_error`.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::{Child, Command, Stdio},
    thread,
};

use serde_json::Value;

mod certificates;
mod client;
mod nginx;
mod table;

use crate::run::Plugin;
use certificates::{Served, run};
use table::{CASES, Case, Server};

/// A server that ends with this value.
pub(crate) struct Running(Option<Child>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn openssl(line: &str) -> Command {
    #[expect(clippy::disallowed_methods, reason = "openssl is the server, and the judge")]
    let mut command = Command::new("openssl");
    command.args(line.split_whitespace()).stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null());
    command
}

/// At a port of its own choosing, which nobody else can have taken meanwhile.
fn start(case: &Case, served: &Served) -> (Running, u16) {
    match case.server {
        Server::Says(said) => (Running(None), say(said)),
        Server::Tls(flags) => {
            let (certificate, key) = served.files(case.certificate);
            let chain = served.chain(case.certificate).map(|chain| format!("-cert_chain {chain}"));
            let flags = flags.replace("{dir}", &served.dir());
            s_server(&format!(
                "-cert {certificate} -key {key} {} {flags}",
                chain.unwrap_or_default()
            ))
        }
    }
}

pub(crate) fn s_server(flags: &str) -> (Running, u16) {
    let mut command = openssl(&format!("s_server -accept 127.0.0.1:0 -www {flags}"));
    command.env("OPENSSL_CONF", "/dev/null").stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let running = Running(Some(child));
    let port = lines.find_map(|line| line.strip_prefix("ACCEPT 127.0.0.1:")?.parse().ok());
    thread::spawn(move || lines.for_each(drop));
    (running, port.unwrap_or_else(|| panic!("openssl s_server {flags}: it does not listen")))
}

fn say(said: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(said);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read(&mut [0; 4096]);
        }
    });
    port
}

/// Codes of all findings, the worst verdict first: `fail ND0701`.
fn ours(case: &Case, served: &Served, port: u16) -> String {
    let ca = served.path("root.pem");
    let flags = if case.flags.is_empty() { "--servername shop.test" } else { case.flags };
    let flags = flags.replace("{dir}", &served.dir());
    let ca = if flags.contains("--ca-file") { String::new() } else { format!("--ca-file {ca}") };
    let line = format!("tls 127.0.0.1:{port} --from local {ca} {flags} -o json");
    let run = Plugin::new(&line).run();
    let document: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    let codes = document["findings"].as_array().unwrap().iter();
    let codes: Vec<&str> = codes.filter_map(|finding| finding["code"].as_str()).collect();
    format!("{} {}", document["verdict"].as_str().unwrap(), codes.join(" ")).trim_end().to_owned()
}

/// Whether a strict client of OpenSSL's gets an answer: it hears of an objection only there.
fn theirs(served: &Served, port: u16, case: &Case) -> bool {
    let ca = match case.flags.split("--ca-file ").nth(1) {
        Some(own) => own.split(' ').next().unwrap().replace("{dir}", &served.dir()),
        None => served.path("root.pem"),
    };
    let line = format!(
        "s_client -connect 127.0.0.1:{port} -servername shop.test -verify_hostname shop.test \
         -CAfile {ca} -verify_return_error -x509_strict -ign_eof"
    );
    let mut client = openssl(&line).stdin(Stdio::piped()).spawn().unwrap();
    // One that refused is gone already.
    let _ = client.stdin.take().unwrap().write_all(b"GET / HTTP/1.0\r\n\r\n");
    client.wait().unwrap().success()
}

#[test]
fn our_verdict_is_a_strict_clients_beside_openssls() {
    let served = Served::new();
    let mut wrong = Vec::new();
    for case in CASES {
        let (_running, port) = start(case, &served);
        let (ours, theirs) = (ours(case, &served, port), theirs(&served, port, case));
        println!(
            "{:<42} {:<28} openssl {}",
            case.name,
            ours,
            if theirs { "goes on" } else { "refuses" }
        );
        if ours != case.ours || theirs != case.openssl {
            wrong.push(format!("{}: {ours}, openssl {theirs}", case.name));
        }
    }
    assert!(CASES.len() >= 45, "{}", CASES.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}
