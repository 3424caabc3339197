//! `listen` without somebody to type: whoever connects is told all the same.

use std::{
    io::Read,
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use crate::run::{Plugin, Run, free_port};

/// Connects once somebody listens, and hears all of it.
fn client(port: u16) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let until = Instant::now() + Duration::from_secs(20);
        let mut stream = loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => break stream,
                Err(cause) => assert!(Instant::now() < until, "nobody listens: {cause}"),
            }
            thread::sleep(Duration::from_millis(20));
        };
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).unwrap();
        heard
    })
}

#[test]
fn a_stdin_that_has_ended_or_is_not_there_ends_no_listener() {
    let runs: [fn(&str) -> Run; 3] = [
        |line| Plugin::new(line).run(),
        |line| Plugin::new(line).fed(b""),
        |line| Plugin::without_stdin(line).run(),
    ];
    for (at, run) in runs.iter().enumerate() {
        let port = free_port();
        let client = client(port);
        let run = run(&format!("listen {port} --from local")).exits(0);
        assert_eq!(client.join().unwrap(), b"", "{at}: {run:#?}");
        assert!(run.stdout.contains("\n127.0.0.1:"), "{at}: {run:#?}");
        assert!(run.stdout.contains("\nOK       1 connection in "), "{at}: {run:#?}");
        assert!(TcpListener::bind(("127.0.0.1", port)).is_ok(), "{at}: the port is free again");
    }
}
