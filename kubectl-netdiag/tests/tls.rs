//! `tls` of this machine's own servers, beside `openssl s_client -verify_return_error`.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

mod certificates;
mod table;

use crate::run::Plugin;
use certificates::Served;
use table::{CASES, Case, Server};

/// A server that ends with this value.
struct Running(Option<Child>);

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

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn start(case: &Case, served: &Served, port: u16) -> Running {
    let said: &'static [u8] = match case.server {
        Server::Says(said) => said,
        Server::Tls(flags) => {
            let (certificate, key) = served.files(case.certificate);
            let chain = served.chain(case.certificate).map(|chain| format!("-cert_chain {chain}"));
            let flags = flags.replace("{dir}", &served.dir());
            let line = format!(
                "s_server -accept 127.0.0.1:{port} -quiet -www -cert {certificate} -key {key} {} {flags}",
                chain.unwrap_or_default()
            );
            let child = openssl(&line).env("OPENSSL_CONF", "/dev/null").spawn().unwrap();
            return Running(Some(child));
        }
    };
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(said);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read(&mut [0; 4096]);
        }
    });
    Running(None)
}

fn wait_for(port: u16) {
    for _ in 0..500 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("nobody listens on {port}");
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

/// Whether a strict client of OpenSSL's gets to the end.
fn theirs(served: &Served, port: u16, case: &Case) -> bool {
    let ca = match case.flags.split("--ca-file ").nth(1) {
        Some(own) => own.split(' ').next().unwrap().replace("{dir}", &served.dir()),
        None => served.path("root.pem"),
    };
    let line = format!(
        "s_client -connect 127.0.0.1:{port} -servername shop.test -verify_hostname shop.test \
         -CAfile {ca} -verify_return_error -x509_strict"
    );
    openssl(&line).status().unwrap().success()
}

#[test]
fn our_verdict_is_a_strict_clients_beside_openssls() {
    let served = Served::new();
    let mut wrong = Vec::new();
    for case in CASES {
        let port = free_port();
        let _running = start(case, &served, port);
        wait_for(port);
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
