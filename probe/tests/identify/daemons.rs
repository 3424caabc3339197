//! Debian's daemons with settings of the test's own, as its children in one namespace.

use std::{
    fs::{self, File},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tempfile::TempDir;

use crate::lab::Netns;

/// Where Debian has them, whatever the caller's path is; the versioned place is PostgreSQL's.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

macro_rules! settings {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("daemons/", $name)))),*]
    };
}

/// `{dir}` in them is the test's directory.
pub(crate) const SETTINGS: [(&str, &str); 16] = settings!(
    "apache.conf",
    "dovecot.conf",
    "exim.conf",
    "haproxy.conf",
    "lighttpd.conf",
    "mosquitto.conf",
    "named.conf",
    "nginx.conf",
    "nsd.conf",
    "slapd.conf",
    "snmpd.conf",
    "squid.conf",
    "stunnel.conf",
    "tinyproxy.conf",
    "unbound.conf",
    "vsftpd.conf"
);

/// Run to their end, before any daemon.
const PREPARATIONS: [&str; 5] = [
    "ssh-keygen -q -t ed25519 -N {none} -f {dir}/sshd.key",
    "dropbearkey -t ed25519 -f {dir}/dropbear.key",
    "chown Debian-exim {dir}/exim",
    "chown postgres {dir}/postgres",
    "setpriv --reuid=postgres --regid=postgres --clear-groups \
        {postgres}/initdb -D {dir}/postgres/data -A trust --no-sync",
];

/// All stay in the foreground.
const DAEMONS: [&str; 29] = [
    "/usr/sbin/sshd -D -e -f /dev/null -h {dir}/sshd.key -o PidFile=none",
    "dropbear -F -E -r {dir}/dropbear.key -p 2222 -P {dir}/dropbear.pid",
    "vsftpd {dir}/vsftpd.conf",
    "exim4 -bdf -oX 25 -C {dir}/exim.conf",
    "dovecot -F -c {dir}/dovecot.conf",
    "named -f -n 1 -c {dir}/named.conf",
    "dnsmasq -k -C /dev/null -p 5300 -x {dir}/dnsmasq.pid --no-resolv --no-hosts -u root",
    "unbound -d -c {dir}/unbound.conf",
    "nsd -d -c {dir}/nsd.conf",
    "nginx -c {dir}/nginx.conf",
    "lighttpd -D -f {dir}/lighttpd.conf",
    "apache2 -DFOREGROUND -f {dir}/apache.conf",
    "haproxy -db -f {dir}/haproxy.conf",
    "nghttpd --no-tls 8084 -d {dir}/www",
    "busybox httpd -f -p 8085 -h {dir}/www",
    "squid -N -f {dir}/squid.conf",
    "tinyproxy -d -c {dir}/tinyproxy.conf",
    "redis-server --port 6379 --bind 0.0.0.0 --protected-mode no --save {none} --dir {dir}",
    "redis-server --port 6380 --bind 0.0.0.0 --requirepass x --save {none} --dir {dir}",
    "stunnel {dir}/stunnel.conf",
    "memcached -u nobody -p 11211 -U 0",
    "setpriv --reuid=postgres --regid=postgres --clear-groups {postgres}/postgres \
        -D {dir}/postgres/data -c listen_addresses=0.0.0.0 -c unix_socket_directories={none}",
    "mariadbd --no-defaults --user=root --datadir={dir}/mariadb --skip-grant-tables \
        --socket={dir}/mariadb.sock --pid-file={dir}/mariadb.pid --bind-address=0.0.0.0 --skip-name-resolve",
    "mosquitto -c {dir}/mosquitto.conf",
    "slapd -d 0 -h ldap://0.0.0.0:389 -f {dir}/slapd.conf",
    "nats-server -a 0.0.0.0 -p 4222",
    "etcd --data-dir {dir}/etcd --listen-client-urls http://0.0.0.0:2379 \
        --advertise-client-urls http://127.0.0.1:2379",
    "prometheus-node-exporter --web.listen-address=:9110",
    "snmpd -f -Lo -C -c {dir}/snmpd.conf -p {dir}/snmpd.pid",
];

/// Ends with all of them.
pub(crate) struct Daemons {
    running: Vec<Child>,
    directory: TempDir,
    lines: &'static [&'static str],
}

impl Daemons {
    pub(super) fn start(namespace: &Netns) -> Self {
        Self::run(namespace, &SETTINGS, &PREPARATIONS, &DAEMONS)
    }

    /// Some of them, with other settings: `{dir}` has cert.pem and key.pem.
    pub(crate) fn run(
        namespace: &Netns,
        settings: &[(&str, &str)],
        preparations: &[&str],
        lines: &'static [&'static str],
    ) -> Self {
        let directory = TempDir::new().unwrap();
        let dir = directory.path();
        // Some of them are users of their own.
        fs::set_permissions(dir, PermissionsExt::from_mode(0o755)).unwrap();
        // Where Debian's sshd goes when it has nothing to do.
        fs::create_dir_all("/run/sshd").unwrap();
        for name in ["apache", "dovecot/run", "exim", "ldap", "mariadb", "postgres", "www"] {
            fs::create_dir_all(dir.join(name)).unwrap();
        }
        fs::write(dir.join("www/index.html"), "hello\n").unwrap();
        for (name, text) in settings {
            fs::write(dir.join(name), text.replace("{dir}", dir.to_str().unwrap())).unwrap();
        }
        certificate(dir);
        let running = namespace.enter(|| {
            for line in preparations {
                let status = spawn(dir, line).wait().unwrap();
                assert!(status.success(), "{line}: {}", said(dir, line));
            }
            lines.iter().map(|line| spawn(dir, line)).collect()
        });
        Self { running, directory, lines }
    }
}

impl Daemons {
    /// The end of each one's log.
    pub(crate) fn said(&self) -> String {
        let lines = self.lines.iter().map(|line| said(self.directory.path(), line));
        let ends = lines.map(|text| text.chars().rev().take(400).collect::<String>());
        ends.map(|end| end.chars().rev().collect::<String>()).collect()
    }
}

impl Drop for Daemons {
    /// With their own children: each is a group of processes.
    fn drop(&mut self) {
        let groups: Vec<Pid> =
            self.running.iter().map(|child| Pid::from_raw(child.id() as i32)).collect();
        groups.iter().for_each(|group| {
            let _ = killpg(*group, Signal::SIGTERM);
        });
        let deadline = Instant::now() + Duration::from_secs(3);
        for (child, group) in self.running.iter_mut().zip(groups) {
            while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = killpg(group, Signal::SIGKILL);
            let _ = child.wait();
        }
    }
}

fn certificate(dir: &Path) {
    let made = rcgen::generate_simple_self_signed(["target.example".to_owned()]).unwrap();
    fs::write(dir.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
}

/// In this thread's namespace, as the leader of a group.
fn spawn(dir: &Path, line: &str) -> Child {
    let words: Vec<String> = line.split_whitespace().map(|word| expand(dir, word)).collect();
    let log = File::options().append(true).create(true).open(log(dir, line)).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the daemons that are to be known")]
    Command::new(&words[0])
        .args(&words[1..])
        .env("PATH", PATH)
        .current_dir(dir)
        .process_group(0)
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|cause| panic!("{line}: {cause}"))
}

fn expand(dir: &Path, word: &str) -> String {
    let word = word.replace("{dir}", dir.to_str().unwrap()).replace("{none}", "");
    match word.contains("{postgres}") {
        true => word.replace("{postgres}", &postgres()),
        false => word,
    }
}

/// Debian has a directory for each of its versions.
fn postgres() -> String {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("postgresql is installed");
    let newest = versions.map(|entry| entry.unwrap().path()).max().unwrap();
    newest.join("bin").to_str().unwrap().to_owned()
}

fn log(dir: &Path, line: &str) -> PathBuf {
    let program = Path::new(line.split_whitespace().next().unwrap());
    dir.join(program.file_name().unwrap()).with_extension("log")
}

fn said(dir: &Path, line: &str) -> String {
    fs::read_to_string(log(dir, line)).unwrap_or_default()
}
