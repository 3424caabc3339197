//! kubeconfig as kubectl reads it: files merged, flags on top, else the pod's own ServiceAccount.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use kube::{
    Config,
    client::AuthError,
    config::{
        AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, KubeconfigError, LoadDataError,
        NamedAuthInfo, NamedCluster, NamedContext,
    },
};

use super::{
    answer::{io_words, root_cause},
    proxy::ProxyVariables,
};
use crate::{
    args::KubeFlags,
    code,
    finding::{Failure, Label},
};

/// The name of the one context, cluster and user that are left once flags are applied.
const CHOSEN: &str = "netdiag";

/// What of the environment says where the API server is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// `$KUBECONFIG`, split.
    pub(crate) kubeconfig: Vec<PathBuf>,
    /// `~/.kube/config`.
    pub(crate) home_kubeconfig: Option<PathBuf>,
    /// This is a container of a pod that has its token.
    pub(crate) is_in_cluster: bool,
    pub(crate) agent_namespace: Option<String>,
    pub(crate) proxies: ProxyVariables,
}

/// What a kubeconfig has names for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    Contexts,
    Clusters,
    Users,
}

/// The names of that part; none where the files cannot be read.
pub(crate) fn names(part: Part, flags: &KubeFlags, around: &Surroundings) -> Vec<String> {
    let Ok(files) = merged(flags, around) else { return Vec::new() };
    match part {
        Part::Contexts => files.contexts.into_iter().map(|context| context.name).collect(),
        Part::Clusters => files.clusters.into_iter().map(|cluster| cluster.name).collect(),
        Part::Users => files.auth_infos.into_iter().map(|user| user.name).collect(),
    }
}

pub(super) struct Read {
    pub(super) config: Config,
    pub(super) context: Option<String>,
}

/// The configuration that kubectl would use with these flags.
pub(super) fn read(flags: &KubeFlags, around: &Surroundings) -> Result<Read, Failure> {
    let files = merged(flags, around)?;
    let context = flags.context.clone().or_else(|| files.current_context.clone());
    let context = context.filter(|name| !name.is_empty());
    let is_unset = context.is_none() && flags.cluster.is_none() && flags.server.is_none();
    let mut config = if is_unset {
        if !around.is_in_cluster {
            return Err(nowhere(flags, around));
        }
        Config::incluster().map_err(|error| unreadable(&root_cause(&error)))?
    } else {
        chosen(flags, &files, context.as_deref())?
    };
    if let Some(namespace) = &flags.namespace {
        config.default_namespace.clone_from(namespace);
    }
    // kube would ask NO_PROXY about the proxy itself, not about the server.
    config.proxy_url = proxy(flags, &files, context.as_deref(), &config.cluster_url, around)?;
    config.connect_timeout = Some(Duration::from_secs(10));
    config.default_retry = false;
    Ok(Read { config, context })
}

/// A credential plugin, certificate or proxy that cannot be used.
pub(super) fn unusable(server: &str, plugin: Option<&str>, error: &kube::Error) -> Failure {
    if let kube::Error::Auth(error) = error {
        let plugin = plugin.map(|command| format!("credential plugin {command}: "));
        let (plugin, why) = (plugin.unwrap_or_default(), plugin_words(error));
        let message = format!("no credentials for API server {server}: {plugin}{why}");
        return Failure::new(code::API_SERVER, message);
    }
    let mut cause: &dyn std::error::Error = error;
    let why = loop {
        match (cause.downcast_ref::<KubeconfigError>(), cause.source()) {
            (Some(known), _) => break why(known),
            (None, Some(source)) => cause = source,
            (None, None) => break root_cause(cause),
        }
    };
    Failure::new(code::API_SERVER, format!("no way to API server {server}: {why}"))
}

/// kube's text shows a plugin's whole environment and output.
fn plugin_words(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(error) => io_words(error),
        AuthError::AuthExecRun { out, .. } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let said = said.lines().find(|line| !line.trim().is_empty());
            let said = said.map(|line| format!(": {}", line.trim())).unwrap_or_default();
            format!("ended with {}{said}", out.status)
        }
        other => root_cause(other),
    }
}

/// Every file that kubectl reads, the first that names a thing wins; one of $KUBECONFIG that does
/// not exist is passed over, as client-go does.
fn merged(flags: &KubeFlags, around: &Surroundings) -> Result<Kubeconfig, Failure> {
    let (paths, must_exist): (Vec<&PathBuf>, bool) = match &flags.kubeconfig {
        Some(path) => (vec![path], true),
        None if !around.kubeconfig.is_empty() => (around.kubeconfig.iter().collect(), false),
        None => (around.home_kubeconfig.iter().collect(), false),
    };
    let mut merged = Kubeconfig::default();
    for path in paths {
        match Kubeconfig::read_from(path) {
            Ok(file) => merged = merged.merge(file).map_err(|e| broken_file(path, &e))?,
            Err(KubeconfigError::ReadConfig(error, _))
                if error.kind() == io::ErrorKind::NotFound && !must_exist => {}
            Err(error) => return Err(broken_file(path, &error)),
        }
    }
    Ok(merged)
}

fn broken_file(path: &Path, error: &KubeconfigError) -> Failure {
    unreadable(&format!("kubeconfig {}: {}", path.display(), why(error)))
}

/// kube's own texts name their cause twice, and the parser's quotes the file: it may hold a token.
fn why(error: &KubeconfigError) -> String {
    let (what, cause) = match error {
        KubeconfigError::Parse(error) => {
            let place = error.location().map(|at| format!(", line {}", at.line()));
            return format!("not a kubeconfig{}", place.unwrap_or_default());
        }
        KubeconfigError::ReadConfig(error, _) => return io_words(error),
        KubeconfigError::LoadCertificateAuthority(cause) => ("certificate authority", cause),
        KubeconfigError::LoadClientCertificate(cause) => ("client certificate", cause),
        KubeconfigError::LoadClientKey(cause) => ("client key", cause),
        other => return root_cause(other),
    };
    match cause {
        LoadDataError::ReadFile(error, path) => {
            format!("{what} {}: {}", path.display(), io_words(error))
        }
        other => format!("{what}: {}", root_cause(other)),
    }
}

fn unreadable(what: &str) -> Failure {
    let note = "--from local works without a cluster".to_owned();
    Failure::new(code::API_SERVER, what).with(Label::Note(note))
}

fn nowhere(flags: &KubeFlags, around: &Surroundings) -> Failure {
    let given = flags.kubeconfig.iter().chain(&around.kubeconfig);
    let looked: Vec<_> =
        given.chain(&around.home_kubeconfig).map(|p| p.display().to_string()).collect();
    unreadable("no API server is named: there is no current context, and this is not a pod")
        .with(Label::Seen(format!("looked in {}", looked.join(", "))))
}

/// The chosen context with every flag applied, as a kubeconfig of its own, so that kube reads
/// certificates, tokens and plugins as it does for any other.
fn chosen(flags: &KubeFlags, files: &Kubeconfig, name: Option<&str>) -> Result<Config, Failure> {
    let context = match name {
        Some(name) => named_context(files, name)?,
        None => Context::default(),
    };
    let context = Context {
        cluster: flags.cluster.clone().unwrap_or(context.cluster),
        user: flags.user.clone().or(context.user),
        namespace: context.namespace.filter(|namespace| !namespace.is_empty()),
        ..context
    };
    let cluster = with_flags(flags, cluster_of(files, &context, flags.server.is_some())?);
    let user = user_of(files, &context, flags.user.is_some())?;
    let one = Kubeconfig {
        current_context: Some(CHOSEN.into()),
        clusters: vec![NamedCluster {
            name: CHOSEN.into(),
            cluster: Some(cluster),
            ..Default::default()
        }],
        auth_infos: vec![NamedAuthInfo {
            name: CHOSEN.into(),
            auth_info: Some(as_flags_say(flags, user)),
            ..Default::default()
        }],
        contexts: vec![NamedContext {
            name: CHOSEN.into(),
            context: Some(Context { cluster: CHOSEN.into(), user: Some(CHOSEN.into()), ..context }),
            ..Default::default()
        }],
        ..Kubeconfig::default()
    };
    // Nothing in it waits: the future is ready at once.
    let config = futures_util::FutureExt::now_or_never(Config::from_custom_kubeconfig(
        one,
        &KubeConfigOptions::default(),
    ));
    match config {
        Some(Ok(config)) => Ok(config),
        Some(Err(error)) => Err(unreadable(&why(&error))),
        None => Err(unreadable("kubeconfig could not be read at once")),
    }
}

fn named_context(files: &Kubeconfig, name: &str) -> Result<Context, Failure> {
    let found = files.contexts.iter().find(|context| context.name == name);
    found.and_then(|context| context.context.clone()).ok_or_else(|| {
        let known: Vec<_> = files.contexts.iter().map(|context| context.name.as_str()).collect();
        let known = if known.is_empty() { "none".into() } else { known.join(", ") };
        unreadable(&format!("no context {name:?} in kubeconfig; there is {known}"))
    })
}

fn cluster_of(files: &Kubeconfig, context: &Context, may_lack: bool) -> Result<Cluster, Failure> {
    let found = files.clusters.iter().find(|cluster| cluster.name == context.cluster);
    match found.and_then(|cluster| cluster.cluster.clone()) {
        Some(cluster) => Ok(cluster),
        None if may_lack => Ok(Cluster::default()),
        None => Err(unreadable(&format!("no cluster {:?} in kubeconfig", context.cluster))),
    }
}

/// A context may name a user that is not there, as client-go has it; a flag may not.
fn user_of(files: &Kubeconfig, context: &Context, is_flag: bool) -> Result<AuthInfo, Failure> {
    let Some(name) = &context.user else { return Ok(AuthInfo::default()) };
    let found = files.auth_infos.iter().find(|user| user.name == *name);
    match found.and_then(|user| user.auth_info.clone()) {
        None if is_flag => Err(unreadable(&format!("no user {name:?} in kubeconfig"))),
        found => Ok(found.unwrap_or_default()),
    }
}

fn with_flags(flags: &KubeFlags, mut cluster: Cluster) -> Cluster {
    if let Some(server) = &flags.server {
        let has_scheme = server.contains("://");
        cluster.server = Some(if has_scheme { server.clone() } else { format!("http://{server}") });
    }
    if let Some(file) = &flags.certificate_authority {
        cluster.certificate_authority = Some(file.display().to_string());
        cluster.certificate_authority_data = None;
    }
    cluster.insecure_skip_tls_verify =
        flags.insecure_skip_tls_verify.or(cluster.insecure_skip_tls_verify);
    cluster.tls_server_name = flags.tls_server_name.clone().or(cluster.tls_server_name);
    cluster.disable_compression = flags.disable_compression.or(cluster.disable_compression);
    cluster.proxy_url = flags.proxy_url.clone().or(cluster.proxy_url);
    cluster
}

/// Credentials on the command line take the place of every other kind of the same user.
fn as_flags_say(flags: &KubeFlags, mut user: AuthInfo) -> AuthInfo {
    if flags.token.is_some() || flags.client_certificate.is_some() {
        (user.exec, user.auth_provider) = (None, None);
    }
    if let Some(token) = &flags.token {
        user.token = Some(token.expose().to_owned().into());
        user.token_file = None;
    }
    if let Some(file) = &flags.client_certificate {
        user.client_certificate = Some(file.display().to_string());
        user.client_certificate_data = None;
    }
    if let Some(file) = &flags.client_key {
        user.client_key = Some(file.display().to_string());
        user.client_key_data = None;
    }
    if let Some(name) = &flags.impersonate {
        user.impersonate = Some(name.clone());
    }
    if let Some(uid) = &flags.impersonate_uid {
        user.impersonate_uid = Some(uid.clone());
    }
    if !flags.impersonate_group.is_empty() {
        user.impersonate_groups = Some(flags.impersonate_group.clone());
    }
    if !flags.impersonate_extra.is_empty() {
        let mut extra: HashMap<String, Vec<String>> = HashMap::new();
        for (key, value) in &flags.impersonate_extra {
            extra.entry(key.clone()).or_default().push(value.clone());
        }
        user.impersonate_user_extra = Some(extra);
    }
    user
}

fn proxy(
    flags: &KubeFlags,
    files: &Kubeconfig,
    context: Option<&str>,
    server: &http::Uri,
    around: &Surroundings,
) -> Result<Option<http::Uri>, Failure> {
    let cluster = flags.cluster.clone().or_else(|| {
        let context = files.contexts.iter().find(|named| Some(named.name.as_str()) == context)?;
        Some(context.context.as_ref()?.cluster.clone())
    });
    let in_file = files.clusters.iter().find(|named| Some(&named.name) == cluster.as_ref());
    let in_file = in_file.and_then(|named| named.cluster.as_ref()?.proxy_url.as_deref());
    let named = flags.proxy_url.as_deref().or(in_file).filter(|url| !url.is_empty());
    let Some(url) = named.or_else(|| around.proxies.for_server(server)) else { return Ok(None) };
    let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    url.parse().map(Some).map_err(|error| unreadable(&format!("proxy {url}: {error}")))
}

#[cfg(test)]
mod tests;
