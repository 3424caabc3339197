//! `kubectl netdiag`: parses, runs and is the only place that reads the environment, holds stdout
//! and exits.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

mod agent;
mod args;
mod audit;
mod cert;
mod certificates;
mod cluster;
mod code;
mod completion;
mod connect;
mod data_plane;
mod diagnose;
mod dns;
mod doctor;
mod environment;
mod explain;
mod finding;
mod http;
mod listen;
mod local;
mod matrix;
mod near;
mod node_facts;
mod ping;
mod plan;
mod policy;
mod probe;
mod render;
mod saved;
mod scan;
mod service;
mod session;
mod sockets;
mod stream;
mod survey;
mod tls;
mod trace;
mod version;

use args::{Command, Stop};
use environment::Environment;
use finding::{Failure, Severity};
use render::Screen;
use session::{Session, Stopped, Streams};

fn main() -> ExitCode {
    let environment = environment();
    if completion::is_asked(std::env::args_os().next().as_deref()) {
        return complete(&environment);
    }
    let words: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let code = match args::parse(&words) {
        Ok(command) => run(&command, &environment),
        Err(Stop::Say(text)) => match io::stdout().lock().write_all(text.as_bytes()) {
            Ok(()) => 0,
            Err(_) => 2,
        },
        Err(Stop::Refused(failure)) => {
            let output = args::OutputFlags::guess(&words);
            refuse(&environment.error_screen(&output), &failure)
        }
    };
    ExitCode::from(code)
}

/// Says what could come next, and nothing else.
fn complete(environment: &Environment) -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let text = completion::answer(&words, &environment.surroundings);
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(2),
    }
}

fn run(command: &Command, environment: &Environment) -> u8 {
    let output = command.output();
    let screen = environment.screen(&output, command.has_timestamps());
    let mut out = io::stdout().lock();
    let mut err = io::stderr();
    let mut session = Session {
        out: &mut out,
        err: &mut err,
        shows_progress: environment.has_stderr_terminal() && !screen.quiet,
        screen,
        streams: Streams {
            stdin_is_terminal: io::stdin().is_terminal(),
            stdout_is_terminal: io::stdout().is_terminal(),
            stdout,
        },
        surroundings: environment.surroundings.clone(),
        from: environment.from.clone(),
    };
    match carry_out(command, &mut session) {
        Ok(verdict) => output.exit_code(verdict),
        Err(Stopped::Failure(failure)) => refuse(&environment.error_screen(&output), &failure),
        // Who closed the pipe knows it; a disk that is full must be told.
        Err(Stopped::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => 2,
        Err(Stopped::Write(error)) => {
            let failure =
                Failure { code: None, message: format!("write: {error}"), labels: Vec::new() };
            refuse(&environment.error_screen(&output), &failure)
        }
    }
}

fn carry_out(command: &Command, session: &mut Session<'_>) -> Result<Severity, Stopped> {
    match command {
        Command::Explain(args) => {
            let text = explain::explain(args.code.as_deref())?;
            session.out.write_all(text.as_bytes())?;
            Ok(Severity::Ok)
        }
        Command::Version(args) if args.client => version::client(session),
        Command::Version(args) => wait_for(version::run(args, session)),
        Command::Doctor(args) => wait_for(doctor::run(args, session)),
        Command::Diagnose(args) => wait_for(service::diagnose(args, session)),
        Command::Ping(args) => wait_for(ping::run(args, session)),
        Command::Trace(args) => wait_for(trace::run(args, session)),
        Command::Scan(args) => wait_for(probe::run::<scan::Scan>(args, session)),
        Command::Dns(args) => wait_for(probe::run::<dns::Dns>(args, session)),
        Command::Sockets(args) => wait_for(sockets::run(args, session)),
        Command::Connect(args) => wait_for(stream::connect::run(args, session)),
        Command::Tls(args) => wait_for(tls::run(args, session)),
        Command::Http(args) => wait_for(http::run(args, session)),
        Command::Listen(args) => wait_for(listen::run(args, session)),
        Command::Cert(args) => wait_for(cert::run(args, session)),
        Command::Audit(args) => wait_for(audit::run(args, session)),
        Command::Render(args) => saved::run(args, session),
        // Said by the parser.
        Command::Options => Ok(Severity::Ok),
    }
}

fn wait_for<T>(work: impl Future<Output = Result<T, Stopped>>) -> Result<T, Stopped> {
    // One thread: the work is waiting, and threads cost time at start.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    // A name that is being looked up (getaddrinfo) is not waited for.
    runtime.shutdown_background();
    done
}

/// stdout once more, for a thread that may block there.
fn stdout() -> io::Result<File> {
    #[cfg(unix)]
    let stdout = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned()?;
    #[cfg(windows)]
    let stdout = std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned()?;
    Ok(File::from(stdout))
}

fn refuse(screen: &Screen, failure: &Failure) -> u8 {
    // Where stderr is closed there is nobody to tell but the exit code.
    let _ = render::failure(&mut io::stderr().lock(), screen, failure);
    2
}

/// Everything that the environment says, as values.
fn environment() -> Environment {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let variable = |name: &str| std::env::var_os(name);
    let token = std::path::Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token");
    Environment::new(
        &variable,
        environment::Terminals {
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
            width: terminal_size::terminal_size().map(|(width, _)| width.0.into()),
            has_pod_token: token.exists(),
        },
    )
}
