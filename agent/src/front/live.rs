//! The exec liveness probe: does front still answer.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::Context;
use netdiag_wire::AGENT_PORT;

const TIMEOUT: Duration = Duration::from_secs(2);

/// Arguments of `netdiag-agent live`.
#[derive(clap::Args)]
pub struct LiveArgs {
    /// Where front listens
    #[arg(long, default_value_t = SocketAddr::from(([127, 0, 0, 1], AGENT_PORT)))]
    listen: SocketAddr,
}

/// Succeeds when front answers `GET /v1/about`.
pub fn live(args: &LiveArgs) -> anyhow::Result<()> {
    let status = ask(args.listen).with_context(|| format!("ask front at {}", args.listen))?;
    anyhow::ensure!(status.starts_with(b"HTTP/1.1 200 "), "front answers, but not with 200");
    Ok(())
}

fn ask(address: SocketAddr) -> io::Result<[u8; 13]> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /v1/about HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let mut status = [0; 13];
    stream.read_exact(&mut status)?;
    Ok(status)
}
