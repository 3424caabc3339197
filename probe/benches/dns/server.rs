//! BIND in a namespace of its own, and the two clients beside it.

use std::{
    fmt::Write,
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::Result;

/// Names in the zone.
pub(crate) const MANY: u32 = 1_000;
const ADDRESS: &str = "10.98.0.2";

pub(crate) fn name(number: u32) -> String {
    format!("host-{}.bench.example.", number % MANY)
}

/// Ended and deleted on drop.
pub(crate) struct Server {
    spaces: [String; 2],
    named: Option<Child>,
    folder: TempDir,
}

impl Server {
    pub(crate) fn start() -> Result<Self> {
        let own = std::process::id();
        let spaces = ["client", "server"].map(|end| format!("netdiag-bench-{own}-{end}"));
        let mut server = Self { spaces, named: None, folder: tempfile::tempdir()? };
        server.join()?;
        server.write()?;
        let config = server.folder.path().join("named.conf");
        let space = format!("--net=/run/netns/{}", server.spaces[1]);
        let words = [&space, "named", "-g", "-c", &config.to_string_lossy()].map(str::to_owned);
        server.named = Some(
            command("nsenter").args(words).stderr(Stdio::null()).stdout(Stdio::null()).spawn()?,
        );
        server.wait()?;
        Ok(server)
    }

    /// This program in the client's namespace.
    pub(crate) fn ours(&self, queries: u32) -> Result<String> {
        let program = std::env::current_exe()?;
        self.in_client(&[&program.to_string_lossy(), "ask", ADDRESS, &queries.to_string()])
    }

    pub(crate) fn dig(&self, queries: u32) -> Result<String> {
        let at = format!("@{ADDRESS}");
        if queries == 1 {
            return self.in_client(&["dig", &at, &name(0), "A"]);
        }
        let list = self.folder.path().join("names");
        self.in_client(&["dig", &at, "-f", &list.to_string_lossy()])
    }

    fn join(&self) -> Result<()> {
        let [client, server] = &self.spaces;
        for space in &self.spaces {
            run(&format!("ip netns add {space}"))?;
            run(&format!("ip -n {space} link set lo up"))?;
        }
        run(&format!("ip link add eth0 netns {client} type veth peer name eth0 netns {server}"))?;
        for (space, address) in [(client, "10.98.0.1"), (server, ADDRESS)] {
            run(&format!("ip -n {space} addr add {address}/24 dev eth0"))?;
            run(&format!("ip -n {space} link set eth0 up"))?;
        }
        Ok(())
    }

    fn write(&self) -> Result<()> {
        let folder = self.folder.path();
        let mut zone = "$TTL 60\n@ SOA ns root 1 60 60 60 60\n@ NS ns\nns A 10.98.0.2\n".to_owned();
        let mut list = String::new();
        for number in 0..MANY {
            writeln!(zone, "host-{number} A 10.1.{}.{}", number / 250, number % 250 + 1)?;
            writeln!(list, "{} A", name(number))?;
        }
        fs::write(folder.join("zone"), zone)?;
        fs::write(folder.join("names"), list)?;
        let path = folder.display();
        fs::write(
            folder.join("named.conf"),
            format!(
                "options {{ directory \"{path}\"; pid-file none; session-keyfile none; \
                 listen-on {{ {ADDRESS}; }}; listen-on-v6 {{ none; }}; recursion no; }};\n\
                 controls {{ }};\n\
                 zone \"bench.example\" {{ type primary; file \"{path}/zone\"; }};\n"
            ),
        )?;
        Ok(())
    }

    /// Until it answers.
    fn wait(&self) -> Result<()> {
        let begin = Instant::now();
        let at = format!("@{ADDRESS}");
        while begin.elapsed() < Duration::from_secs(20) {
            let said =
                self.in_client(&["dig", &at, &name(0), "A", "+short", "+tries=1", "+time=1"]);
            if said.is_ok_and(|said| said.starts_with("10.1.")) {
                return Ok(());
            }
        }
        Err("named does not answer".into())
    }

    fn in_client(&self, words: &[&str]) -> Result<String> {
        let space = format!("--net=/run/netns/{}", self.spaces[0]);
        output(&[&["nsenter", &space], words].concat())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(named) = &mut self.named {
            // It may have ended by itself.
            let _ = named.kill();
            let _ = named.wait();
        }
        for space in &self.spaces {
            let _ = run(&format!("ip netns del {space}"));
        }
    }
}

fn run(line: &str) -> Result<()> {
    output(&line.split(' ').collect::<Vec<_>>()).map(drop)
}

fn output(words: &[&str]) -> Result<String> {
    let output = command(words[0]).args(&words[1..]).output()?;
    if !output.status.success() {
        return Err(format!("{words:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn command(program: &str) -> Command {
    #[expect(clippy::disallowed_methods, reason = "ip, named and dig make the contest")]
    Command::new(program)
}
