//! What the engine needs once it runs: no capability, no file, no Unix socket, no thread.

use netdiag_probe::Probe;
use netdiag_wire::dns::{DnsOutcome, DnsTransport, RecordType};

use super::{
    drive_to, queries, request,
    secure::{NAME, framed, over, tls},
    server::{Server, read_framed, with_address, write_framed},
};
use crate::{lab::Netns, sandbox};

#[test]
fn every_transport_works_from_within_a_sandbox() {
    let outcomes = Netns::new().enter(|| {
        let udp = Server::udp(|socket, query, from| {
            socket.send_to(&with_address(query, [10, 0, 0, 7]), from).unwrap();
        });
        let tcp = Server::tcp(|mut stream| {
            let query = read_framed(&mut stream);
            write_framed(&mut stream, &with_address(&query, [10, 0, 0, 7]));
        });
        let (secure, ca) = tls(framed);
        let mut over_tls = over(DnsTransport::Tls, &secure);
        over_tls.options.ca = Some(ca);
        over_tls.options.tls_name = Some(NAME.into());
        let mut over_tcp = request(RecordType::A, tcp.address);
        over_tcp.options.transport = DnsTransport::Tcp;
        let requests = [request(RecordType::A, udp.address), over_tcp, over_tls];
        let opened = requests.map(|request| (request.open().unwrap(), request));
        sandbox::close();
        opened.map(|(sockets, request)| {
            let report = drive_to(&request, sockets, "", "", &|_| Ok(())).unwrap();
            queries(report)[0].outcome
        })
    });
    assert_eq!(outcomes, [DnsOutcome::Answered; 3]);
}
