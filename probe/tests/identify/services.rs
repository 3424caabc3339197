//! The services of one target, and what each is to be taken for.

use std::{
    net::{IpAddr, TcpStream},
    time::{Duration, Instant},
};

use netdiag_wire::scan::{Ports, ScanProtocol};

use super::daemons::Daemons;
use crate::lab::{Netns, SERVER};

pub(super) struct Service {
    pub(super) name: &'static str,
    pub(super) protocol: ScanProtocol,
    pub(super) port: u16,
    /// Part of what it speaks, and of its product where it says that.
    pub(super) speaks: &'static str,
    pub(super) product: &'static str,
    pub(super) has_version: bool,
    /// nmap's words for what it speaks.
    pub(super) nmap: &'static str,
    /// A server of ours in the place of one that Debian does not have, or only at great size.
    pub(super) is_stand_in: bool,
}

impl Service {
    pub(super) fn port(&self) -> String {
        let protocol = if self.protocol == ScanProtocol::Tcp { "tcp" } else { "udp" };
        format!("{}/{protocol}", self.port)
    }
}

const fn tcp(name: &'static str, port: u16, speaks: &'static str, nmap: &'static str) -> Service {
    let protocol = ScanProtocol::Tcp;
    Service {
        name,
        protocol,
        port,
        speaks,
        nmap,
        product: "",
        has_version: false,
        is_stand_in: false,
    }
}

const fn udp(name: &'static str, port: u16, speaks: &'static str, nmap: &'static str) -> Service {
    Service { protocol: ScanProtocol::Udp, ..tcp(name, port, speaks, nmap) }
}

impl Service {
    const fn product(self, product: &'static str) -> Self {
        Self { product, ..self }
    }

    /// With its version.
    const fn version(self, product: &'static str) -> Self {
        Self { product, has_version: true, ..self }
    }

    const fn stand_in(self) -> Self {
        Self { is_stand_in: true, ..self }
    }
}

pub(super) const SERVICES: [Service; 43] = [
    tcp("OpenSSH", 22, "SSH 2.0", "ssh").version("OpenSSH"),
    tcp("Dropbear", 2222, "SSH 2.0", "ssh").version("dropbear"),
    tcp("vsftpd", 21, "FTP", "ftp").version("vsFTPd"),
    tcp("Exim", 25, "SMTP", "smtp").version("Exim"),
    tcp("Dovecot IMAP", 143, "IMAP4rev1", "imap").product("Dovecot"),
    tcp("Dovecot POP3", 110, "POP3", "pop3").product("Dovecot"),
    tcp("Dovecot IMAP in TLS", 993, "TLS 1.3 > IMAP4rev1", "ssl/imap").product("Dovecot"),
    tcp("Dovecot POP3 in TLS", 995, "TLS 1.3 > POP3", "ssl/pop3").product("Dovecot"),
    tcp("BIND", 53, "DNS", "domain").version("BIND"),
    udp("BIND", 53, "DNS", "domain").version("BIND"),
    tcp("dnsmasq", 5300, "DNS", "domain").version("dnsmasq"),
    tcp("Unbound", 5301, "DNS", "domain").version("unbound"),
    tcp("NSD", 5302, "DNS", "domain").version("NSD"),
    tcp("nginx", 80, "HTTP/1.1", "http").version("nginx"),
    tcp("nginx HTTP/2", 443, "TLS 1.3 > HTTP/2", "ssl/http").version("nginx"),
    tcp("nginx, TLS 1.2", 8443, "TLS 1.2 > HTTP/1.1", "ssl/http").product("nginx"),
    tcp("lighttpd", 8081, "HTTP/1.1", "http").version("lighttpd"),
    tcp("Apache", 8082, "HTTP/1.1", "http").version("Apache"),
    tcp("HAProxy", 8083, "HTTP/1.", "http|http-proxy").product("HAProxy"),
    tcp("nghttpd without TLS", 8084, "HTTP/2", "http|http2").product("nghttp"),
    tcp("busybox httpd", 8085, "HTTP/1.", "http"),
    tcp("Squid", 3128, "HTTP/1.1", "http|http-proxy").version("squid"),
    tcp("tinyproxy", 8888, "HTTP/1.", "http|http-proxy").version("tinyproxy"),
    tcp("Redis", 6379, "Redis", "redis").version("redis"),
    tcp("Redis with a password", 6380, "Redis", "redis"),
    tcp("Redis in TLS", 6390, "TLS 1.3 > Redis", "ssl/redis").version("redis"),
    tcp("memcached", 11211, "memcached", "memcached").version("memcached"),
    tcp("PostgreSQL", 5432, "PostgreSQL", "postgresql").product("PostgreSQL"),
    tcp("MariaDB", 3306, "MySQL", "mysql").version("MariaDB"),
    tcp("Mosquitto", 1883, "MQTT", "mqtt|mosquitto").version("mosquitto"),
    tcp("OpenLDAP", 389, "LDAPv3", "ldap").product("OpenLDAP"),
    tcp("NATS", 4222, "NATS", "nats").version("nats"),
    tcp("etcd", 2379, "etcd", "http|etcd-client").version("etcd"),
    tcp("node exporter", 9110, "Prometheus metrics", "http").version("node"),
    udp("Net-SNMP", 161, "SNMPv3", "snmp").product("Net-SNMP"),
    udp("chrony", 123, "NTPv4", "ntp").stand_in(),
    tcp("RabbitMQ", 5672, "AMQP 0-9-1", "amqp").version("RabbitMQ").stand_in(),
    tcp("MongoDB", 27017, "MongoDB", "mongod|mongodb").version("MongoDB").stand_in(),
    tcp("Kafka", 9092, "Kafka", "kafka").stand_in(),
    tcp("Elasticsearch", 9200, "Elasticsearch", "http").version("lasticsearch").stand_in(),
    tcp("gRPC", 50051, "HTTP/2 > gRPC", "grpc").stand_in(),
    tcp("kubelet", 10250, "kubelet API", "ssl/http").product("kubelet").stand_in(),
    tcp("kube-apiserver", 6443, "Kubernetes API", "ssl/http").version("kube-apiserver").stand_in(),
];

pub(super) fn ports(protocol: ScanProtocol) -> Ports {
    SERVICES.iter().filter(|one| one.protocol == protocol).map(|one| one.port).collect()
}

/// The same at other ports: the packet filter leads there.
pub(super) fn moved(server: &Netns) -> Vec<Service> {
    server.nft("add table ip moved");
    server.nft("add chain ip moved in { type nat hook prerouting priority -100; }");
    let at = |(port, service): (u16, Service)| {
        let protocol = if service.protocol == ScanProtocol::Tcp { "tcp" } else { "udp" };
        let to = service.port;
        server.nft(&format!("add rule ip moved in {protocol} dport {port} redirect to :{to}"));
        Service { port, ..service }
    };
    (20_001..).zip(SERVICES).map(at).collect()
}

/// Until all of them accept.
pub(super) fn wait(from: &Netns, daemons: &Daemons) {
    let server: IpAddr = SERVER.parse().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    from.enter(|| {
        for service in SERVICES.iter().filter(|one| one.protocol == ScanProtocol::Tcp) {
            while TcpStream::connect((server, service.port)).is_err() {
                let said = || daemons.said();
                assert!(Instant::now() < deadline, "{} is not there: {}", service.name, said());
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    });
}
