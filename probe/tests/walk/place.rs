//! Three DNS servers of the test's own in a namespace, which tell what they were asked, and glibc
//! beside them.

use std::{
    collections::HashSet,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::{Arc, Mutex},
    thread,
};

use hickory_resolver::proto::{
    op::{Message, MessageType, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, AAAA, CNAME},
    },
};

use crate::lab::Netns;

/// What a server does with a question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Act {
    Address,
    /// A CNAME alone.
    Alias,
    NoData,
    /// NOERROR without authority, recursion and records.
    Lame,
    Code(u16),
    Silent,
    /// Over UDP; over TCP it is answered.
    Cut,
    /// No server at all.
    Closed,
}

/// Server (0: any), name and type (`*`: any); what is not told is NXDOMAIN.
type Script = Arc<Vec<(u8, String, String, Act)>>;
type Log = Arc<Mutex<Vec<String>>>;

pub(super) struct Place {
    pub(super) namespace: Netns,
    log: Log,
}

impl Place {
    pub(super) fn new(acts: &[(u8, &str, &str, Act)]) -> Self {
        let place = Self { namespace: Netns::new(), log: Log::default() };
        let ip = |arguments: &str| place.namespace.ip(arguments);
        ip("link add d0 type veth peer name d1");
        ip("link set d0 up");
        ip("link set d1 up");
        // Without an address of its own, getent would not ask for IPv6.
        ip("addr add fd53::9/64 dev d0 nodad");
        let own = |(server, name, kind, act): &(u8, &str, &str, Act)| {
            (*server, name.to_string(), kind.to_string(), *act)
        };
        let script: Script = Arc::new(acts.iter().map(own).collect());
        let closed: HashSet<u8> =
            acts.iter().filter(|act| act.3 == Act::Closed).map(|act| act.0).collect();
        for server in 1..=3 {
            ip(&format!("addr add 10.53.0.{server}/24 dev d0"));
            if !closed.contains(&server) {
                place.serve(server, &script);
            }
        }
        place
    }

    /// Until the test's process ends.
    fn serve(&self, server: u8, script: &Script) {
        let address = format!("10.53.0.{server}:53");
        let (udp, tcp) = self
            .namespace
            .enter(|| (UdpSocket::bind(&address).unwrap(), TcpListener::bind(&address).unwrap()));
        let (of_udp, of_tcp) =
            (Answerer::new(self, server, script), Answerer::new(self, server, script));
        thread::spawn(move || {
            let mut buffer = [0; 1_500];
            loop {
                let (length, from) = udp.recv_from(&mut buffer).unwrap();
                if let Some(answer) = of_udp.answer("udp", &buffer[..length]) {
                    udp.send_to(&answer, from).unwrap();
                }
            }
        });
        thread::spawn(move || {
            for stream in tcp.incoming() {
                let of_tcp = of_tcp.clone();
                thread::spawn(move || of_tcp.converse(stream.unwrap()));
            }
        });
    }

    /// What the servers were asked since the last call, in that order: `SERVER OVER NAME TYPE`.
    pub(super) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    pub(super) fn getaddrinfo(&self, resolv_conf: &str, hosts: &str, name: &str) -> Vec<String> {
        self.getent("ahosts", resolv_conf, hosts, name)
    }

    /// What getent(1) asks in a mount namespace that has these files.
    pub(super) fn getent(
        &self,
        database: &str,
        resolv_conf: &str,
        hosts: &str,
        name: &str,
    ) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let mut script = String::new();
        for (file, contents) in [
            ("resolv.conf", resolv_conf),
            ("hosts", hosts),
            ("nsswitch.conf", "hosts: files dns\n"),
        ] {
            let path = directory.path().join(file);
            fs::write(&path, contents).unwrap();
            script += &format!("mount --bind {} /etc/{file} && ", path.display());
        }
        script += &format!("{{ getent {database} -- '{name}'; [ $? -le 2 ]; }}");
        let output = self.namespace.output("unshare", &["-m", "sh", "-c", &script]);
        assert!(output.status.success(), "{script}: {output:?}");
        self.seen()
    }
}

#[derive(Clone)]
struct Answerer {
    server: u8,
    script: Script,
    log: Log,
}

impl Answerer {
    fn new(place: &Place, server: u8, script: &Script) -> Self {
        Self { server, script: script.clone(), log: place.log.clone() }
    }

    fn answer(&self, over: &str, query: &[u8]) -> Option<Vec<u8>> {
        let message = Message::from_vec(query).unwrap();
        let (name, kind) = (message.queries[0].name().to_string(), message.queries[0].query_type());
        // hickory writes such a byte in octal.
        let shown = name.replace("\\015", "\\013");
        self.log.lock().unwrap().push(format!("{} {over} {shown} {kind}", self.server));
        let told = self.script.iter().find(|(server, of, types, _)| {
            [0, self.server].contains(server)
                && (of == "*" || of.eq_ignore_ascii_case(&name))
                && (types == "*" || *types == kind.to_string())
        });
        match told.map_or(Act::Code(3), |told| told.3) {
            Act::Silent | Act::Closed => None,
            Act::Cut if over == "tcp" => Some(reply(message, Act::Address)),
            act => Some(reply(message, act)),
        }
    }

    fn converse(&self, mut stream: TcpStream) {
        let mut length = [0; 2];
        while stream.read_exact(&mut length).is_ok() {
            let mut query = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut query).unwrap();
            if let Some(answer) = self.answer("tcp", &query) {
                let framed = [&(answer.len() as u16).to_be_bytes()[..], &answer].concat();
                stream.write_all(&framed).unwrap();
            }
        }
    }
}

fn reply(mut message: Message, act: Act) -> Vec<u8> {
    let query = message.queries[0].clone();
    message.metadata.message_type = MessageType::Response;
    message.metadata.recursion_available = act != Act::Lame;
    message.metadata.truncation = act == Act::Cut;
    let data = match (act, query.query_type()) {
        (Act::Code(code), _) => {
            message.metadata.response_code = ResponseCode::from(0, code as u8);
            None
        }
        (Act::Alias, _) => Some(RData::CNAME(CNAME(Name::from_ascii("elsewhere.").unwrap()))),
        (Act::Address, RecordType::A) => Some(RData::A(A::new(10, 0, 0, 1))),
        (Act::Address, RecordType::AAAA) => {
            Some(RData::AAAA(AAAA::new(0xfd00, 0, 0, 0, 0, 0, 0, 1)))
        }
        _ => None,
    };
    message.answers.extend(data.map(|data| Record::from_rdata(query.name().clone(), 5, data)));
    message.to_vec().unwrap()
}
