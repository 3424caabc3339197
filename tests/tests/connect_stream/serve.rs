//! Servers in a pod's network, and netdiag with something on its stdin.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    process::{Child, Command, Output, Stdio},
    thread,
};

use anyhow::{Context, Result};
use netdiag_tests::{Netns, Pair, Pod};

/// Serves every connection to a port of the pod's own network, until the test ends.
pub(crate) fn serve(pod: &Pod, answer: fn(TcpStream)) -> Result<u16> {
    let listener = Netns::of_pod(pod)?.run(|| Ok(TcpListener::bind("0.0.0.0:0")?))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || answer(stream));
        }
    });
    Ok(port)
}

/// Says back what it hears, to the end.
pub(crate) fn echo(mut stream: TcpStream) {
    if let Ok(mut from) = stream.try_clone() {
        let _ = std::io::copy(&mut from, &mut stream);
        let _ = stream.shutdown(std::net::Shutdown::Write);
    }
}

/// `connect SERVER:PORT --from CLIENT FLAGS`, with pipes at both ends.
pub(crate) fn netdiag(pair: &Pair, port: u16, flags: &[&str]) -> Result<Command> {
    let (to, from) = (format!("{}:{port}", pair.server.target()), pair.client.target());
    let words = ["connect", &to, "--from", &from];
    let mut command = pair.cluster.netdiag_command(words.iter().chain(flags))?;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command)
}

/// All of `input`, then its end; and what came of it.
pub(crate) fn fed(mut command: Command, input: &[u8]) -> Result<Output> {
    let mut child = command.spawn()?;
    let stdin = child.stdin.take().context("no stdin")?;
    thread::scope(|scope| {
        scope.spawn(|| feed(stdin, input));
        Ok(child.wait_with_output()?)
    })
}

/// Who ends early closes the pipe.
fn feed(mut stdin: impl Write, input: &[u8]) {
    let _ = stdin.write_all(input);
}

/// Its stderr, where the exit code is another one.
#[track_caller]
pub(crate) fn exits(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}

/// Ends it if the test does not.
pub(crate) struct Started(pub(crate) Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
