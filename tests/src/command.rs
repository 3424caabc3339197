//! Running programs: the one place of this crate that starts processes.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// A command for `program`, ready for its arguments.
#[expect(clippy::disallowed_methods, reason = "test tooling drives the classic tools")]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// Runs `program` to its end and returns what it printed; its error output is the error.
pub fn run<A: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    args: impl IntoIterator<Item = A>,
) -> Result<String> {
    let mut command = command(program);
    command.args(args);
    finish(command)
}

/// As [`run`], for words in one string: `run_words("ip link set lo up")`.
pub fn run_words(line: &str) -> Result<String> {
    let mut words = line.split_whitespace();
    let program = words.next().context("an empty command line")?;
    run(program, words)
}

/// Runs a prepared command to its end; its standard output is the result.
pub fn finish(mut command: Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("start {}", describe(&command)))?;
    succeeded(&command, &output)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a prepared command with `input` on its standard input.
pub fn feed(mut command: Command, input: &[u8]) -> Result<String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {}", describe(&command)))?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    // A program that ends early closes the pipe; its exit code and words say more.
    stdin.write_all(input).or_else(|e| match e.kind() {
        std::io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(e),
    })?;
    drop(stdin);
    let output = child.wait_with_output()?;
    succeeded(&command, &output)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a prepared command with the terminal's own input and output.
pub fn show(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("start {}", describe(&command)))?;
    if !status.success() {
        bail!("{}: {status}", describe(&command));
    }
    Ok(())
}

/// Whether `program` is on the path.
pub fn installed(program: &str) -> bool {
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        .iter()
        .any(|dir| Path::new(dir).join(program).exists())
}

/// The command as one would type it.
pub fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn succeeded(command: &Command, output: &Output) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let words = [&output.stderr[..], &output.stdout[..]].concat();
    bail!(
        "{}: {}: {}",
        describe(command),
        output.status,
        String::from_utf8_lossy(&words).trim_end()
    );
}
