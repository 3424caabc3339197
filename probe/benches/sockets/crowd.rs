//! A network namespace of its own with many TCP connections, held by a few processes.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Result;

/// Each holds both ends of its connections: 18,000 descriptors.
const HOLDERS: u8 = 3;
const CONNECTIONS: usize = 9_000;

pub(crate) struct Crowd {
    space: String,
    holders: Vec<Child>,
}

impl Crowd {
    pub(crate) fn gather() -> Result<Self> {
        let space = format!("netdiag-bench-{}-sockets", std::process::id());
        let mut crowd = Self { space, holders: Vec::new() };
        succeed(&mut command(&["ip", "netns", "add", &crowd.space]))?;
        crowd.run(&["ip", "link", "set", "lo", "up"])?;
        let program = std::env::current_exe()?;
        for holder in 1..=HOLDERS {
            let address = Ipv4Addr::new(127, 0, 1, holder).to_string();
            let mut hold = crowd.inside(&[&program.to_string_lossy(), "hold", &address]);
            let mut child = hold.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
            let said = child.stdout.take().ok_or("a holder without stdout")?;
            crowd.holders.push(child);
            let mut line = String::new();
            BufReader::new(said).read_line(&mut line)?;
            if line.trim() != "held" {
                return Err(format!("a holder could not hold: {line:?}").into());
            }
        }
        Ok(crowd)
    }

    /// All tools see the same number of sockets.
    pub(crate) fn check(&self) -> Result<()> {
        let listed = self.inside(&["ss", "-Htan"]).output()?.stdout;
        let theirs = listed.lines().count();
        let program = std::env::current_exe()?;
        let told = self.inside(&[&program.to_string_lossy(), "once"]).output()?.stdout;
        let ours = String::from_utf8(told)?.matches(r#""protocol":"tcp""#).count();
        let wanted = (2 * CONNECTIONS + 1) * usize::from(HOLDERS);
        match (ours, theirs) == (wanted, wanted) {
            true => Ok(()),
            false => Err(format!("{wanted} sockets: netdiag {ours}, ss {theirs}").into()),
        }
    }

    /// This program in the namespace, once; what it says of itself.
    pub(crate) fn ours(&self, flags: &[&str]) -> Result<String> {
        let program = std::env::current_exe()?.to_string_lossy().into_owned();
        self.run(&[&[program.as_str(), "once"], flags].concat())
    }

    /// Any other; its list goes nowhere.
    pub(crate) fn run(&self, words: &[&str]) -> Result<String> {
        succeed(self.inside(words).stdout(Stdio::null()))
    }

    fn inside(&self, words: &[&str]) -> Command {
        let space = format!("--net=/run/netns/{}", self.space);
        command(&[&["nsenter", &space], words].concat())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for holder in &mut self.holders {
            // It ends when its stdin does.
            drop(holder.stdin.take());
            let _ = holder.wait();
        }
        let _ = succeed(&mut command(&["ip", "netns", "del", &self.space]));
    }
}

/// Both ends of every connection, until stdin ends.
pub(crate) fn hold(words: &[String]) -> Result<()> {
    let address: Ipv4Addr = words.first().ok_or("hold ADDRESS")?.parse()?;
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most })?;
    let listener = TcpListener::bind(SocketAddr::from((address, 9000)))?;
    let to = listener.local_addr()?;
    let mut held = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let client = TcpStream::connect(to)?;
        held.push((client, listener.accept()?.0));
    }
    writeln!(io::stdout(), "held")?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "ss and netstat are the peers")]
fn command(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

fn succeed(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::piped()).spawn()?.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(said) } else { Err(format!("{command:?}: {said}").into()) }
}
