//! Twelve ways in which a port behaves, in the server's namespace.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream, UdpSocket},
    sync::Arc,
    thread,
    time::Duration,
};

use rcgen::generate_simple_self_signed;
use socket2::SockRef;

use crate::{background::came, lab::Lab};

pub(super) const SILENT: u16 = 2001;
pub(super) const BANNER: u16 = 2002;
pub(super) const REFUSED: u16 = 2003;
pub(super) const DROPPED: u16 = 2004;
pub(super) const REJECTED: u16 = 2005;
pub(super) const RESET: u16 = 2006;
pub(super) const HALF_CLOSED: u16 = 2007;
pub(super) const SLOW: u16 = 2008;
pub(super) const HUGE: u16 = 2009;
pub(super) const TLS: u16 = 2010;
pub(super) const UDP_ECHO: u16 = 2011;
pub(super) const UDP_SILENT: u16 = 2012;

/// They serve until the test's process ends.
pub(super) fn start(lab: &Lab) {
    lab.server.filter(&format!("tcp dport {DROPPED} drop"));
    lab.server.nft(&format!(
        "add rule inet t input tcp dport {REJECTED} reject with icmpx type port-unreachable"
    ));
    serve(lab, SILENT, |stream| drop((&stream).read(&mut [0; 64])));
    serve(lab, BANNER, |mut stream| {
        let _ = stream.write_all(b"220 mail.test ESMTP\r\n");
        let _ = stream.read(&mut [0; 64]);
    });
    serve(lab, RESET, |stream| {
        let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    });
    serve(lab, HALF_CLOSED, |mut stream| {
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read(&mut [0; 64]);
    });
    serve(lab, SLOW, |mut stream| {
        thread::sleep(Duration::from_millis(400));
        let _ = stream.write_all(b"late\r\n");
        let _ = stream.read(&mut [0; 64]);
    });
    serve(lab, HUGE, |mut stream| {
        let _ = stream.write_all(&[b'x'; 1024 * 1024]);
    });
    serve_tls(lab);
    let echo = lab.server.enter(|| UdpSocket::bind(("0.0.0.0", UDP_ECHO)).unwrap());
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        loop {
            if let Some((length, from)) = came(echo.recv_from(&mut buffer)) {
                let _ = echo.send_to(&buffer[..length], from);
            }
        }
    });
    let silent = lab.server.enter(|| UdpSocket::bind(("0.0.0.0", UDP_SILENT)).unwrap());
    thread::spawn(move || {
        loop {
            came(silent.recv(&mut [0; 64]));
        }
    });
}

fn serve(lab: &Lab, port: u16, behave: impl Fn(TcpStream) + Send + Sync + 'static) {
    let listener = lab.server.enter(|| TcpListener::bind(("0.0.0.0", port)).unwrap());
    let behave = Arc::new(behave);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let behave = Arc::clone(&behave);
            thread::spawn(move || behave(stream));
        }
    });
}

/// It waits for a ClientHello.
fn serve_tls(lab: &Lab) {
    let made = generate_simple_self_signed(vec!["tls.test".into()]).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let config = Arc::new(config);
    serve(lab, TLS, move |mut stream| {
        let mut session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        let _ = session.complete_io(&mut stream);
    });
}
