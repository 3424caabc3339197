//! TLS servers in a namespace of their own: what they showed, and what they take.

use std::{net::TcpStream, time::Duration};

use netdiag_probe::{Probe, names::ResolverFiles};
use netdiag_wire::{
    EndReason,
    tls::{TlsEvent, TlsFold, TlsReport, TlsRequest},
};
use tokio_util::sync::CancellationToken;

mod hostile;
pub(crate) mod openssl;
mod starttls;
mod takes;

use crate::lab::{Netns, runtime};

/// Runs the engine to its end in that namespace.
pub(crate) fn ask(from: &Netns, request: &TlsRequest) -> TlsReport {
    from.enter(|| {
        let sockets = request.open().unwrap();
        let (mut fold, stop) = (TlsFold::default(), CancellationToken::new());
        let mut emit = |event: TlsEvent| fold.push(&event);
        let files = ResolverFiles::default();
        let running = request.run(sockets, &files, &|_| Ok(()), &mut emit, stop);
        runtime().block_on(running).unwrap();
        fold.report(Some(EndReason::Completed))
    })
}

/// Until something listens there.
fn wait_for(namespace: &Netns, port: u16) {
    let listens = || TcpStream::connect(("127.0.0.1", port)).is_ok();
    namespace.enter(|| {
        for _ in 0..500 {
            if listens() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("nobody listens on {port}");
    });
}
