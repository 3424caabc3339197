//! Pipes: any bytes, both ways, ended in either order; nc says the same.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
};

use anyhow::Result;
use netdiag_tests::{Pair, turn};

use crate::serve::{echo, exits, fed, netdiag, serve};

/// Every byte, in no order that a text would have.
fn any_bytes(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(next).collect()
}

#[test]
#[ignore = "needs a cluster: pipes bytes through a pod"]
fn a_pipe_is_what_nc_is() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let port = serve(&pair.server, echo)?;
    let input = any_bytes(8 << 20);
    let ours = fed(netdiag(&pair, port, &[])?, &input)?;
    let said = exits(&ours, 0);
    assert!(ours.stdout == input, "{} of {} bytes came back", ours.stdout.len(), input.len());
    assert_eq!(said, "\nOK       connected; 8,388,608 bytes sent, 8,388,608 received\n");

    let (namespace, pod) = (pair.cluster.namespace(), &pair.client.name);
    let (ip, port) = (pair.server.ip().to_string(), port.to_string());
    let exec = ["exec", "-i", "-n", namespace, pod, "--", "nc", &ip, &port];
    let mut nc = pair.cluster.kubectl_command(exec);
    nc.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let theirs = fed(nc, &input[..64 * 1024])?;
    let ours = fed(netdiag(&pair, port.parse()?, &[])?, &input[..64 * 1024])?;
    assert!(ours.stdout == theirs.stdout, "nc: {} bytes", theirs.stdout.len());
    Ok(())
}

/// Speaks and ends its direction first; what it then hears goes back over another connection's log.
fn last_word(mut stream: TcpStream) {
    let _ = stream.write_all(b"you may speak");
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
#[ignore = "needs a cluster: half-closes a connection"]
fn a_peer_that_ends_first_still_hears_all() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let port = serve(&pair.server, last_word)?;
    let output = fed(netdiag(&pair, port, &[])?, &any_bytes(300_000))?;
    let said = exits(&output, 0);
    assert_eq!(output.stdout, b"you may speak");
    assert!(said.contains("OK       connected; 300,000 bytes sent, 13 received"), "{said}");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: connects without bytes"]
fn an_empty_stdin_only_checks_and_a_refusal_is_told() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let port = serve(&pair.server, echo)?;
    let checked = fed(netdiag(&pair, port, &[])?, b"")?;
    exits(&checked, 0);
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(said.contains("connected in "), "{said}");
    let refused = fed(netdiag(&pair, 9, &[])?, b"x")?;
    assert!(exits(&refused, 1).contains("ND0602"), "{refused:?}");
    assert!(refused.stdout.is_empty());
    Ok(())
}
