//! kubectl's global flags, which every command takes with kubectl's meaning.

use std::{fmt, path::PathBuf, time::Duration};

use clap::{ArgAction, Args};

use super::duration;

/// A bearer token: its `Debug` says nothing.
#[derive(Clone, PartialEq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl From<String> for Secret {
    fn from(token: String) -> Self {
        Self(token)
    }
}

/// Flattened into each command: clap's own globals panic where a command has a `-v` of its own.
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(next_help_heading = "kubectl's flags")]
pub(crate) struct KubeFlags {
    /// Namespace of what is named without one
    #[arg(short, long, hide = true, value_parser = namespace)]
    pub(crate) namespace: Option<String>,
    /// The kubeconfig context to use
    #[arg(long, hide = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// The kubeconfig cluster to use
    #[arg(long, hide = true, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// The kubeconfig user to use
    #[arg(long, hide = true, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// The kubeconfig file to use
    #[arg(long, hide = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// User to impersonate
    #[arg(long = "as", hide = true, value_name = "USER")]
    pub(crate) impersonate: Option<String>,
    /// Group to impersonate; may be repeated
    #[arg(long = "as-group", hide = true, value_name = "GROUP")]
    pub(crate) impersonate_group: Vec<String>,
    /// UID to impersonate
    #[arg(long = "as-uid", hide = true, value_name = "UID")]
    pub(crate) impersonate_uid: Option<String>,
    /// Extra of the user to impersonate; may be repeated
    #[arg(long = "as-user-extra", hide = true, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) impersonate_extra: Vec<(String, String)>,
    /// Address and port of the API server
    #[arg(short, long, hide = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Bearer token for the API server
    #[arg(long, hide = true, value_parser = secret)]
    pub(crate) token: Option<Secret>,
    /// Name that the API server's certificate must bear
    #[arg(long, hide = true, value_name = "NAME")]
    pub(crate) tls_server_name: Option<String>,
    /// Do not check the API server's certificate
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) insecure_skip_tls_verify: Option<bool>,
    /// Certificate authority of the API server
    #[arg(long, hide = true, value_name = "FILE")]
    pub(crate) certificate_authority: Option<PathBuf>,
    /// Client certificate for the API server
    #[arg(long, hide = true, value_name = "FILE")]
    pub(crate) client_certificate: Option<PathBuf>,
    /// Key of the client certificate
    #[arg(long, hide = true, value_name = "FILE")]
    pub(crate) client_key: Option<PathBuf>,
    /// Proxy to the API server (http, https, socks5)
    #[arg(long, hide = true, value_name = "URL")]
    pub(crate) proxy_url: Option<String>,
    /// How long to wait for one answer of the API server; 0: without end
    #[arg(long, hide = true, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) request_timeout: Option<Duration>,
    /// Ask the API server for uncompressed answers
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) disable_compression: Option<bool>,
    /// kubectl's log level (also -v=N): 6 and more show each request to the API server
    #[arg(long = "v", hide = true, value_name = "N", action = ArgAction::Set)]
    pub(crate) log_level: Option<u8>,
    /// Where the agents are; $NETDIAG_NAMESPACE, else netdiag
    #[arg(long, value_name = "NAMESPACE", value_parser = namespace, help_heading = "netdiag")]
    pub(crate) agent_namespace: Option<String>,
}

/// Whether the API server would take it as a namespace's name (an RFC 1123 label).
pub(crate) fn is_namespace(name: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (1..=63).contains(&name.len())
        && name.bytes().all(|b| letter(b) || b == b'-')
        && name.bytes().next().is_some_and(letter)
        && name.bytes().last().is_some_and(letter)
}

fn namespace(name: &str) -> Result<String, String> {
    if is_namespace(name) { Ok(name.to_owned()) } else { Err("no name for a namespace".into()) }
}

fn secret(token: &str) -> Result<Secret, String> {
    Ok(token.to_owned().into())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must be KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Bare `-v` and `-vv` are our detail; `-v=6` and `-v6` are kubectl's log level, which clap is told
/// as `--v=6`.
pub(super) fn spell_log_level(words: &[String]) -> Vec<String> {
    let mut flags_end = false;
    let spell = |word: &String| {
        flags_end |= word == "--";
        let digits = word.strip_prefix("-v").map(|rest| rest.strip_prefix('=').unwrap_or(rest));
        match digits {
            Some(n) if !flags_end && !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()) => {
                format!("--v={n}")
            }
            _ => word.clone(),
        }
    };
    words.iter().map(spell).collect()
}

/// What `kubectl netdiag options` prints.
pub(super) fn options() -> String {
    let mut flags = KubeFlags::augment_args(clap::Command::new("options"))
        .disable_help_flag(true)
        .help_template("kubectl's flags, which every command takes:\n\n{options}")
        .mut_args(|arg| arg.hide(false).help_heading("Flags"));
    format!("{}\n", flags.render_help().to_string().trim_end())
}
